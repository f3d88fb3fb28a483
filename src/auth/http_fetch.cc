#include "auth/http_fetch.h"

#include <utility>

#include "base/http_client.h"

namespace godwit::auth {

OidcVerifier::Fetch http_fetch(std::shared_ptr<const HttpClient> client) {
  return [client = std::move(client)](const std::string& url) -> Result<std::string> {
    auto response = client->request("GET", url, {{"Accept", "application/json"}}, {});
    if (!response) return response.error();
    if (response->status != 200) {
      return Error(Errc::internal, "the answer has status " + std::to_string(response->status));
    }
    return std::move(response->body);
  };
}

}  // namespace godwit::auth

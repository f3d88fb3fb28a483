// OidcVerifier's fetch by way of HttpClient.
#pragma once

#include <memory>

#include "auth/oidc_verifier.h"

namespace godwit {
class HttpClient;
}

namespace godwit::auth {

// GETs a JSON document. Any answer but 200 is an error, redirects included.
OidcVerifier::Fetch http_fetch(std::shared_ptr<const HttpClient> client);

}  // namespace godwit::auth

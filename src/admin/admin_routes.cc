#include "admin/admin_routes.h"

#include <sodium.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace godwit::admin {
namespace {

bool authorized(const net::HttpRequest& request, const std::string& token) {
  if (token.empty()) return true;
  const std::string expected = "Bearer " + token;
  const std::string_view given = request.header("Authorization");
  return given.size() == expected.size() && sodium_memcmp(given.data(), expected.data(), expected.size()) == 0;
}

net::HttpHandler guarded(const std::string& token, net::HttpHandler handler) {
  return [token, handler = std::move(handler)](net::HttpRequest request, net::HttpReply reply) {
    if (!authorized(request, token)) return reply(json_error(401, "the bearer token is missing or wrong"));
    handler(std::move(request), std::move(reply));
  };
}

}  // namespace

net::HttpResponse json_response(int status, const std::string& body) {
  net::HttpResponse response;
  response.status = status;
  response.content_type = "application/json";
  response.body = body + "\n";
  return response;
}

net::HttpResponse json_error(int status, const std::string& sentence) {
  return json_response(status, nlohmann::json{{"error", sentence}}.dump());
}

net::HttpRoutes admin_routes(const AdminWiring& wiring) {
  net::HttpRoutes routes;
  add_health_routes(routes, wiring.not_ready);
  const std::string& token = wiring.token;
  routes.add("GET", "/metrics", guarded(token, metrics_handler(wiring)));
  routes.add("POST", "/v1/invites", guarded(token, create_invite_handler(wiring)));
  routes.add("POST", "/v1/accounts/find", guarded(token, find_account_handler(wiring)));
  routes.add("POST", "/v1/accounts/sign-out", guarded(token, sign_out_handler(wiring)));
  routes.add("POST", "/v1/accounts/delete", guarded(token, delete_account_handler(wiring)));
  routes.add("POST", "/v1/backups", guarded(token, backup_handler(wiring)));
  routes.add("POST", "/v1/compactions", guarded(token, compaction_handler(wiring)));
  routes.add("POST", "/v1/traces", guarded(token, trace_handler(wiring)));
  routes.add("PUT", "/v1/log-level", guarded(token, log_level_handler()));
  routes.add("POST", "/v1/drain", guarded(token, drain_handler(wiring)));
  return routes;
}

}  // namespace godwit::admin

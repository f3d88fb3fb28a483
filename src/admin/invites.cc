// POST /v1/invites {"uses": 1, "valid_s": 604800} -> 201 {"code": ..., "uses": ..., "expires_ms": ...}
#include <nlohmann/json.hpp>

#include "admin/admin_routes.h"
#include "base/random.h"

namespace godwit::admin {
namespace {

constexpr std::int64_t kMaxUses = 1'000'000;
constexpr std::int64_t kMaxValidS = 366LL * 24 * 3600;
constexpr std::int64_t kDefaultValidS = 7LL * 24 * 3600;

}  // namespace

net::HttpHandler create_invite_handler(const AdminWiring& wiring) {
  return [&router = wiring.router, &clock = wiring.clock](net::HttpRequest request, net::HttpReply reply) {
    const auto body = nlohmann::json::parse(request.body.empty() ? "{}" : request.body, nullptr, false);
    if (!body.is_object()) return reply(json_error(400, "the body must be a JSON object"));
    std::int64_t uses = 1;
    std::int64_t valid_s = kDefaultValidS;
    for (const auto& [name, value] : body.items()) {
      if (!value.is_number_integer()) return reply(json_error(400, "`" + name + "` must be an integer"));
      if (name == "uses") {
        uses = value.get<std::int64_t>();
      } else if (name == "valid_s") {
        valid_s = value.get<std::int64_t>();
      } else {
        return reply(json_error(400, "unknown field; there are `uses` and `valid_s`"));
      }
    }
    if (uses < 1 || uses > kMaxUses) return reply(json_error(400, "`uses` must be 1 to 1000000"));
    if (valid_s < 1 || valid_s > kMaxValidS) return reply(json_error(400, "`valid_s` must be 1 to 31622400"));
    const std::string code = hex(random_bytes(10));
    const std::int64_t expires_ms = clock.wall_ms() + valid_s * 1000;
    router.on(std::string_view(code), [code, uses, expires_ms, reply](Shard& shard) {
      shard.accounts().create_invite(
          code, static_cast<std::uint32_t>(uses), expires_ms, [code, uses, expires_ms, reply](const Result<Unit>& made) {
            if (!made) {
              const ErrorInfo& info = error_info(made.error().code);
              return reply(json_error(info.http_status, std::string(info.text)));
            }
            reply(json_response(201, nlohmann::json{{"code", code}, {"uses", uses}, {"expires_ms", expires_ms}}.dump()));
          });
    });
  };
}

}  // namespace godwit::admin

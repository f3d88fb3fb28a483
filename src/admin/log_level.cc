// PUT /v1/log-level {"level": "debug"} -> 200 {"level": "debug"}
#include <nlohmann/json.hpp>

#include "admin/admin_routes.h"
#include "base/log.h"

namespace godwit::admin {

net::HttpHandler log_level_handler() {
  return [](net::HttpRequest request, net::HttpReply reply) {
    const auto body = nlohmann::json::parse(request.body, nullptr, false);
    const std::string word = body.is_object() && body.contains("level") && body["level"].is_string()
                                 ? body["level"].get<std::string>()
                                 : std::string();
    const auto level = parse_log_level(word);
    if (!level) return reply(json_error(400, "`level` must be debug, info, warning or error"));
    set_log_level(*level);
    log_info("log_level_changed", {{"level", word}});
    reply(json_response(200, nlohmann::json{{"level", word}}.dump()));
  };
}

}  // namespace godwit::admin

// POST /v1/backups {"name": "2026-11-24"} -> 201 {"directory": ...}: a consistent copy of the store while it runs.
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "admin/admin_routes.h"

namespace godwit::admin {
namespace {

// A plain file name: what an operator types, and nothing that leaves the backup folder.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
         });
}

}  // namespace

net::HttpHandler backup_handler(const AdminWiring& wiring) {
  return [&checkpointer = wiring.checkpointer, &store = wiring.store, root = wiring.backup_root](
             net::HttpRequest request, net::HttpReply reply) {
    const auto body = nlohmann::json::parse(request.body, nullptr, false);
    const std::string name = body.is_object() && body.contains("name") && body["name"].is_string()
                                 ? body["name"].get<std::string>()
                                 : std::string();
    if (!is_plain_name(name)) return reply(json_error(400, "`name` must be letters, digits, '-', '_' or '.'"));
    const std::filesystem::path directory = std::filesystem::path(root) / name;
    std::error_code ignored;
    std::filesystem::create_directories(root, ignored);
    checkpointer.post([&checkpointer, &store, directory, reply] {
      // What is acknowledged up to now is in the copy: the journal's tail is materialised first.
      if (!checkpointer.run_once()) return reply(json_error(503, "the store does not accept writes now"));
      std::error_code unseen;  // then the copy fails, too
      if (std::filesystem::exists(directory, unseen)) return reply(json_error(409, "there is a backup of this name"));
      if (const auto fault = store.backup(directory.string())) return reply(json_error(503, *fault));
      reply(json_response(201, nlohmann::json{{"directory", directory.string()}}.dump()));
    });
  };
}

}  // namespace godwit::admin

// ice-servers.
#include <nlohmann/json.hpp>

#include "godwit.pb.h"
#include "godwit/clock.h"
#include "tools/cli/command_session.h"
#include "tools/cli/commands.h"
#include "tools/cli/format.h"
#include "tools/cli/sanitize.h"

namespace godwit::cli {
namespace {

void show_server(Output& out, const v1::IceServer& server, std::int64_t expires_ms) {
  std::string text;
  nlohmann::ordered_json urls = nlohmann::ordered_json::array();
  for (const std::string& url : server.urls()) {
    text += (text.empty() ? "" : "\n") + sanitize(url);
    urls.push_back(url);
  }
  if (!server.region().empty()) text += "  (" + sanitize(server.region()) + ")";
  if (!server.username().empty()) {
    text +=
        "\n  username   " + sanitize(server.username()) + "\n  credential " + sanitize(server.credential());
  }
  out.result(text, {{"type", "ice_server"},
                    {"urls", urls},
                    {"username", server.username()},
                    {"credential", server.credential()},
                    {"region", server.region()},
                    {"expires_ms", expires_ms}});
}

}  // namespace

ExitCode run_ice_servers(Context& context, const std::string& region) {
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  v1::ClientFrame frame;
  frame.mutable_get_ice_servers()->set_region(region);
  const v1::ServerFrame reply = session.call(frame, v1::ServerFrame::kIceServers, Retry::yes);
  session.close();
  const v1::IceServers& all = reply.ice_servers();
  for (const v1::IceServer& server : all.servers()) show_server(context.out, server, all.expires_ms());
  if (!context.out.json() && all.expires_ms() != 0) {
    context.out.line("the credentials hold until " + format_time(all.expires_ms(), SystemClock().wall_ms()));
  }
  return ExitCode::ok;
}

}  // namespace godwit::cli

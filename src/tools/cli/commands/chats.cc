// chats, group list.
#include <nlohmann/json.hpp>

#include "godwit.pb.h"
#include "godwit/clock.h"
#include "tools/cli/command_session.h"
#include "tools/cli/commands.h"
#include "tools/cli/duration.h"
#include "tools/cli/format.h"
#include "tools/cli/message_view.h"

namespace godwit::cli {
namespace {

std::string chat_line(const v1::ChatInfo& info, const ChatRef& chat, const std::string& name) {
  std::string line = name;
  if (chat.is_group()) line += "  " + format_chat(chat);
  line += "  last #" + std::to_string(info.end());
  if (info.end_time_ms() != 0) line += " " + format_time(info.end_time_ms(), SystemClock().wall_ms());
  if (info.unread() != 0) line += "  " + std::to_string(info.unread()) + " unread";
  if (!chat.is_group()) {
    line += "  delivered #" + std::to_string(info.peer_delivered()) + ", read #" +
            std::to_string(info.peer_read());
  }
  if (info.ttl_s() != 0) line += "  messages disappear after " + format_duration(info.ttl_s());
  if (info.left()) line += "  left";
  if (info.request()) line += "  a stranger: `request accept` or `request refuse`";
  return line;
}

void show_chat(CommandSession& session, const v1::ChatInfo& info) {
  const bool group = info.chat().size() == ChatId().bytes.size();
  const ChatRef chat = group ? ChatRef(ChatId::from(info.chat())) : ChatRef(UserId(info.peer()));
  const std::string name = session.chat_name(chat);
  nlohmann::ordered_json out = {{"type", "chat"}, {"chat", name}};
  add_chat(out, chat);
  out["end"] = info.end();
  out["end_time_ms"] = info.end_time_ms();
  out["unread"] = info.unread();
  out["delivered"] = info.delivered();
  out["read"] = info.read();
  out["peer_delivered"] = info.peer_delivered();
  out["peer_read"] = info.peer_read();
  out["version"] = info.version();
  out["left"] = info.left();
  out["ttl_s"] = info.ttl_s();
  out["request"] = info.request();
  session.out().result(chat_line(info, chat, name), out);
}

}  // namespace

ExitCode run_chats(Context& context, bool groups_only) {
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  const std::vector<v1::ChatInfo> chats = session.list_chats();
  session.learn_groups(chats);
  for (const v1::ChatInfo& info : chats) {
    if (!groups_only || !info.chat().empty()) show_chat(session, info);
  }
  session.close();
  return ExitCode::ok;
}

}  // namespace godwit::cli

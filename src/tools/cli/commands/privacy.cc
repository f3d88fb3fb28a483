// privacy show, privacy set.
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tools/cli/command_session.h"
#include "tools/cli/commands.h"
#include "tools/cli/privacy_text.h"

namespace godwit::cli {
namespace {

void show(CommandSession& session, const v1::Privacy& privacy) {
  nlohmann::ordered_json out = {{"type", "privacy"}};
  std::string text;
  const auto name_of = [&](UserId user) { return session.name_of(user); };
  for (const NamedRule& named : privacy_rules()) {
    const v1::PrivacyRule& rule = (privacy.*named.rule)();
    const std::string name(named.name);
    text += name + std::string(20 - name.size(), ' ') + rule_text(rule, name_of) + "\n";
    nlohmann::ordered_json except = nlohmann::ordered_json::array();
    for (const std::uint64_t user : rule.except()) except.push_back(std::to_string(user));
    out[name] = {{"audience", audience_name(rule.audience())}, {"except", except}};
  }
  const auto word = [](bool on) { return on ? "yes" : "no"; };
  text += "hide_read_receipts  " + std::string(word(privacy.hide_read_receipts())) + "\n";
  text += "ask_first           " + std::string(word(privacy.ask_first()));
  out["hide_read_receipts"] = privacy.hide_read_receipts();
  out["ask_first"] = privacy.ask_first();
  session.out().result(text, out);
}

}  // namespace

ExitCode run_privacy(Context& context, const std::vector<std::string>& changes) {
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  v1::ClientFrame frame;
  if (changes.empty()) {
    frame.mutable_get_privacy();
  } else {
    try {
      *frame.mutable_set_privacy() =
          parse_privacy(changes, [&](const std::string& name) { return session.find_user(name).user; });
    } catch (const std::invalid_argument& e) {
      throw CommandError(ExitCode::usage, "usage", e.what());
    }
  }
  const v1::ServerFrame reply = session.call(frame, v1::ServerFrame::kPrivacy, Retry::yes);
  show(session, reply.privacy());
  session.close();
  return ExitCode::ok;
}

}  // namespace godwit::cli

// Statuses, as `status` and `chat` show them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/command_session.h"
#include "tools/cli/status_text.h"

namespace godwit::cli {

// What the user may see, as the server orders it: those not seen yet first. Throws CommandError.
std::vector<ListedStatus> list_feed(CommandSession& session, bool with_muted);
// The user's own, oldest first, numbered from the newest. Throws CommandError.
v1::OwnStatuses list_own(CommandSession& session);
// By number or id, of anyone or of the user. Throws CommandError.
MessageId find_status(CommandSession& session, UserId author, const std::string& which);
// One of the user's own. Throws CommandError.
MessageId find_own_status(CommandSession& session, const std::string& which);

void show_listed(CommandSession& session, const ListedStatus& status);
// Opens it, shows it, and tells that it was seen unless it is the user's own. Throws CommandError.
void open_status(CommandSession& session, UserId author, const MessageId& id);
// Encrypts and posts; `users` as `audience` wants them. Throws CommandError.
void post_status(CommandSession& session, v1::StatusAudience audience, const std::vector<UserId>& users,
                 std::string_view text);
// What a push says of statuses; false when it says nothing of them. In a chat `here` is the other side, whose
// statuses /status opens.
bool show_status_news(CommandSession& session, const v1::ServerFrame& push, UserId here);

}  // namespace godwit::cli

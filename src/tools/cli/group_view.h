// Groups, as `group info` and /info show them, and changes of them.
#pragma once

#include <functional>
#include <string>

#include "godwit.pb.h"
#include "tools/cli/command_session.h"

namespace godwit::cli {

// Opens the profile, connects, finds the group, and does what is wanted with it. Throws CommandError.
ExitCode with_group(Context& context, const std::string& name,
                    const std::function<void(CommandSession&, const Conversation&)>& what);

// Asks for the group and all its members, and shows them. Throws CommandError.
void show_group(CommandSession& session, const Conversation& group);

// Makes the change, which needs neither `id` nor `chat`, and says `done` when it is. Throws CommandError.
void change_group(CommandSession& session, const Conversation& group, v1::ChangeGroup change,
                  const std::string& done);

// Says how a group was changed, and who could not be added.
void show_change(CommandSession& session, const Conversation& group, const v1::GroupChanged& changed,
                 const std::string& done);

// Removes a message of the chat, and says so. Throws CommandError.
void remove_message(CommandSession& session, const Conversation& with, std::uint64_t chat_seq, bool everyone);

}  // namespace godwit::cli

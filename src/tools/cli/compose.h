// From a text to a message that waits to be sent.
#pragma once

#include <string_view>

#include "tools/cli/command_session.h"

namespace godwit::cli {

// Encrypts. Throws CommandError without a passphrase, for an empty text, and for one that is too long.
OutgoingMessage compose(CommandSession& session, const ChatRef& to, const MessageId& id,
                        std::string_view text);

// The same of an answer to a status.
OutgoingMessage compose_reply(CommandSession& session, const ChatRef& to, const MessageId& id,
                              std::string_view text, const MessageId& status);

// Keeps the message until the server has it. Throws CommandError when too many wait already.
void enqueue(CommandSession& session, const OutgoingMessage& message);

}  // namespace godwit::cli

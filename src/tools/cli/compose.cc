#include "tools/cli/compose.h"

namespace godwit::cli {
namespace {

// The server's default, until it says otherwise.
constexpr std::uint32_t kMaxPayloadBytes = 64 << 10;

void require_size(CommandSession& session, std::string_view text) {
  if (text.empty()) throw CommandError(ExitCode::usage, "usage", "an empty message");
  const std::uint32_t told = session.client().max_payload_bytes();
  const std::uint32_t limit = told != 0 ? told : kMaxPayloadBytes;
  if (sealed_size(text.size()) > limit) {
    throw CommandError(ExitCode::usage, "too_large",
                       "the message has " + std::to_string(sealed_size(text.size())) +
                           " bytes when encrypted, and may have " + std::to_string(limit));
  }
}

}  // namespace

OutgoingMessage compose(CommandSession& session, const ChatRef& to, const MessageId& id,
                        std::string_view text) {
  require_size(session, text);
  return {id, to, session.require_key_of(to).seal(text, session.self(), id), 0, {}};
}

OutgoingMessage compose_reply(CommandSession& session, const ChatRef& to, const MessageId& id,
                              std::string_view text, const MessageId& status) {
  require_size(session, text);
  const ChatKey& key = session.require_key_of(to);
  return {id, to, key.seal_reply(text, session.self(), id, status), 0, status.str()};
}

void enqueue(CommandSession& session, const OutgoingMessage& message) {
  if (session.client().send(message)) return;
  throw CommandError(ExitCode::usage, "outbox_full",
                     std::to_string(Outbox::kMaxMessages) + " messages wait already to be sent");
}

}  // namespace godwit::cli

#include "tools/cli/chat_ref.h"

#include "base/random.h"
#include "godwit.pb.h"
#include "tools/cli/format.h"

namespace godwit::cli {
namespace {

constexpr std::string_view kGroupPrefix = "group:";

}  // namespace

ChatRef chat_of(const v1::Envelope& envelope, UserId self) {
  if (envelope.chat().size() == ChatId().bytes.size()) return ChatRef(ChatId::from(envelope.chat()));
  return envelope.from() == self.value ? UserId(envelope.to()) : UserId(envelope.from());
}

std::string format_chat(const ChatRef& chat) {
  return chat.is_group() ? std::string(kGroupPrefix) + hex(chat.group.view()) : format_user_id(chat.peer);
}

std::optional<ChatId> parse_group_id(std::string_view text) {
  if (text.starts_with(kGroupPrefix)) text.remove_prefix(kGroupPrefix.size());
  const auto bytes = parse_hex(text);
  if (!bytes || bytes->size() != ChatId().bytes.size()) return std::nullopt;
  return ChatId::from(*bytes);
}

}  // namespace godwit::cli

#include "presence/frames.h"

#include "godwit.pb.h"

namespace godwit {
namespace {

// Tags; a unit test compares the bytes with those of the generated classes.
constexpr std::uint64_t kPresencesField = 64 << 3 | 2;
constexpr char kPresenceField = 1 << 3 | 2;
constexpr char kUserField = 1 << 3 | 1;
constexpr char kStateField = 2 << 3;
constexpr char kLastSeenField = 3 << 3;

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

// Less than 128.
std::size_t presence_size(const Presence& presence) {
  std::size_t size = 9 + (presence.state != PresenceState::hidden ? 2 : 0);
  if (presence.last_seen_ms == 0) return size;
  size += 2;
  for (auto rest = static_cast<std::uint64_t>(presence.last_seen_ms); rest >= 0x80; rest >>= 7) ++size;
  return size;
}

}  // namespace

void fill_presences(std::span<const Presence> presences, v1::Presences& out) {
  for (const Presence& presence : presences) {
    auto& added = *out.add_presences();
    added.set_user_id(presence.user.value);
    added.set_state(static_cast<v1::PresenceState>(presence.state));
    added.set_last_seen_ms(presence.last_seen_ms);
  }
}

void encode_presences(std::span<const Presence> presences, std::string& out) {
  std::size_t size = 0;
  for (const Presence& presence : presences) size += 2 + presence_size(presence);
  out.clear();
  put_varint(out, kPresencesField);
  put_varint(out, size);
  for (const Presence& presence : presences) {
    out.push_back(kPresenceField);
    put_varint(out, presence_size(presence));
    out.push_back(kUserField);
    for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(presence.user.value >> (8 * i)));
    if (presence.state != PresenceState::hidden) {
      out.push_back(kStateField);
      put_varint(out, static_cast<std::uint64_t>(presence.state));
    }
    if (presence.last_seen_ms != 0) {
      out.push_back(kLastSeenField);
      put_varint(out, static_cast<std::uint64_t>(presence.last_seen_ms));
    }
  }
}

std::string encode_typing_notice(UserId from, const std::optional<ChatId>& chat, int state, std::uint32_t expires_ms) {
  v1::ServerFrame frame;
  auto& notice = *frame.mutable_typing_notice();
  notice.set_from(from.value);
  if (chat) notice.set_chat(chat->str());
  notice.set_state(static_cast<v1::TypingState>(state));
  notice.set_expires_ms(expires_ms);
  return frame.SerializeAsString();
}

}  // namespace godwit

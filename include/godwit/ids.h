// Strong identifier types. A device id cannot pass for a user id, and none converts silently.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

namespace godwit {

// An integer with a meaning. `Tag` only tells the types apart.
template <class Tag, class T>
struct Named {
  using value_type = T;
  T value{};

  constexpr Named() = default;
  constexpr explicit Named(T v) : value(v) {}
  constexpr auto operator<=>(const Named&) const = default;
  constexpr explicit operator bool() const { return value != T{}; }
};

// A user: random 64 bits, never 0, fixed for the life of the account.
using UserId = Named<struct UserIdTag, std::uint64_t>;
// A device of a user: 1, 2, 3... per account, never reused. 0 means none.
using DeviceId = Named<struct DeviceIdTag, std::uint32_t>;
// Position of an entry in a user's inbox, from 1, without holes.
using InboxSeq = Named<struct InboxSeqTag, std::uint64_t>;
// Position of a message in its chat's log, from 1, without holes.
using ChatSeq = Named<struct ChatSeqTag, std::uint64_t>;
// Position of a record in the journal, from 1, without holes.
using Lsn = Named<struct LsnTag, std::uint64_t>;
// Unit of ordering and ownership; every durable key begins with one.
using Partition = Named<struct PartitionTag, std::uint16_t>;

// 16 opaque bytes with a meaning.
template <class Tag>
struct Named16 {
  std::array<std::uint8_t, 16> bytes{};

  constexpr auto operator<=>(const Named16&) const = default;
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
  std::string str() const { return std::string(view()); }
  // Precondition: `s.size() == 16`; callers validate first.
  static Named16 from(std::string_view s) {
    Named16 id;
    std::memcpy(id.bytes.data(), s.data(), id.bytes.size());
    return id;
  }
};

// A message, named by its sender: UUIDv7 (RFC 9562), so that sending again is recognised.
struct MessageId : Named16<struct MessageIdTag> {
  MessageId() = default;
  MessageId(const Named16& base) : Named16(base) {}
  // Milliseconds since the Unix epoch, by the sender's clock (RFC 9562, section 5.7).
  std::int64_t time_ms() const {
    std::int64_t t = 0;
    for (int i = 0; i < 6; ++i) t = (t << 8) | bytes[static_cast<std::size_t>(i)];
    return t;
  }
  bool is_uuid_v7() const { return (bytes[6] >> 4) == 7 && (bytes[8] >> 6) == 2; }
};

// A chat. A direct chat's id is derived from its two members (chat/chat_id.h), a group's is random.
using ChatId = Named16<struct ChatIdTag>;

}  // namespace godwit

template <class Tag, class T>
struct std::hash<godwit::Named<Tag, T>> {
  std::size_t operator()(const godwit::Named<Tag, T>& v) const noexcept {
    // User ids are random; the multiplication spreads the small ones (sequences, devices).
    return static_cast<std::size_t>(v.value * 0x9E3779B97F4A7C15ULL);
  }
};
template <class Tag>
struct std::hash<godwit::Named16<Tag>> {
  std::size_t operator()(const godwit::Named16<Tag>& v) const noexcept {
    std::uint64_t a;
    std::uint64_t b;
    std::memcpy(&a, v.bytes.data(), 8);
    std::memcpy(&b, v.bytes.data() + 8, 8);
    return static_cast<std::size_t>((a ^ (b * 0x9E3779B97F4A7C15ULL)) * 0xFF51AFD7ED558CCDULL);
  }
};
template <>
struct std::hash<godwit::MessageId> : std::hash<godwit::Named16<godwit::MessageIdTag>> {};

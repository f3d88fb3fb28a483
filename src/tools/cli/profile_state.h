// What a device remembers between runs, besides the messages themselves: state.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "tools/cli/chat_ref.h"

namespace godwit::cli {

// A chat, as far as this device knows. All are positions in the chat's log and only grow.
struct ChatState {
  std::uint64_t last_chat_seq = 0;
  std::uint64_t peer_delivered = 0;  // of direct chats
  std::uint64_t peer_read = 0;
  std::uint64_t own_delivered = 0;
  std::uint64_t own_read = 0;     // the server knows of it
  std::uint64_t read_wanted = 0;  // the user has read up to here; told to the server until own_read follows
};

// What is remembered of a group, to name it without asking.
struct KnownGroup {
  std::string sealed_name;  // as the server has it (payload_crypto.h)
  std::uint64_t version = 0;
};

struct ProfileState {
  // The last inbox position stored; absent until the server has said where this device begins.
  std::optional<std::uint64_t> cursor;
  // Bytes of the message store that `cursor` and `chats` already count; the rest is replayed at start.
  std::uint64_t log_offset = 0;
  // Bytes of the message store that the user has been shown.
  std::uint64_t printed_offset = 0;
  // The server's clock minus this machine's, milliseconds, when last connected.
  std::int64_t clock_skew_ms = 0;
  std::map<ChatRef, ChatState> chats;
  // At most kMaxGroups.
  std::map<ChatId, KnownGroup> groups;
  // Handles seen, for showing names without asking; at most kMaxHandles are kept.
  std::map<UserId, std::string> handles;
};

inline constexpr std::size_t kMaxHandles = 10'000;
inline constexpr std::size_t kMaxGroups = 10'000;

// An empty state when the file is missing. Throws std::runtime_error when it is damaged.
ProfileState load_state(const std::filesystem::path& file);
void save_state(const std::filesystem::path& file, const ProfileState& state);

}  // namespace godwit::cli

// The archive of an account: everything that the server holds of it, as JSON lines, part by part.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "account/account.h"
#include "godwit/ids.h"
#include "keys/user_keys.h"
#include "status/status_user.h"
#include "storage/partition_map.h"
#include "storage/store.h"

namespace godwit {

// Where an archive goes on. It says nothing but how far its own user has got, so a forged one shows nothing
// that the user may not see; and it names no memory, so it outlives a restart.
struct ExportCursor {
  enum class Section : std::uint8_t { account, blocks, contacts, chats, messages, statuses, muted, keys };
  Section section = Section::account;
  UserId user;
  ChatId chat;             // chats: the last one; messages: the present one; keys: device and kind of the last one
  // blocks, contacts, muted: the last user id; messages: the last position in `chat`; statuses: the time of the last;
  // keys: place of the last in its stock
  std::uint64_t last = 0;

  std::string encode() const;
  // Nothing for bytes that are no cursor of this user.
  static std::optional<ExportCursor> decode(std::string_view bytes, UserId user);
};

// What of the account is in memory, taken on its worker: the archive is exact in it.
struct ExportSource {
  ExportCursor from;
  std::string handle;
  std::int64_t created_ms = 0;
  std::vector<DeviceInfo> devices;
  std::vector<std::pair<DeviceId, std::uint64_t>> cursors;
  PrivacySettings privacy;
  std::vector<UserId> blocked;
  ContactsPage contacts;  // those after the cursor
  std::vector<StatusPost> statuses;   // the user's own that have not expired, oldest first
  std::vector<UserId> muted_authors;  // ascending
  std::vector<DeviceKeySet> keys;     // of the devices, in order of id
  std::map<StockKey, std::string> unstored_keys;  // one-time keys that the store does not have yet
  std::int64_t now_ms = 0;  // for messages that disappear
};

struct ExportPart {
  std::string lines;
  std::optional<ExportCursor> next;  // none at the end
};

// Lines are at most this many bytes together, unless a single one is larger.
inline constexpr std::size_t kExportPartBytes = 256 * 1024;
// Contacts in a source: with the longest notes they fit in a part.
inline constexpr std::size_t kExportContacts = 500;

// Makes one part. Chats and messages are those that the store has: what was accepted since the last checkpoint is left to
// another archive. On a reader's thread; bounded in bytes and in rows read.
ExportPart make_export_part(const Store& store, const PartitionMap& map, ExportSource source);

}  // namespace godwit

// Keys of the store. Every key begins with its partition; integers are big endian, so that byte order is
// numeric order. docs/storage-format.md has the grammar with a worked example.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "godwit/ids.h"

namespace godwit {

// partition = hash(id) mod P. The hash is part of the storage format: it never changes.
Partition partition_of(UserId user, unsigned partitions);
Partition partition_of(const ChatId& chat, unsigned partitions);
// For handles, invite codes and hashes of handles.
Partition partition_of(std::string_view name, unsigned partitions);

std::string user_key(Partition partition, UserId user);                          // user, inbox_meta, status_user, keys
std::string name_key(Partition partition, std::string_view name);                // handle, invite, contact_hash
std::string contact_key(Partition partition, UserId user, UserId contact);       // contact
std::string inbox_key(Partition partition, UserId user, InboxSeq seq);           // inbox
std::string mark_key(Partition partition, UserId user, const ChatId& chat);      // mark
std::string chat_key(Partition partition, const ChatId& chat);                   // chat
std::string log_key(Partition partition, const ChatId& chat, ChatSeq seq);       // chat_log

std::string member_key(Partition partition, const ChatId& chat, UserId user);      // member

// The key log has rows of three kinds, all in the partition of this name, which is no handle.
inline constexpr std::string_view kKeyLogName = "/key-log";
std::string key_log_hashes_key(Partition partition, std::uint64_t block);  // key_log
std::string key_log_entry_key(Partition partition, std::uint64_t index);   // key_log
std::string key_log_user_key(Partition partition, UserId user, std::uint64_t version);  // key_log

// A one-time key; `kind` as in store.OneTimeKey.
std::string key_stock_key(Partition partition, UserId user, DeviceId device, std::uint8_t kind, std::uint64_t seq);

// A status is named by its author and the id that the author's device made.
std::string status_key(Partition partition, UserId author, const MessageId& id);   // status
std::string status_view_key(Partition partition, UserId author, const MessageId& id, UserId viewer);  // status_view
std::string status_feed_key(Partition partition, UserId viewer, std::int64_t posted_ms, UserId author);  // status_feed

// The last 8 bytes of an inbox, log, member, contact, status_view, status_feed or key_log key.
std::uint64_t seq_of_key(std::string_view key);
// The smallest key that is greater than every key with this prefix; empty when there is none.
std::string prefix_end(std::string_view prefix);

}  // namespace godwit

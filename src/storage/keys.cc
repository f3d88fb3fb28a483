#include "storage/keys.h"

#include <xxhash.h>

namespace godwit {
namespace {

void append_u16(std::string& out, std::uint16_t v) {
  out.push_back(static_cast<char>(v >> 8));
  out.push_back(static_cast<char>(v));
}

void append_u64(std::string& out, std::uint64_t v) {
  const std::uint64_t big_endian = __builtin_bswap64(v);
  out.append(reinterpret_cast<const char*>(&big_endian), sizeof big_endian);
}

std::string begin_key(Partition partition, std::size_t more) {
  std::string key;
  key.reserve(2 + more);
  append_u16(key, partition.value);
  return key;
}

Partition partition_of_bytes(const void* data, std::size_t size, unsigned partitions) {
  return Partition(static_cast<std::uint16_t>(XXH3_64bits(data, size) % partitions));
}

}  // namespace

Partition partition_of(UserId user, unsigned partitions) {
  const std::uint64_t big_endian = __builtin_bswap64(user.value);
  return partition_of_bytes(&big_endian, sizeof big_endian, partitions);
}

Partition partition_of(const ChatId& chat, unsigned partitions) {
  return partition_of_bytes(chat.bytes.data(), chat.bytes.size(), partitions);
}

Partition partition_of(std::string_view name, unsigned partitions) {
  return partition_of_bytes(name.data(), name.size(), partitions);
}

std::string user_key(Partition partition, UserId user) {
  std::string key = begin_key(partition, 8);
  append_u64(key, user.value);
  return key;
}

std::string name_key(Partition partition, std::string_view name) {
  std::string key = begin_key(partition, name.size());
  key.append(name);
  return key;
}

std::string contact_key(Partition partition, UserId user, UserId contact) {
  std::string key = begin_key(partition, 16);
  append_u64(key, user.value);
  append_u64(key, contact.value);
  return key;
}

std::string inbox_key(Partition partition, UserId user, InboxSeq seq) {
  std::string key = begin_key(partition, 16);
  append_u64(key, user.value);
  append_u64(key, seq.value);
  return key;
}

std::string mark_key(Partition partition, UserId user, const ChatId& chat) {
  std::string key = begin_key(partition, 24);
  append_u64(key, user.value);
  key.append(chat.view());
  return key;
}

std::string chat_key(Partition partition, const ChatId& chat) {
  std::string key = begin_key(partition, 16);
  key.append(chat.view());
  return key;
}

std::string log_key(Partition partition, const ChatId& chat, ChatSeq seq) {
  std::string key = begin_key(partition, 24);
  key.append(chat.view());
  append_u64(key, seq.value);
  return key;
}

std::string member_key(Partition partition, const ChatId& chat, UserId user) {
  return log_key(partition, chat, ChatSeq(user.value));
}

namespace {

// The first byte after the partition.
enum class KeyLogRows : char { hashes, entries, of_users };

std::string begin_key_log_key(Partition partition, KeyLogRows kind, std::uint64_t first) {
  std::string key = begin_key(partition, 17);
  key.push_back(static_cast<char>(kind));
  append_u64(key, first);
  return key;
}

}  // namespace

std::string key_log_hashes_key(Partition partition, std::uint64_t block) {
  return begin_key_log_key(partition, KeyLogRows::hashes, block);
}

std::string key_log_entry_key(Partition partition, std::uint64_t index) {
  return begin_key_log_key(partition, KeyLogRows::entries, index);
}

std::string key_log_user_key(Partition partition, UserId user, std::uint64_t version) {
  std::string key = begin_key_log_key(partition, KeyLogRows::of_users, user.value);
  append_u64(key, version);
  return key;
}

std::string key_stock_key(Partition partition, UserId user, DeviceId device, std::uint8_t kind, std::uint64_t seq) {
  std::string key = begin_key(partition, 21);
  append_u64(key, user.value);
  append_u16(key, static_cast<std::uint16_t>(device.value >> 16));
  append_u16(key, static_cast<std::uint16_t>(device.value));
  key.push_back(static_cast<char>(kind));
  append_u64(key, seq);
  return key;
}

std::string status_key(Partition partition, UserId author, const MessageId& id) {
  return mark_key(partition, author, ChatId::from(id.view()));
}

std::string status_view_key(Partition partition, UserId author, const MessageId& id, UserId viewer) {
  std::string key = status_key(partition, author, id);
  append_u64(key, viewer.value);
  return key;
}

std::string status_feed_key(Partition partition, UserId viewer, std::int64_t posted_ms, UserId author) {
  std::string key = inbox_key(partition, viewer, InboxSeq(static_cast<std::uint64_t>(posted_ms)));
  append_u64(key, author.value);
  return key;
}

std::uint64_t seq_of_key(std::string_view key) {
  std::uint64_t big_endian = 0;
  std::memcpy(&big_endian, key.data() + key.size() - sizeof big_endian, sizeof big_endian);
  return __builtin_bswap64(big_endian);
}

std::string prefix_end(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty()) {
    if (static_cast<unsigned char>(end.back()) != 0xff) {
      ++end.back();
      return end;
    }
    end.pop_back();
  }
  return end;
}

}  // namespace godwit

#include "transparency/key_log_entry.h"

#include "transparency/big_endian.h"

namespace godwit {
namespace {

using namespace std::string_view_literals;
constexpr auto kLabel = "godwit/v1/log-entry\0"sv;

// IdentityChanged and KeyLogRow name these fields alike.
template <class Message>
KeyLogEntry entry_of(const Message& message) {
  KeyLogEntry entry;
  entry.user = UserId(message.user());
  entry.version = message.version();
  entry.previous = message.previous();
  for (const store::IdentityDevice& device : message.devices()) {
    entry.devices.push_back({DeviceId(device.device_id()), device.device_key(), device.identity_key()});
  }
  return entry;
}

}  // namespace

KeyLogEntry KeyLogEntry::of(const store::Record& record) {
  KeyLogEntry entry = entry_of(record.identity_changed());
  entry.index = record.identity_changed().log_index();
  entry.time_ms = record.time_ms();
  return entry;
}

KeyLogEntry KeyLogEntry::of(std::uint64_t index, const store::KeyLogRow& row) {
  KeyLogEntry entry = entry_of(row);
  entry.index = index;
  entry.time_ms = row.time_ms();
  return entry;
}

store::KeyLogRow KeyLogEntry::row() const {
  store::KeyLogRow row;
  row.set_user(user.value);
  row.set_version(version);
  row.set_time_ms(time_ms);
  row.set_previous(previous);
  for (const KeyLogDevice& one : devices) {
    store::IdentityDevice& device = *row.add_devices();
    device.set_device_id(one.device.value);
    device.set_device_key(one.device_key);
    device.set_identity_key(one.identity_key);
  }
  return row;
}

std::string KeyLogEntry::leaf_bytes() const {
  std::string bytes(kLabel);
  append_big_endian(bytes, user.value);
  append_big_endian(bytes, version);
  append_big_endian(bytes, static_cast<std::uint64_t>(time_ms));
  append_big_endian(bytes, previous);
  append_big_endian(bytes, static_cast<std::uint32_t>(devices.size()));
  for (const KeyLogDevice& one : devices) {
    append_big_endian(bytes, one.device.value);
    bytes += one.device_key;
    bytes += one.identity_key;
  }
  return bytes;
}

}  // namespace godwit

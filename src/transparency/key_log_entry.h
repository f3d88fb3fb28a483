// An entry of the key log, and the bytes that its leaf is the hash of.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "godwit/ids.h"
#include "store.pb.h"
#include "transparency/merkle.h"

namespace godwit {

struct KeyLogDevice {
  DeviceId device;
  std::string device_key;    // 32 bytes
  std::string identity_key;  // 32 bytes
};

// As godwit.v1.KeyLogEntry.
struct KeyLogEntry {
  std::uint64_t index = 0;
  UserId user;
  std::uint64_t version = 0;
  std::int64_t time_ms = 0;
  std::uint64_t previous = 0;
  std::vector<KeyLogDevice> devices;  // ascending

  // Of a record with identity_changed.
  static KeyLogEntry of(const store::Record& record);
  static KeyLogEntry of(std::uint64_t index, const store::KeyLogRow& row);
  store::KeyLogRow row() const;

  // What is hashed: docs/protocol/keys.md, "The key log".
  std::string leaf_bytes() const;
  TreeHash leaf() const { return leaf_hash(leaf_bytes()); }
  // What it takes in a page, about.
  std::size_t wire_bytes() const { return 64 + 80 * devices.size(); }
};

using KeyLogEntryPtr = std::shared_ptr<const KeyLogEntry>;

}  // namespace godwit

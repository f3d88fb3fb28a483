// What several requests are checked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "godwit/ids.h"

namespace godwit {

// Of a person or of a device.
inline constexpr std::size_t kMaxNameBytes = 64;

// The longest time to live of a message, and the longest life of an invite link, in seconds.
inline constexpr std::uint32_t kYearS = 366 * 24 * 3600;

inline bool is_message_id(const std::string& id) {
  return id.size() == 16 && MessageId(MessageId::from(id)).is_uuid_v7();
}

}  // namespace godwit

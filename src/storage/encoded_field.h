// One number of an encoded Protobuf message, without decoding the rest: compaction looks at millions.
#pragma once

#include <cstdint>
#include <string_view>

namespace godwit {

// The varint field `field`; 0 when there is none or the message is malformed.
std::uint64_t encoded_varint_field(std::string_view message, int field);

}  // namespace godwit

// What can be told of a large request before it is parsed: parsed, a frame of empty parts takes thirty times its size,
// and seconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace godwit {

// Frames up to this are parsed as they come. Larger ones are charged by their size, and not all requests may be such.
inline constexpr std::size_t kSmallFrameBytes = 64 * 1024;
// Parts of a large frame, nested ones included. 8,000 devices that a commit lets in are 24,000.
inline constexpr std::size_t kMaxFrameParts = 32'768;

struct FrameOutline {
  std::uint64_t request_id = 0;  // 0 also when it is not known yet
  int body = 0;                  // field number of the request; 0: not known yet
  std::size_t parts = 0;         // counted up to kMaxFrameParts + 1
};

// Of an encoded ClientFrame; nothing when it is none.
std::optional<FrameOutline> outline_of(std::string_view frame);
// Of one as JSON. The request's id is seen where it stands within the first 256 bytes.
FrameOutline outline_of_json(std::string_view text);

}  // namespace godwit

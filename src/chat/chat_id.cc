#include "chat/chat_id.h"

#include <algorithm>
#include <bit>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace godwit {

static_assert(std::endian::native == std::endian::little, "ids are hashed as they lie in memory");

ChatId direct_chat_id(UserId a, UserId b) {
  const std::uint64_t pair[2] = {std::min(a, b).value, std::max(a, b).value};
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(pair, sizeof pair));
  return ChatId::from({reinterpret_cast<const char*>(canonical.digest), sizeof canonical.digest});
}

}  // namespace godwit

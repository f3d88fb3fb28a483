#include "chat/dedup.h"

#include <algorithm>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace godwit {

DedupKey DedupKey::of(const ChatId& chat, UserId from, const MessageId& id) {
  std::array<char, 40> bytes{};
  std::memcpy(bytes.data(), chat.bytes.data(), 16);
  std::memcpy(bytes.data() + 16, &from.value, 8);
  std::memcpy(bytes.data() + 24, id.bytes.data(), 16);
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

std::uint64_t content_hash(std::string_view payload) {
  return payload.empty() ? 0 : XXH3_64bits(payload.data(), payload.size());
}

const DedupEntry* DedupTable::find(const DedupKey& key) const {
  const auto it = entries_.find(key);
  return it != entries_.end() ? &it->second : nullptr;
}

void DedupTable::insert(const DedupKey& key, const DedupEntry& entry) {
  if (!entries_.emplace(key, entry).second) return;
  order_.push_back({key, entry.chat_seq});
  if (entries_.size() > capacity_) forget_oldest();
}

void DedupTable::commit(const DedupKey& key, std::uint32_t durable_after_ms) {
  const auto it = entries_.find(key);
  if (it == entries_.end()) return;
  it->second.committed = true;
  it->second.durable_after_ms = durable_after_ms;
}

void DedupTable::erase(const DedupKey& key) {
  // Its place in order_ stays and is skipped when it comes up.
  entries_.erase(key);
}

void DedupTable::forget_oldest() {
  while (!order_.empty()) {
    const Order oldest = order_.front();
    const auto it = entries_.find(oldest.key);
    if (it != entries_.end() && it->second.chat_seq == oldest.chat_seq) {
      if (!it->second.committed) return;  // bounded by what the journal's queue holds
      forgotten_ms_ = std::max(forgotten_ms_, it->second.accepted_ms);
      entries_.erase(it);
      forget_place();
      return;
    }
    forget_place();
  }
}

void DedupTable::forget_place() {
  order_.pop_front();
  ++forgotten_;
}

}  // namespace godwit

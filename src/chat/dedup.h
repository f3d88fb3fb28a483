// Which message ids a worker has accepted of late: what makes sending again harmless.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

#include "godwit/ids.h"

namespace godwit {

// Names a message within a chat by its sender; the same id from someone else is another message.
struct DedupKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  bool operator==(const DedupKey&) const = default;

  static DedupKey of(const ChatId& chat, UserId from, const MessageId& id);
};

struct DedupEntry {
  ChatSeq chat_seq;
  std::int64_t accepted_ms = 0;
  std::uint64_t payload_hash = 0;  // see content_hash()
  bool committed = false;
  std::uint32_t durable_after_ms = 0;  // after its acceptance; with `committed`
};

// XXH3-64, so that an id used for another message is noticed. 0 without a payload: what has none of its own is not
// compared with what was sent under the id before.
std::uint64_t content_hash(std::string_view payload);

// A bounded table in order of insertion. It needs no store of its own: what it has forgotten is found in the
// chat's log (ChatService).
//
// Owner: one worker. Bound: `capacity` entries; the oldest committed one makes room.
class DedupTable {
 public:
  explicit DedupTable(std::size_t capacity) : capacity_(capacity) {}

  const DedupEntry* find(const DedupKey& key) const;
  void insert(const DedupKey& key, const DedupEntry& entry);
  void commit(const DedupKey& key, std::uint32_t durable_after_ms);
  void erase(const DedupKey& key);

  // How many were put in so far, and how many of the oldest of them have made room. What was put in when so many were in
  // is here still while that is not less than what has gone.
  std::uint64_t inserted() const { return forgotten_ + order_.size(); }
  std::uint64_t forgotten() const { return forgotten_; }
  // Everything accepted after this time, and once inserted, is still here. Milliseconds since the Unix epoch.
  std::int64_t complete_after_ms() const { return forgotten_ms_; }
  std::size_t size() const { return entries_.size(); }

 private:
  struct Hash {
    std::size_t operator()(const DedupKey& key) const { return key.low; }
  };
  struct Order {
    DedupKey key;
    ChatSeq chat_seq;
  };
  void forget_oldest();
  void forget_place();

  const std::size_t capacity_;
  boost::unordered_flat_map<DedupKey, DedupEntry, Hash> entries_;
  std::deque<Order> order_;
  std::uint64_t forgotten_ = 0;
  std::int64_t forgotten_ms_ = 0;
};

}  // namespace godwit


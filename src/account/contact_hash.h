// How others find an account by its handle without telling the server their address book.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "godwit/ids.h"
#include "storage/collector.h"
#include "storage/partition_map.h"
#include "storage/record.h"
#include "storage/store.h"

namespace godwit {

inline constexpr std::size_t kContactHashBytes = 16;

// The first 16 bytes of HMAC-SHA256 of the canonical handle. Part of the protocol and of the storage format.
std::string contact_hash(std::string_view discovery_key, std::string_view handle);

// Which account has the handle with this hash. A state of RowCache.
class ContactHash {
 public:
  struct Options {};
  static constexpr Column kColumn = Column::contact_hash;
  static std::string key(const PartitionMap& map, const std::string& hash) {
    return name_key(map.partition(std::string_view(hash)), hash);
  }
  ContactHash(std::string hash, const Options&) : hash_(std::move(hash)) {}

  void load(const std::optional<std::string>& row);
  std::uint64_t applied() const { return applied_; }
  void apply(const RecordPtr& record);
  std::size_t collect(const PartitionMap& map, Collector& out);
  bool checkpointed(std::size_t&) { return true; }
  bool idle() const { return true; }

  // None when there is no such account, or it is deleted.
  UserId user() const { return user_; }

 private:
  const std::string hash_;
  std::uint64_t applied_ = 0;
  UserId user_;
};

}  // namespace godwit

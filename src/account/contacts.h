// The contacts of an account: who they are in memory, what is noted of them in the store.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "godwit/ids.h"
#include "storage/collector.h"
#include "storage/partition_map.h"
#include "storage/store.h"
#include "store.pb.h"

namespace godwit {

struct ContactEntry {
  UserId user;
  std::optional<std::string> note;  // not known without a look into the store
};

struct ContactsPage {
  std::vector<ContactEntry> entries;  // in order of id
  bool more = false;
};

// Part of an Account, and like it on one worker. Each contact is a row of its own, so that a change costs
// itself and not the whole list. Memory: 8 bytes a contact, and the changes that no checkpoint has stored.
//
// Bounds, kept by the service: kMax contacts, kMaxUnwritten changes that are not stored yet.
class Contacts {
 public:
  static constexpr std::size_t kMax = 10'000;
  static constexpr std::size_t kMaxNoteBytes = 256;
  static constexpr std::size_t kMaxUnwritten = 20'000;
  using Rows = std::vector<std::pair<std::string, std::string>>;

  // The rows of a user in column contact. On a reader's thread.
  static Rows read(const Store& store, const PartitionMap& map, UserId user);

  void load(const Rows& rows);
  void apply(const store::ContactsChanged& changed, std::uint64_t lsn);
  // The account is deleted: all rows go.
  void clear(std::uint64_t lsn);

  bool contains(UserId user) const;
  std::size_t size() const { return ids_.size(); }
  const std::vector<UserId>& ids() const { return ids_; }  // ascending
  std::size_t unwritten() const { return unwritten_.size(); }
  // Contacts with an id beyond `after`.
  ContactsPage page(UserId after, std::size_t limit) const;

  // As a state of RowCache. `lsn` is that of the last record applied to the account.
  std::size_t collect(const PartitionMap& map, UserId user, std::uint64_t lsn, Collector& out);
  bool checkpointed(std::size_t& budget);

 private:
  struct Change {
    std::uint64_t lsn = 0;
    bool removed = false;
    std::string note;
  };

  std::vector<UserId> ids_;  // ascending
  std::map<UserId, Change> unwritten_;
  std::uint64_t collected_lsn_ = 0;
  UserId swept_;  // changes up to here have been looked at since the checkpoint
};

// Completes a page from the store; whoever is no contact any more is left out. On a reader's thread.
void read_notes(const Store& store, const PartitionMap& map, UserId user, ContactsPage& page);

}  // namespace godwit

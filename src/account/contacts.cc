#include "account/contacts.h"

#include <algorithm>

#include "storage/keys.h"

namespace godwit {

Contacts::Rows Contacts::read(const Store& store, const PartitionMap& map, UserId user) {
  Rows rows;
  const std::string prefix = user_key(map.partition(user), user);
  store.scan(Column::contact, prefix, prefix_end(prefix), false, [&](std::string_view key, std::string_view) {
    rows.emplace_back(key, std::string());  // notes are read when they are asked for
    return true;
  });
  return rows;
}

void Contacts::load(const Rows& rows) {
  ids_.clear();
  ids_.reserve(rows.size());
  for (const auto& [key, value] : rows) ids_.push_back(UserId(seq_of_key(key)));
}

void Contacts::apply(const store::ContactsChanged& changed, std::uint64_t lsn) {
  std::vector<UserId> removed;
  for (const std::uint64_t id : changed.removed()) removed.push_back(UserId(id));
  std::sort(removed.begin(), removed.end());
  std::erase_if(ids_, [&](UserId id) {
    if (!std::binary_search(removed.begin(), removed.end(), id)) return false;
    unwritten_[id] = {lsn, true, {}};
    return true;
  });
  for (const auto& contact : changed.added()) {
    ids_.push_back(UserId(contact.user()));
    unwritten_[ids_.back()] = {lsn, false, contact.note()};
  }
  std::sort(ids_.begin(), ids_.end());
  ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
}

void Contacts::clear(std::uint64_t lsn) {
  for (const UserId id : ids_) unwritten_[id] = {lsn, true, {}};
  ids_ = {};
}

bool Contacts::contains(UserId user) const {
  return std::binary_search(ids_.begin(), ids_.end(), user);
}

ContactsPage Contacts::page(UserId after, std::size_t limit) const {
  ContactsPage page;
  auto it = std::upper_bound(ids_.begin(), ids_.end(), after);
  for (; it != ids_.end() && page.entries.size() < limit; ++it) {
    const auto change = unwritten_.find(*it);
    page.entries.push_back({*it, change != unwritten_.end() ? std::optional(change->second.note) : std::nullopt});
  }
  page.more = it != ids_.end();
  return page;
}

std::size_t Contacts::collect(const PartitionMap& map, UserId user, std::uint64_t lsn, Collector& out) {
  collected_lsn_ = lsn;
  swept_ = UserId();
  if (unwritten_.empty()) return 0;
  std::vector<std::pair<UserId, Change>> changes(unwritten_.begin(), unwritten_.end());
  const std::size_t count = changes.size();
  out.later.push_back([partition = map.partition(user), user, changes = std::move(changes)](CheckpointRows& rows) {
    store::ContactRow row;
    for (const auto& [contact, change] : changes) {
      std::string key = contact_key(partition, user, contact);
      if (change.removed) {
        rows.erase(Column::contact, std::move(key));
      } else {
        row.set_note(change.note);
        rows.put(Column::contact, std::move(key), row.SerializeAsString());
      }
    }
  });
  return count;
}

bool Contacts::checkpointed(std::size_t& budget) {
  for (auto it = unwritten_.upper_bound(swept_); it != unwritten_.end();) {
    if (budget == 0) return false;
    --budget;
    swept_ = it->first;
    it = it->second.lsn <= collected_lsn_ ? unwritten_.erase(it) : std::next(it);
  }
  return true;
}

void read_notes(const Store& store, const PartitionMap& map, UserId user, ContactsPage& page) {
  const Partition partition = map.partition(user);
  std::vector<std::string> keys;
  std::vector<ContactEntry*> unknown;
  for (ContactEntry& entry : page.entries) {
    if (entry.note) continue;
    keys.push_back(contact_key(partition, user, entry.user));
    unknown.push_back(&entry);
  }
  const auto rows = store.multi_get(Column::contact, keys);
  store::ContactRow row;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] && row.ParseFromString(*rows[i])) unknown[i]->note = std::move(*row.mutable_note());
  }
  std::erase_if(page.entries, [](const ContactEntry& entry) { return !entry.note; });
}

}  // namespace godwit

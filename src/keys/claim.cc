// Keys on their way to who asks for them: marked as taken and read, then, as far as they fit into the reply, committed.
#include <algorithm>
#include <atomic>
#include <map>
#include <utility>

#include "keys/key_service.h"
#include "storage/keys.h"

namespace godwit {
namespace {

// Users of a worker whose keys are read in one go.
constexpr std::size_t kSliceUsers = 16;
// The most that the keys of a device take: the largest package, prekeys, signatures.
constexpr std::size_t kDeviceBytes = 7 * 1024;
constexpr std::uint32_t kRetryClaimMs = 1'000;

// What a claim may take of memory: a reply, and on each worker a slice more.
std::size_t most_bytes(const KeyClaim& claim, std::size_t workers, std::size_t max_devices) {
  const std::size_t user = max_devices * kDeviceBytes;
  return std::min(claim.users.size() * user, claim.max_bytes + workers * kSliceUsers * user);
}

void tell(v1::UserKeys& keys, const StockKey& key, const std::string& content) {
  for (v1::DeviceKeys& device : *keys.mutable_devices()) {
    if (device.device_id() == key.device.value) one_time_to_wire(key.kind, content, device);
  }
}

}  // namespace

// What becomes of one user of a claim.
struct KeyService::Slot {
  struct Taken {
    StockKey key;
    std::string content;  // empty until read
  };
  UserId user;
  bool exists = false;
  bool left_out = false;
  v1::UserKeys keys;
  std::size_t bytes = 0;
  std::vector<Taken> taken;
  std::vector<StockKey> expired;  // marked as taken, to be dropped
  bool charged = false;           // to the user's ClaimQuota

  bool marked() const { return !taken.empty() || !expired.empty(); }
};

// The users of a claim that are on one worker. On its way between that and the claimer's: only one has it.
struct KeyService::Part {
  std::shared_ptr<const KeyClaim> claim;
  std::shared_ptr<std::atomic<std::size_t>> bytes;  // of the complete slots, of all parts
  std::vector<Slot> slots;
  std::size_t next = 0;  // those before are complete
  std::size_t open = 0;  // of the slice, or records on their way
  Errc outcome = Errc::ok;
  std::function<void()> done;  // on the worker that does the work
};

struct KeyService::Claiming {
  std::shared_ptr<const KeyClaim> claim;
  Reply<ClaimedPtr> reply;
  ClaimedPtr told;
  std::vector<PartPtr> parts;
  std::size_t open = 0;
};

void KeyService::claim(KeyClaim asked, Reply<ClaimedPtr> reply) {
  if (asked.takes() && !wiring_.writer.writable()) return reply(Errc::storage_unavailable);
  auto claiming = std::make_shared<Claiming>();
  claiming->claim = std::make_shared<const KeyClaim>(std::move(asked));
  claiming->reply = std::move(reply);
  claiming->told = std::make_shared<Claimed>(wiring_.claims);
  users_.with(claiming->claim->claimer, [this, claiming](UserKeys& user) {
    const KeyClaim& claim = *claiming->claim;
    std::map<unsigned, PartPtr> parts;
    for (const UserId who : claim.users) parts[wiring_.map.worker(who)];
    if (!claiming->told->share.take(most_bytes(claim, parts.size(), options_.max_devices))) {
      return claiming->reply(Error(Errc::overloaded, "too many claims of keys at once", kRetryClaimMs));
    }
    Allowance& allowance = claim.takes() ? user.claims : user.lookups;
    const std::uint32_t per_hour = claim.takes() ? options_.claims_per_hour : options_.lookups_per_hour;
    const std::uint32_t wait = allowance.take(wiring_.clock.wall_ms(), per_hour,
                                              static_cast<std::uint32_t>(claim.users.size()), kAllowanceHourMs);
    if (wait != 0) return claiming->reply(Error(Errc::rate_limited, "no more keys for now", wait));
    users_.mark_dirty(claim.claimer);
    const auto bytes = std::make_shared<std::atomic<std::size_t>>(0);
    for (auto& [worker, part] : parts) {
      part = std::make_shared<Part>();
      part->claim = claiming->claim;
      part->bytes = bytes;
    }
    for (const UserId who : claim.users) parts[wiring_.map.worker(who)]->slots.emplace_back().user = who;
    claiming->open = parts.size();
    for (auto& [worker, part] : parts) claiming->parts.push_back(part);
    for (const PartPtr& part : claiming->parts) {
      part->done = [this, claiming] {
        wiring_.worker.post([this, claiming] {
          if (--claiming->open == 0) reserved(claiming);
        });
      };
      wiring_.at(part->slots.front().user, [part](KeyService& there) { there.reserve(part); });
    }
  });
}

// A slice of the part, then the next, until what there is would not fit into a reply anyway. The first slice always: in
// one of the parts it has the user that always fits.
void KeyService::reserve(const PartPtr& part) {
  const std::size_t first = part->next;
  if (first != 0 && *part->bytes >= part->claim->max_bytes) {
    for (std::size_t i = first; i < part->slots.size(); ++i) part->slots[i].left_out = true;
    part->next = part->slots.size();
  }
  if (part->next == part->slots.size()) return std::exchange(part->done, nullptr)();
  part->next = std::min(first + kSliceUsers, part->slots.size());
  part->open = part->next - first;
  // Later: here a row is being used, and the next slice may evict it.
  const auto reserved_one = [this, part, first] {
    if (--part->open == 0) wiring_.worker.post([this, part, first] { read_reserved(part, first); });
  };
  for (std::size_t i = first; i < part->next; ++i) {
    const UserId user = part->slots[i].user;
    wiring_.owner(user, [this, part, i, user, reserved_one](const KeyOwner& owner) {
      if (!owner.exists) return reserved_one();
      users_.with(user, [this, part, i, owner, reserved_one](UserKeys& keys) {
        reserve_user(*part, part->slots[i], keys, owner);
        reserved_one();
      });
    });
  }
}

void KeyService::reserve_user(Part& part, Slot& slot, UserKeys& user, const KeyOwner& owner) {
  const KeyClaim& claim = *part.claim;
  slot.exists = true;
  slot.keys.set_user_id(slot.user.value);
  slot.keys.set_version(user.version());
  slot.keys.set_log_index(user.log_index());
  slot.keys.set_time_ms(user.time_ms());
  slot.keys.set_previous(user.previous());
  const std::int64_t now_ms = wiring_.clock.wall_ms();
  bool withheld = false;
  // Blocks do not count: another answer would tell of them, and what the blocked write is not delivered.
  if (claim.takes() && slot.user != claim.claimer && !user.devices().empty()) {
    withheld = !user.claimed.take(claim.claimer, options_.claimed, now_ms);
    slot.charged = !withheld;
    slot.keys.set_withheld(withheld);
    if (slot.charged) users_.mark_dirty(slot.user);
  }
  for (const DeviceKeySet& device : user.devices()) {
    v1::DeviceKeys& told = *slot.keys.add_devices();
    device_keys_to_wire(device, told);
    // Without it the device is about to leave the log: it has an identity still, and nothing to give.
    const KeyOwner::Device* known = owner.device(device.id);
    if (known != nullptr) {
      told.set_approved_by(known->approved_by.value);
      told.set_approval_signature(known->approval_signature);
      told.set_approval_link_id(known->approval_link_id);
    }
    const bool asking = slot.user == claim.claimer && device.id == claim.device;
    const bool wanted = known != nullptr && !asking && (!claim.only_some || claim.only.contains({slot.user, device.id}));
    if (!wanted || !claim.prekeys) {
      told.clear_signed_prekey();
      told.clear_pq_prekey();
    }
    if (!wanted || !claim.key_packages || device.last_resort_expires_ms <= now_ms) {
      told.clear_key_package();
      told.clear_last_resort();
    }
    if (!wanted || withheld) continue;
    // They take the place of last resorts when they are read.
    const auto take = [&](KeyKind kind) {
      const auto key = user.take(device.id, kind, now_ms, slot.expired);
      if (!key) return;
      const std::string* content = user.unstored(*key);
      slot.taken.push_back({*key, content != nullptr ? *content : std::string()});
    };
    if (claim.prekeys) {
      take(KeyKind::x25519);
      take(KeyKind::ml_kem);
    }
    if (claim.key_packages) take(KeyKind::package);
  }
  if (slot.marked()) ++user.claims_open;
}

// On to what is not in memory.
void KeyService::read_reserved(const PartPtr& part, std::size_t first) {
  std::vector<std::string> keys;
  for (std::size_t i = first; i < part->next; ++i) {
    const Slot& slot = part->slots[i];
    for (const auto& [key, content] : slot.taken) {
      if (!content.empty()) continue;
      keys.push_back(key_stock_key(wiring_.map.partition(slot.user), slot.user, key.device,
                                   static_cast<std::uint8_t>(key.kind), key.seq));
    }
  }
  if (keys.empty()) return fill(part, first, {});
  wiring_.readers.post([this, part, first, keys = std::move(keys)] {
    auto read = wiring_.store.multi_get(Column::key_stock, keys);
    wiring_.worker.post([this, part, first, read = std::move(read)]() mutable { fill(part, first, std::move(read)); });
  });
}

// `read` are the keys that were not in memory, in order. One that the device has dropped meanwhile is not there.
void KeyService::fill(const PartPtr& part, std::size_t first, std::vector<std::optional<std::string>> read) {
  auto next = read.begin();
  for (std::size_t i = first; i < part->next; ++i) {
    Slot& slot = part->slots[i];
    for (auto& [key, content] : slot.taken) {
      if (content.empty()) content = std::move(*next++).value_or(std::string());
      if (!content.empty()) tell(slot.keys, key, std::exchange(content, {}));
    }
    slot.bytes = slot.keys.ByteSizeLong();
    *part->bytes += slot.bytes;
  }
  reserve(part);
}

// On the claimer's worker: decides what fits, in the order of the request.
void KeyService::reserved(const std::shared_ptr<Claiming>& claiming) {
  std::map<UserId, Slot*> slots;
  for (const PartPtr& part : claiming->parts) {
    for (Slot& slot : part->slots) slots[slot.user] = &slot;
  }
  const KeyClaim& claim = *claiming->claim;
  std::size_t bytes = 0;
  bool full = false;
  double refund = 0;
  for (const UserId user : claim.users) {
    Slot& slot = *slots[user];
    // One always fits, so that asking again comes to an end.
    full = full || slot.left_out || (bytes != 0 && bytes + slot.bytes > claim.max_bytes);
    bytes += slot.bytes;
    slot.left_out = full && (slot.exists || slot.left_out);
    if (slot.left_out) ++refund;
  }
  if (UserKeys* claimer = users_.find(claim.claimer)) {
    (claim.takes() ? claimer->claims : claimer->lookups).give_back(refund);
  }
  claiming->open = claiming->parts.size();
  for (const PartPtr& part : claiming->parts) {
    part->done = [this, claiming] {
      wiring_.worker.post([this, claiming] {
        if (--claiming->open == 0) settled(claiming);
      });
    };
    wiring_.at(part->slots.front().user, [part](KeyService& there) { there.settle(part); });
  }
}

// What is told becomes records, one for each user; the rest is as if it had not been asked for.
void KeyService::settle(const PartPtr& part) {
  part->open = 1;
  const auto settled_one = [part](Errc outcome) {
    if (outcome != Errc::ok) part->outcome = outcome;
    if (--part->open == 0) std::exchange(part->done, nullptr)();
  };
  for (Slot& slot : part->slots) {
    if (slot.left_out) {
      release(*part, slot);
      continue;
    }
    if (!slot.marked()) continue;
    auto record = new_record();
    auto& claimed = *record->body.mutable_keys_claimed();
    claimed.set_user(slot.user.value);
    const auto add = [&](const StockKey& key) {
      auto& one = *claimed.add_keys();
      one.set_device_id(key.device.value);
      one.set_kind(static_cast<std::uint32_t>(key.kind));
      one.set_seq(key.seq);
    };
    for (const StockKey& key : slot.expired) add(key);
    for (const auto& taken : slot.taken) add(taken.key);
    ++part->open;
    write(std::move(record), [this, part, &slot, settled_one](Errc outcome) {
      if (outcome != Errc::ok) {
        release(*part, slot);
      } else if (UserKeys* user = users_.find(slot.user)) {
        --user->claims_open;
      }
      settled_one(outcome);
    });
  }
  settled_one(Errc::ok);
}

void KeyService::release(const Part& part, const Slot& slot) {
  UserKeys* user = slot.marked() || slot.charged ? users_.find(slot.user) : nullptr;
  if (user == nullptr) return;
  if (slot.charged) user->claimed.give_back(part.claim->claimer);
  if (!slot.marked()) return;
  for (const StockKey& key : slot.expired) user->give_back(key);
  for (const auto& taken : slot.taken) user->give_back(taken.key);
  --user->claims_open;
}

// On the claimer's worker: what was taken is durable.
void KeyService::settled(const std::shared_ptr<Claiming>& claiming) {
  std::map<UserId, Slot*> slots;
  for (const PartPtr& part : claiming->parts) {
    if (part->outcome != Errc::ok) return claiming->reply(part->outcome);
    for (Slot& slot : part->slots) slots[slot.user] = &slot;
  }
  v1::ClaimedKeys& told = claiming->told->keys;
  for (const UserId user : claiming->claim->users) {
    Slot& slot = *slots[user];
    if (slot.left_out) {
      left_out_.Increment();
      told.add_left_out(user.value);
    } else if (!slot.exists) {
      told.add_unknown(user.value);
    } else {
      count(slot);
      *told.add_users() = std::move(slot.keys);
    }
  }
  claiming->reply(std::move(claiming->told));
}

void KeyService::count(const Slot& slot) {
  claims_.Increment();
  if (slot.keys.withheld()) withheld_.Increment();
  one_time_claimed_.Increment(static_cast<double>(slot.taken.size()));
  for (const v1::DeviceKeys& device : slot.keys.devices()) {
    if (device.last_resort()) last_resorts_.Increment();
  }
}

}  // namespace godwit

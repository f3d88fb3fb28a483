#include "router/shard.h"

#include <algorithm>
#include <limits>


namespace godwit {
namespace {

// Entries per step of a checkpoint: a few hundred microseconds, so that nobody notices.
constexpr std::size_t kStepEntries = 512;
// Members of a group whose inboxes get an entry in one turn: about 0.2 microseconds each.
constexpr std::size_t kFanOutSlice = 1024;
// Fan-outs that wait; one more, and all are done at once.
constexpr std::size_t kMaxFanOuts = 64;
// Users who are told of new entries in one turn.
constexpr std::size_t kNotifySlice = 256;

}  // namespace

Shard::Shard(Wiring wiring, const ShardOptions& options)
    : wiring_(std::move(wiring)),
      bit_(1ULL << wiring_.worker.index()),
      writer_(wiring_.journal, wiring_.map),
      inboxes_(wiring_.worker, wiring_.map, wiring_.store, wiring_.readers, options.cached_inboxes, options.inbox),
      chats_(wire_chats(), options.chat, wiring_.metrics),
      accounts_({wiring_.worker, wiring_.map, wiring_.clock, wiring_.store, wiring_.readers, writer_},
                options.account, wiring_.metrics),
      presence_(wire_presence(), options.presence, wiring_.metrics),
      statuses_(wire_statuses(), options.status, wiring_.metrics),
      calls_(wire_calls(), options.call, wiring_.metrics),
      keys_(wire_keys(), options.keys, wiring_.metrics),
      key_log_(make_key_log(options.key_log)) {}

std::unique_ptr<KeyLog> Shard::make_key_log(const KeyLogOptions& options) {
  if (wiring_.map.worker(kKeyLogName) != wiring_.worker.index()) return nullptr;
  return std::make_unique<KeyLog>(KeyLogWiring{wiring_.worker, wiring_.workers, wiring_.map, wiring_.clock, wiring_.store,
                                               wiring_.readers, writer_},
                                  options, wiring_.metrics);
}

void Shard::committed(const Journal::Batch& batch) {
  for (const RecordPtr& record : batch) {
    if ((record->workers & bit_) != 0) apply(record);
  }
  notify_touched();
}

void Shard::answered(const Journal::Batch& batch) {
  for (const RecordPtr& record : batch) {
    finish(*record, Errc::ok);
    const store::Record& body = record->body;
    if (body.has_device_revoked()) {
      registry_.eject(UserId(body.device_revoked().user()), DeviceId(body.device_revoked().device_id()),
                      CloseReason::revoked);
    } else if (body.has_user_deleted()) {
      registry_.eject_all(UserId(body.user_deleted().user()), CloseReason::account_deleted);
    }
  }
}

void Shard::undo(const Journal::Batch& batch) {
  // What this turn has decided so far may build on it; the journal refuses that as long as this is not done.
  write_decided();
  take_back(batch);
}

void Shard::take_back(const Journal::Batch& batch) {
  for (auto it = batch.rbegin(); it != batch.rend(); ++it) {
    chats_.undo(**it);
    if (key_log_ != nullptr && (*it)->body.has_identity_changed()) key_log_->undo(**it);
  }
}

void Shard::refused(const Journal::Batch& batch, Errc outcome) {
  for (const RecordPtr& record : batch) finish(*record, outcome);
}

void Shard::finish(Record& record, Errc outcome) {
  if (record.done_worker != wiring_.worker.index() || !record.done) return;
  // The record may stay in a tail for a while; what waited for it need not.
  std::exchange(record.done, nullptr)(record, outcome);
}

void Shard::apply(const RecordPtr& record) {
  const store::Record& body = record->body;
  const auto mine = [&](const auto& id) { return wiring_.map.worker(id) == wiring_.worker.index(); };
  switch (body.body_case()) {
    case store::Record::kMessage:
      if (mine(ChatId::from(body.message().chat()))) {
        chats_.applied(record);
        leave_calls(body.message());
      }
      for (const std::uint64_t user : body.message().recipients()) apply_to_inbox(UserId(user), record);
      if (record->recipients != nullptr) fan_out(record);
      break;
    case store::Record::kGroupDoor:
    case store::Record::kConsentGiven:
    case store::Record::kMessageHidden:
      chats_.applied(record);
      break;
    case store::Record::kGroupWatermark:
      if (mine(ChatId::from(body.group_watermark().chat()))) chats_.applied(record);
      for (const std::uint64_t user : body.group_watermark().recipients()) apply_to_inbox(UserId(user), record);
      break;
    case store::Record::kWatermark:
      if (mine(ChatId::from(body.watermark().chat()))) chats_.applied(record);
      for (const std::uint64_t user : body.watermark().recipients()) apply_to_inbox(UserId(user), record);
      break;
    case store::Record::kUserCreated:
      accounts_.applied(record);
      apply_to_inbox(UserId(body.user_created().user()), record);
      break;
    case store::Record::kDeviceAdded:
      accounts_.applied(record);
      apply_to_inbox(UserId(body.device_added().user()), record);
      break;
    case store::Record::kDeviceRevoked:
      accounts_.applied(record);
      keys_.applied(record);
      apply_to_inbox(UserId(body.device_revoked().user()), record);
      break;
    case store::Record::kUserDeleted: {
      const UserId user(body.user_deleted().user());
      chats_.account_deleted();
      accounts_.applied(record);
      statuses_.applied(record);
      keys_.applied(record);
      apply_to_inbox(user, record);
      if (mine(user)) presence_.account_changed(user);
      break;
    }
    case store::Record::kBlockChanged:
      accounts_.applied(record);
      if (const UserId user(body.block_changed().blocker()); mine(user)) presence_.account_changed(user);
      statuses_.applied(record);
      if (mine(ChatId::from(body.block_changed().chat()))) chats_.applied(record);
      break;
    case store::Record::kPrivacyChanged:
      accounts_.applied(record);
      presence_.account_changed(UserId(body.privacy_changed().user()));
      break;
    case store::Record::kContactsChanged:
      accounts_.applied(record);
      presence_.account_changed(UserId(body.contacts_changed().user()));
      break;
    case store::Record::kInviteCreated:
    case store::Record::kDeviceRenamed:
      accounts_.applied(record);
      break;
    case store::Record::kStatusPosted:
    case store::Record::kStatusRemoved:
    case store::Record::kStatusViewed:
    case store::Record::kStatusMuted:
      statuses_.applied(record);
      break;
    case store::Record::kIdentityChanged:
      if (key_log_ != nullptr) key_log_->applied(*record);
      keys_.applied(record);
      break;
    case store::Record::kKeysPublished:
    case store::Record::kKeysClaimed:
      keys_.applied(record);
      break;
    case store::Record::BODY_NOT_SET:
      break;
  }
}

void Shard::leave_calls(const store::MessageAppended& message) {
  if (message.leavers_size() == 0) return;
  std::vector<UserId> leavers;
  for (const std::uint64_t user : message.leavers()) leavers.push_back(UserId(user));
  calls_.members_left(ChatId::from(message.chat()), leavers);
}

void Shard::apply_to_inbox(UserId user, const RecordPtr& record) {
  if (wiring_.map.worker(user) != wiring_.worker.index()) return;
  if (!fan_outs_.empty() && waits(user)) {
    fan_outs_.push_back({record, nullptr, 0, user});
  } else {
    apply_now(user, record);
  }
}

void Shard::fan_out(const RecordPtr& record) {
  const std::vector<UserId>& users = record->recipients->by_worker[wiring_.worker.index()];
  if (users.size() <= kFanOutSlice && fan_outs_.empty()) {
    for (const UserId user : users) apply_now(user, record);
    return;
  }
  if (fan_outs_.size() >= kMaxFanOuts) finish_fan_outs();
  fan_outs_.push_back({record, &users, 0, UserId()});
  fan_out_later();
}

void Shard::fan_out_later() {
  if (fanning_out_ || fan_outs_.empty()) return;
  fanning_out_ = true;
  wiring_.worker.post([this] {
    fanning_out_ = false;
    fan_out_some(kFanOutSlice);
    if (fan_outs_.empty()) notify_touched();
    fan_out_later();
  });
}

void Shard::fan_out_some(std::size_t budget) {
  while (budget > 0 && !fan_outs_.empty()) {
    FanOut& first = fan_outs_.front();
    const std::size_t left = first.users != nullptr ? first.users->size() - first.next : 1;
    const std::size_t count = std::min(budget, left);
    for (std::size_t i = 0; i < count; ++i) {
      apply_now(first.users != nullptr ? (*first.users)[first.next++] : first.one, first.record);
    }
    budget -= count;
    if (count == left) fan_outs_.pop_front();
  }
}

void Shard::finish_fan_outs() {
  fan_out_some(std::numeric_limits<std::size_t>::max());
}

bool Shard::waits(UserId user) const {
  return std::any_of(fan_outs_.begin(), fan_outs_.end(), [&](const FanOut& one) {
    if (one.users == nullptr) return one.one == user;
    return std::binary_search(one.users->begin() + static_cast<std::ptrdiff_t>(one.next), one.users->end(), user);
  });
}

void Shard::apply_now(UserId user, const RecordPtr& record) {
  Inbox* inbox = inboxes_.apply(user, record);
  Registry::User* online = registry_.find(user);
  if (inbox == nullptr || online == nullptr) return;
  if (record->body.has_message() && !online->notified) {
    online->notified = true;
    // Members of a group are told when all have their entries: of several messages at once.
    (fan_outs_.empty() ? touched_ : fanned_out_).push_back(user);
  }
  if (record->body.has_watermark() || record->body.has_group_watermark()) {
    const std::string& chat = record->body.has_watermark() ? record->body.watermark().chat()
                                                           : record->body.group_watermark().chat();
    if (const Mark* mark = inbox->mark(ChatId::from(chat))) {
      for (Subscriber* device : online->devices) device->on_mark(*mark);
    }
  }
}

// The members of a large group are told in slices, between which others have their turn.
void Shard::notify_touched() {
  if (fan_outs_.empty() && !fanned_out_.empty()) {
    touched_.insert(touched_.end(), fanned_out_.begin(), fanned_out_.end());
    fanned_out_.clear();
  }
  if (!notifying_) notify_some();
}

void Shard::notify_some() {
  for (std::size_t i = 0; i < kNotifySlice && !touched_.empty(); ++i) {
    const UserId user = touched_.front();
    touched_.pop_front();
    Registry::User* online = registry_.find(user);
    if (online == nullptr) continue;
    online->notified = false;
    for (Subscriber* device : online->devices) device->on_entries();
  }
  notifying_ = !touched_.empty();
  if (notifying_) wiring_.worker.post([this] { notify_some(); });
}

void Shard::push(UserId user, std::string_view frame) {
  Registry::User* online = registry_.find(user);
  if (online == nullptr) return;
  for (Subscriber* device : online->devices) device->on_push(frame, true);
}

void Shard::write_decided() {
  const auto [refused, outcome] = writer_.flush();
  // The chat of a message is always on the worker that decided it; who waits may be elsewhere.
  take_back(refused);
  for (const RecordPtr& record : refused) {
    if (record->done_worker == Record::kNobody) continue;
    wiring_.workers[record->done_worker]->post(
        [done = std::exchange(record->done, nullptr), record, outcome = outcome] { done(*record, outcome); });
  }
}

void Shard::end_turn() {
  calls_.tick();
  chats_.flush_watermarks();
  presence_.end_turn();
  statuses_.end_turn();
  keys_.end_turn();
  write_decided();
  inboxes_.flush_loads();
  chats_.chats().flush_loads();
  accounts_.accounts().flush_loads();
  accounts_.handles().flush_loads();
  accounts_.invites().flush_loads();
  accounts_.contact_hashes().flush_loads();
  statuses_.users().flush_loads();
  keys_.users().flush_loads();
  inbox_count_.store(inboxes_.size(), std::memory_order_relaxed);
  chat_count_.store(chats_.chats().size(), std::memory_order_relaxed);
  account_count_.store(accounts_.accounts().size(), std::memory_order_relaxed);
  to_notify_.store(touched_.size(), std::memory_order_relaxed);
  status_user_count_.store(statuses_.users().size(), std::memory_order_relaxed);
  key_user_count_.store(keys_.users().size(), std::memory_order_relaxed);
  online_count_.store(registry_.users(), std::memory_order_relaxed);
  dirty_.store(inboxes_.dirty() + chats_.chats().dirty() + accounts_.accounts().dirty() +
                   accounts_.handles().dirty() + accounts_.invites().dirty() + accounts_.contact_hashes().dirty() +
                   statuses_.users().dirty() + keys_.users().dirty() + (key_log_ != nullptr ? key_log_->dirty() : 0),
               std::memory_order_relaxed);
}

// Runs `step` on each cache until one says that it has more to do.
template <class F>
bool Shard::for_caches(F step) {
  return step(chats_.chats()) && step(accounts_.accounts()) && step(accounts_.handles()) &&
         step(accounts_.invites()) && step(accounts_.contact_hashes()) && step(statuses_.users()) && step(keys_.users()) &&
         (key_log_ == nullptr || step(*key_log_));
}

void Shard::begin_inboxes() {
  // Everything up to the checkpoint's position must be in the rows.
  finish_fan_outs();
  inboxes_.begin_checkpoint();
}

void Shard::begin_checkpoint() {
  statuses_.finish_fan_outs();
  for_caches([](auto& cache) {
    cache.begin_checkpoint();
    return true;
  });
}

bool Shard::collect_inboxes_step(Collector& out) {
  std::size_t budget = kStepEntries;
  return inboxes_.collect_some(budget, out);
}

bool Shard::collect_step(Collector& out) {
  std::size_t budget = kStepEntries;
  return for_caches([&](auto& cache) { return cache.collect_some(budget, out); });
}

bool Shard::finish_step(bool ok) {
  std::size_t budget = kStepEntries;
  return inboxes_.finish_some(budget, ok) &&
         for_caches([&](auto& cache) { return cache.finish_some(budget, ok); });
}

Shard::Sizes Shard::sizes() const {
  return {inbox_count_.load(std::memory_order_relaxed), chat_count_.load(std::memory_order_relaxed),
          account_count_.load(std::memory_order_relaxed), online_count_.load(std::memory_order_relaxed),
          dirty_.load(std::memory_order_relaxed), to_notify_.load(std::memory_order_relaxed),
          status_user_count_.load(std::memory_order_relaxed), key_user_count_.load(std::memory_order_relaxed)};
}

}  // namespace godwit

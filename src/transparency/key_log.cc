#include "transparency/key_log.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "storage/keys.h"
#include "transparency/key_log_rows.h"
#include "transparency/log_key.h"

namespace godwit {
namespace {

// So that clients can tell a present head from an old one.
constexpr std::int64_t kHeadAgeMs = 60'000;

[[noreturn]] void damaged(const char* what) {
  throw std::runtime_error(std::string("the key log is damaged: ") + what);
}

// How large the log may be for such an entry to be added. Whatever else has filled it, a device that is gone can be taken
// out, and before that a new user can still begin.
std::uint64_t room_for(const store::IdentityChanged& changed, std::uint64_t max_entries) {
  if (!changed.has_published()) return max_entries;  // a withdrawal
  return max_entries - max_entries / (changed.version() == 1 ? 20 : 10);
}

}  // namespace

KeyLog::KeyLog(KeyLogWiring wiring, const KeyLogOptions& options, Metrics& metrics)
    : wiring_(std::move(wiring)),
      options_(options),
      partition_(wiring_.map.partition(kKeyLogName)),
      tree_(load_tree(wiring_.store, partition_)),
      key_(load_log_key(options_.key_file, tree_.size())),
      committed_(tree_.size()),
      stored_(tree_.size()),
      collected_(stored_),
      collect_end_(stored_),
      entries_(metrics.gauge("godwit_key_log_entries", "Entries of the key log")),
      appended_(metrics.counter("godwit_key_log_appends_total", "Entries added to the key log")),
      refused_(metrics.counter("godwit_key_log_refused_total", "Entries refused, as the key log is full")),
      signed_(metrics.counter("godwit_key_log_heads_signed_total", "Heads of the key log signed")),
      proofs_(metrics.counter("godwit_key_log_proofs_total", "Proofs made of the key log, its pages included")),
      pages_(metrics.counter("godwit_key_log_pages_total", "Pages read of the key log")) {
  if (stored_ != 0) last_time_ms_ = read_entry(wiring_.store, partition_, stored_ - 1)->time_ms;
  entries_.Set(static_cast<double>(stored_));
}

void KeyLog::append(RecordPtr record, unsigned reply_worker, Reply<std::uint64_t> reply) {
  const bool full = tree_.size() >= room_for(record->body.identity_changed(), options_.max_entries);
  if (full || !wiring_.writer.writable()) {
    if (full) refused_.Increment();
    wiring_.workers[reply_worker]->post(
        [reply = std::move(reply), why = full ? Errc::overloaded : Errc::storage_unavailable] { reply(why); });
    return;
  }
  last_time_ms_ = std::max(last_time_ms_, wiring_.clock.wall_ms());
  record->body.set_time_ms(last_time_ms_);
  record->body.mutable_identity_changed()->set_log_index(tree_.size());
  tree_.append(KeyLogEntry::of(record->body).leaf());
  record->done_worker = reply_worker;
  record->done = [reply = std::move(reply)](const Record& done, Errc outcome) {
    if (outcome != Errc::ok) return reply(outcome);
    reply(done.body.identity_changed().log_index());
  };
  wiring_.writer.add(std::move(record));
}

void KeyLog::applied(const Record& record) {
  auto entry = std::make_shared<const KeyLogEntry>(KeyLogEntry::of(record.body));
  const std::uint64_t size = committed_.load(std::memory_order_relaxed);
  if (entry->index > size) damaged("the journal lacks an entry");
  if (entry->index == tree_.size()) {  // at recovery
    tree_.append(entry->leaf());
  } else if (entry->index < size) {
    if (tree_.leaf(entry->index) != entry->leaf()) damaged("journal and store disagree");
    return;
  } else {
    appended_.Increment();
  }
  last_time_ms_ = std::max(last_time_ms_, entry->time_ms);
  tail_.push_back(std::move(entry));
  committed_.store(size + 1, std::memory_order_release);
  entries_.Set(static_cast<double>(size + 1));
  answer_waiting();
}

void KeyLog::undo(const Record& record) {
  const std::uint64_t index = record.body.identity_changed().log_index();
  if (index < tree_.size()) tree_.truncate(index);
  answer_waiting();
}

void KeyLog::prove(std::vector<std::uint64_t> indices, std::uint64_t since_size, Reply<KeyLogProof> reply) {
  std::sort(indices.begin(), indices.end());
  indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
  if (!indices.empty() && indices.back() >= size() && indices.back() < tree_.size()) {
    waiting_.push_back({std::move(indices), since_size, std::move(reply)});
  } else {
    reply(prove_now(indices, since_size));
  }
}

void KeyLog::answer_waiting() {
  for (Waiting& one : std::exchange(waiting_, {})) prove(std::move(one.indices), one.since_size, std::move(one.reply));
}

Result<KeyLogProof> KeyLog::prove_now(const std::vector<std::uint64_t>& indices, std::uint64_t since_size) {
  if (since_size > size()) return Error(Errc::invalid_argument, "the key log is smaller than `log_size`");
  if (!indices.empty() && indices.back() >= size()) return Error(Errc::invalid_argument, "there is no such entry");
  proofs_.Increment();
  KeyLogProof proof{signed_head(), tree_.inclusion(indices, size())};
  proof.head.consistency = tree_.consistency(since_size, size());
  return proof;
}

// 50 microseconds, once per size; and again when nobody would take it for present any more.
const TreeHead& KeyLog::signed_head() {
  const std::int64_t now = wiring_.clock.steady_ms();
  if (!head_.signature.empty() && head_.size == size() && now - signed_at_ms_ < kHeadAgeMs) return head_;
  head_.size = size();
  head_.root = tree_.root(head_.size);
  head_.time_ms = std::max(last_time_ms_, wiring_.clock.wall_ms());
  head_.signature = key_.sign(head_bytes(head_.size, view(head_.root), head_.time_ms));
  signed_at_ms_ = now;
  signed_.Increment();
  return head_;
}

void KeyLog::list(const KeyLogRequest& request, Reply<KeyLogPage> reply) {
  if (request.since_size > size()) return reply(prove_now({}, request.since_size).error());
  pages_.Increment();
  // One more than is wanted tells whether there are more.
  const std::size_t wanted = std::clamp<std::size_t>(request.limit, 1, kMaxPageEntries) + 1;
  std::vector<KeyLogEntryPtr> tail;
  const auto add = [&](const KeyLogEntryPtr& entry) {
    if (tail.size() < wanted) tail.push_back(entry);
  };
  if (request.user) {
    for (const KeyLogEntryPtr& entry : tail_) {
      if (entry->user == request.user && entry->version >= request.from) add(entry);
    }
  } else {
    const std::uint64_t first = std::min(std::max(request.from, stored_), size());
    std::for_each(tail_.begin() + static_cast<std::ptrdiff_t>(first - stored_), tail_.end(), add);
  }
  if (request.user ? stored_ == 0 : request.from >= stored_) {
    return answer_page(std::move(tail), wanted - 1, request.since_size, reply);
  }
  wiring_.readers.post([this, request, wanted, stored = stored_, tail = std::move(tail),
                        reply = std::move(reply)]() mutable {
    auto entries = request.user ? read_entries_of(wiring_.store, partition_, request.user, request.from, stored, wanted)
                                : read_entries(wiring_.store, partition_, request.from, stored, wanted);
    entries.insert(entries.end(), tail.begin(), tail.end());
    wiring_.worker.post([this, wanted, since = request.since_size, entries = std::move(entries),
                         reply = std::move(reply)]() mutable {
      answer_page(std::move(entries), wanted - 1, since, reply);
    });
  });
}

void KeyLog::answer_page(std::vector<KeyLogEntryPtr> entries, std::size_t limit, std::uint64_t since_size,
                         const Reply<KeyLogPage>& reply) {
  std::size_t bytes = 0;
  std::vector<std::uint64_t> indices;
  for (const KeyLogEntryPtr& entry : entries) {
    bytes += entry->wire_bytes();
    if (indices.size() == limit || (bytes > kMaxPageBytes && !indices.empty())) break;
    indices.push_back(entry->index);
  }
  auto proof = prove_now(indices, since_size);
  if (!proof) return reply(proof.error());
  KeyLogPage page;
  page.more = entries.size() > indices.size();
  entries.resize(indices.size());
  page.entries = std::move(entries);
  page.proof = std::move(*proof);
  reply(std::move(page));
}

void KeyLog::begin_checkpoint() {
  collected_ = stored_;
  collect_end_ = size();
}

bool KeyLog::collect_some(std::size_t& budget, Collector& out) {
  const std::uint64_t end = std::min<std::uint64_t>(collect_end_, collected_ + budget);
  std::vector<KeyLogEntryPtr> entries;
  while (collected_ < end) {
    entries.push_back(tail_[collected_ - stored_]);
    ++collected_;
    if (collected_ % kLeavesPerRow == 0 || collected_ == collect_end_) {
      put_hashes(tree_, collected_, partition_, out.rows);
    }
  }
  budget -= entries.size();
  if (!entries.empty()) {
    out.later.emplace_back([entries = std::move(entries), partition = partition_](CheckpointRows& rows) {
      for (const KeyLogEntryPtr& entry : entries) put_entry(*entry, partition, rows);
    });
  }
  return collected_ == collect_end_;
}

bool KeyLog::finish_some(std::size_t& budget, bool ok) {
  if (!ok) collect_end_ = stored_;
  for (; stored_ < collect_end_ && budget > 0; --budget) {
    tail_.pop_front();
    ++stored_;
  }
  return stored_ >= collect_end_;
}

}  // namespace godwit

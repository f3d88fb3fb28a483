#include "router/router.h"

#include <bit>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "chat/group_book.h"
#include "storage/routing.h"

namespace godwit {
namespace {

constexpr std::chrono::milliseconds kTick{50};

}  // namespace

Router::Router(unsigned workers, const ShardOptions& options, const Clock& clock, Store& store, ReaderPool& readers,
               Journal& journal, Metrics& metrics)
    : map_{store.partitions(), workers}, clock_(clock), journal_(journal), store_(store),
      verify_keys_(readers, options.max_verify_bytes, metrics),
      claims_(options.max_claims_bytes, metrics) {
  if (workers == 0 || workers > 64) throw std::runtime_error("the number of workers must be 1 to 64");
  std::vector<Worker*> all;
  for (unsigned i = 0; i < workers; ++i) {
    workers_.push_back(std::make_unique<Worker>(i));
    all.push_back(workers_.back().get());
  }
  for (unsigned i = 0; i < workers; ++i) {
    Worker& worker = *workers_[i];
    auto at = [this](unsigned there, std::function<void(Shard&)> fn) { this->at(there, std::move(fn)); };
    auto wake = [this](WakeUp wake_up) {
      if (wake_up_) wake_up_(std::move(wake_up));
    };
    shards_.push_back(std::make_unique<Shard>(
        Shard::Wiring{worker, all, map_, clock, store, readers, journal, metrics, std::move(at), std::move(wake),
                      calls_under_way_, verify_keys_, claims_}, options));
    worker.add_end_of_turn([shard = shards_.back().get()] { shard->end_turn(); });
  }
}

Router::~Router() {
  stop();
}

void Router::recover() {
  dispatched_ = store_.applied().value;
  GroupBook groups(store_, map_);
  journal_.recover(store_.applied(), [this, &groups](RecordPtr record) {
    record->workers = workers_of(map_, record->body);
    if (record->body.message().group_sender() != 0) {
      record->recipients = groups.recipients(record->body.message());
      record->workers |= record->recipients->workers;
    }
    for (std::uint64_t bits = record->workers; bits != 0; bits &= bits - 1) {
      shards_[static_cast<std::size_t>(std::countr_zero(bits))]->recovered(record);
    }
    dispatched_ = record->lsn.value;
    ++recovered_;
  });
}

void Router::tick(unsigned index) {
  ticks_[index]->expires_after(kTick);
  ticks_[index]->async_wait([this, index](const boost::system::error_code& error) {
    if (!error) tick(index);
  });
}

void Router::start() {
  for (unsigned i = 0; i < map_.workers; ++i) {
    ticks_.push_back(std::make_unique<boost::asio::steady_timer>(workers_[i]->context()));
    tick(i);
  }
  for (auto& worker : workers_) worker->start();
  journal_.start([this](Journal::Batch batch, Errc outcome) { dispatch(std::move(batch), outcome); });
  started_ = true;
}

void Router::dispatch(Journal::Batch batch, Errc outcome) {
  std::vector<Journal::Batch> parts(map_.workers);
  std::vector<Journal::Batch> answers(map_.workers);
  const auto add = [](std::vector<Journal::Batch>& to, std::uint64_t bits, const RecordPtr& record) {
    for (; bits != 0; bits &= bits - 1) to[static_cast<std::size_t>(std::countr_zero(bits))].push_back(record);
  };
  const std::lock_guard lock(dispatching_);
  std::uint64_t bytes = 0;
  for (const RecordPtr& record : batch) {
    add(parts, record->workers, record);
    std::uint64_t waiting = record->done_worker == Record::kNobody ? 0 : 1ULL << record->done_worker;
    if (record->body.has_device_revoked() || record->body.has_user_deleted()) waiting |= record->workers;
    add(answers, waiting, record);
    const auto& message = record->body.message();
    bytes += message.envelope().size() + message.group_info().size() + message.ratchet_tree().size() + 64;
    if (record->body.has_keys_published()) bytes += record->body.keys_published().ByteSizeLong();
    if (record->body.has_identity_changed()) bytes += record->body.identity_changed().ByteSizeLong();
    const auto& posted = record->body.status_posted();
    bytes += posted.payload().size() + 8 * static_cast<std::uint64_t>(posted.viewers_size());
  }
  const auto post = [this](std::vector<Journal::Batch>& to, auto run) {
    for (unsigned i = 0; i < map_.workers; ++i) {
      if (to[i].empty()) continue;
      workers_[i]->post([shard = shards_[i].get(), part = std::move(to[i]), run] { run(*shard, part); });
    }
  };
  if (outcome != Errc::ok) {
    // Gone with the last of the tasks that hold it: only then may the journal take what is decided anew.
    const std::shared_ptr<void> undone(nullptr, [&journal = journal_](void*) { journal.undone(); });
    post(parts, [undone](Shard& shard, const Journal::Batch& part) { shard.undo(part); });
    post(answers, [undone, outcome](Shard& shard, const Journal::Batch& part) { shard.refused(part, outcome); });
    return;
  }
  post(parts, [](Shard& shard, const Journal::Batch& part) { shard.committed(part); });
  post(answers, [](Shard& shard, const Journal::Batch& part) { shard.answered(part); });
  if (batch.empty()) return;
  committed_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  dispatched_.store(batch.back()->lsn.value, std::memory_order_release);
}

void Router::stop() {
  if (!started_) return;
  started_ = false;
  journal_.stop();
  for (auto& worker : workers_) worker->stop();
  for (auto& worker : workers_) worker->join();
}

}  // namespace godwit

// POST /v1/compactions -> 200 once what was removed or has expired is gone from the disk.
#include <atomic>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "admin/admin_routes.h"
#include "base/thread.h"

namespace godwit::admin {
namespace {

constexpr std::chrono::milliseconds kLook{1};

// On a thread of its own, since it may take minutes: checkpoints go on meanwhile, and so memory stays bounded. One at a
// time. Destroying it ends the one under way; what it has not rewritten is left as it was.
class Compactor {
 public:
  Compactor(Checkpointer& checkpointer, Store& store, Journal& journal)
      : checkpointer_(checkpointer), store_(store), journal_(journal) {}
  ~Compactor() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }

  void start(net::HttpReply reply) {
    if (running_.exchange(true)) return reply(json_error(409, "a compaction is under way"));
    checkpointer_.post([this, reply = std::move(reply)] {
      if (!checkpoint()) {
        running_ = false;
        return reply(json_error(503, "the store does not accept writes now"));
      }
      if (thread_.joinable()) thread_.join();
      thread_ = std::thread([this, reply] {
        begin_bulk_thread();
        const auto fault = store_.compact(stopping_);
        running_ = false;
        reply(fault ? json_error(503, *fault) : json_response(200, nlohmann::json{{"compacted", true}}.dump()));
      });
    });
  }

 private:
  // The journal has it, too, until a checkpoint trims what was written before now.
  bool checkpoint() {
    const Lsn last = journal_.committed();
    journal_.seal();
    while (journal_.writable() && journal_.committed() == last) std::this_thread::sleep_for(kLook);
    return checkpointer_.run_once();
  }

  Checkpointer& checkpointer_;
  Store& store_;
  Journal& journal_;
  std::atomic<bool> running_{false};
  std::atomic<bool> stopping_{false};
  std::thread thread_;  // made on the checkpointer's
};

}  // namespace

net::HttpHandler compaction_handler(const AdminWiring& wiring) {
  return [compactor = std::make_shared<Compactor>(wiring.checkpointer, wiring.store, wiring.journal)](
             net::HttpRequest, net::HttpReply reply) { compactor->start(std::move(reply)); };
}

}  // namespace godwit::admin

// POST /v1/compactions -> 200 once what was removed or has expired is gone from the disk.
#include <nlohmann/json.hpp>
#include <thread>

#include "admin/admin_routes.h"

namespace godwit::admin {

net::HttpHandler compaction_handler(const AdminWiring& wiring) {
  return [&checkpointer = wiring.checkpointer, &store = wiring.store, &journal = wiring.journal](net::HttpRequest,
                                                                                                net::HttpReply reply) {
    checkpointer.post([&checkpointer, &store, &journal, reply] {
      // The journal has it, too, until a checkpoint trims what was written before now.
      const Lsn last = journal.committed();
      journal.seal();
      while (journal.writable() && journal.committed() == last) std::this_thread::yield();
      if (!checkpointer.run_once()) return reply(json_error(503, "the store does not accept writes now"));
      if (const auto fault = store.compact()) return reply(json_error(503, *fault));
      reply(json_response(200, nlohmann::json{{"compacted", true}}.dump()));
    });
  };
}

}  // namespace godwit::admin

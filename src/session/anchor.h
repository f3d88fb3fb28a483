// How an answer finds a session that may have moved to another worker, or gone, in the meantime.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "base/worker.h"

namespace godwit {

class Session;

struct SessionAnchor {
  std::atomic<Worker*> worker{nullptr};
  Session* session = nullptr;  // touched on `worker` only; null when the session is gone
};
using AnchorPtr = std::shared_ptr<SessionAnchor>;

// Runs `fn(Session&)` on the session's worker: at once when that is the present one. Not at all when the
// session is gone.
template <class F>
void to_session(const AnchorPtr& anchor, F fn) {
  Worker* const worker = anchor->worker.load();
  if (worker->is_current()) {
    if (anchor->session != nullptr) fn(*anchor->session);
    return;
  }
  worker->post([anchor, fn = std::move(fn)]() mutable { to_session(anchor, std::move(fn)); });
}

}  // namespace godwit

// The journal: the one place where an accepted change becomes durable. Two implementations: the local one
// (journal/local_journal.h), and Kafka when one machine is outgrown.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "godwit/ids.h"
#include "godwit/result.h"

namespace godwit {

struct Record;

class Journal {
 public:
  using Batch = std::vector<std::shared_ptr<Record>>;
  // Called by the journal's thread with batches in journal order, each either committed (Errc::ok, LSNs set)
  // or failed as a whole. A failed batch has everything that was appended by then and is not committed: it was
  // decided on top of what failed. Then append() refuses until undone(). After a failure whose outcome on the
  // medium is unknown, nothing is ever committed again.
  using Sink = std::function<void(Batch, Errc)>;
  // Called for each record at recovery, in order.
  using Replay = std::function<void(std::shared_ptr<Record>)>;

  virtual ~Journal() = default;

  // Feeds every record after `from` to `replay`, repairing a torn tail. Once, before start(). Throws
  // std::runtime_error when the journal is damaged elsewhere than at its end, or lacks records after `from`.
  virtual void recover(Lsn from, const Replay& replay) = 0;

  // Starts the committer.
  virtual void start(Sink sink) = 0;

  // Any thread. Takes the records over, in order, or refuses all of them at once without effect:
  // `overloaded` when the queue is full, `storage_unavailable` when nothing can be written now.
  virtual Errc append(const Batch& records) = 0;

  // Whoever decided what was in the failed batch has taken it back: what is appended from now on does not build
  // on it. Once per failed batch. Any thread.
  virtual void undone() = 0;

  // Records up to here are in the store: their space may be reused. Any thread.
  virtual void trim(Lsn upto) = 0;

  // From here on a new file is written, and what is trimmed of the others is deleted rather than used again:
  // after the next trim() beyond this position the medium has nothing of them. Any thread.
  virtual void seal() = 0;

  // Whether append() can succeed at present.
  virtual bool writable() const = 0;

  // Stays while the journal goes on from all that was acknowledged; another number when it may not: the data is a backup's.
  // Never 0. Any thread.
  virtual std::uint64_t incarnation() const = 0;

  // The last committed position.
  virtual Lsn committed() const = 0;

  // Commits what was appended, then stops. Idempotent.
  virtual void stop() = 0;
};

}  // namespace godwit

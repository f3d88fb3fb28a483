// What a worker's turn has decided, on its way into the journal as one batch.
#pragma once

#include <utility>

#include "godwit/journal.h"
#include "storage/record.h"
#include "storage/routing.h"

namespace godwit {

// Owner: one worker. flush() is an end-of-turn hook. Bounded by what one turn can decide, and behind it by
// journal.queue_bytes: what the journal refuses is answered at once.
class RecordWriter {
 public:
  RecordWriter(Journal& journal, const PartitionMap& map) : journal_(journal), map_(map) {}

  // False once the journal refuses: nothing should be decided that could not be written.
  bool writable() const { return journal_.writable(); }

  void add(RecordPtr record) {
    record->workers = workers_of(map_, record->body);
    if (record->recipients != nullptr) record->workers |= record->recipients->workers;
    batch_.push_back(std::move(record));
  }

  // Returns the records that were refused, with why; the caller undoes and answers them, last first.
  std::pair<Journal::Batch, Errc> flush() {
    if (batch_.empty()) return {{}, Errc::ok};
    Journal::Batch batch = std::exchange(batch_, {});
    const Errc outcome = journal_.append(batch);
    if (outcome == Errc::ok) return {{}, Errc::ok};
    return {std::move(batch), outcome};
  }

 private:
  Journal& journal_;
  const PartitionMap& map_;
  Journal::Batch batch_;
};

}  // namespace godwit

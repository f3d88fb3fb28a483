// What kind of work the calling thread does, for the scheduler and for whoever lists threads.
#pragma once

#include <string>

namespace godwit {

// Somebody waits for every turn of this thread. It asks for short time slices, so that it need not wait until
// a thread that computes has used up its own (EEVDF, Linux 6.12 and later; without effect before).
void begin_responsive_thread(const std::string& name);

// Work in bulk that nobody waits for: against a busy worker it gets about a quarter of a core, enough for
// checkpoints and compaction to keep up at full load.
void begin_bulk_thread();

}  // namespace godwit

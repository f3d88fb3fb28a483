// Makes accounts, for servers with open registration (or with an invite that is good for many).
#pragma once

#include <cstdint>
#include <vector>

#include "tools/bench/account.h"
#include "tools/bench/options.h"
#include "tools/bench/transport.h"

namespace godwit::bench {

// Registers every account that is not registered yet, many on each of a few connections, and obeys
// retry_after_ms. Handles come from `seed`; one that is taken is replaced. Throws std::runtime_error when the
// server refuses for good or nothing succeeds for half a minute.
void register_accounts(const Options& options, const Target& target, std::uint64_t seed,
                       std::vector<Account>& accounts);

}  // namespace godwit::bench

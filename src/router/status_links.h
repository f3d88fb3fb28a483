// What statuses must know of accounts and connections on the same worker.
#pragma once

#include <functional>

#include "account/account_service.h"
#include "router/registry.h"
#include "status/status_service.h"

namespace godwit {

// Fills in all of the wiring that is about users of this worker. Both must outlive the service.
void link_statuses(StatusWiring& wiring, AccountService& accounts, Registry& registry);

// The contacts of the account who may see what it posts to the audience, ascending. `users` in any order.
std::vector<UserId> status_viewers(const Account& account, StatusAudience audience, std::vector<UserId> users);

}  // namespace godwit

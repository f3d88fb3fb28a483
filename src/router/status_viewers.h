// Who may see a status.
#pragma once

#include <vector>

#include "account/account.h"
#include "status/status_service.h"

namespace godwit {

// The contacts of the account who may see what it posts to the audience, ascending. `users` in any order.
std::vector<UserId> status_viewers(const Account& account, StatusAudience audience, std::vector<UserId> users);

}  // namespace godwit

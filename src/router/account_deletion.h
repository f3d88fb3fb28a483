// The end of an account, and of what hangs on it.
#pragma once

#include <functional>

#include "router/router.h"

namespace godwit {

// Leaves the user's groups, removes the statuses, deletes the account, in this order, so that a crash in between leaves
// nothing half done: the account is still there, and deleting it again goes on where it stopped. `by` is the device that
// asked; none is the operator.
//
// On the user's worker, and so is `done`: user_not_found, or why one of the steps failed.
void delete_account(Router& router, const Store& store, ReaderPool& readers, const Clock& clock, UserId user, DeviceId by,
                    std::function<void(const Status&)> done);

}  // namespace godwit

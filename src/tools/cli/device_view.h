// The devices of the account, as `devices` and /devices show them.
#pragma once

#include "tools/cli/command_session.h"

namespace godwit::cli {

// Asks the server and shows each device, and whether the signature by which another device let it in is good.
// Throws CommandError.
void show_devices(CommandSession& session);

}  // namespace godwit::cli

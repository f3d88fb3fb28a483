// How a direct chat is named.
#pragma once

#include "godwit/ids.h"

namespace godwit {

// The direct chat of two users: XXH3-128 of the two ids, the smaller first, little endian. User ids are
// random and made by the server, so nobody can aim for a collision. Part of the storage format.
ChatId direct_chat_id(UserId a, UserId b);

}  // namespace godwit

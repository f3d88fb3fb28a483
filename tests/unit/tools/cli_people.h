// Who appears in the tests of the terminal client.
#pragma once

#include "godwit/ids.h"

namespace godwit::cli {

inline const UserId kAnn(1);
inline const UserId kBob(2);
inline const UserId kCarol(3);
inline const ChatId kGroup = ChatId::from("0123456789abcdef");

}  // namespace godwit::cli

// Encoded pushes of presence. Pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "godwit/ids.h"
#include "presence/presence.h"

namespace godwit {

namespace v1 {
class Presences;
}  // namespace v1

void fill_presences(std::span<const Presence> presences, v1::Presences& out);
// A ServerFrame with Presences, in place of what `out` held. Written by hand: there are many.
void encode_presences(std::span<const Presence> presences, std::string& out);
// A ServerFrame with a TypingNotice; `chat` of groups only, `state` a value of v1::TypingState.
std::string encode_typing_notice(UserId from, const std::optional<ChatId>& chat, int state, std::uint32_t expires_ms);

}  // namespace godwit

// Groups in words: roles, settings, and what changed in a chat.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "godwit.pb.h"
#include "godwit/ids.h"

namespace godwit::cli {

// "member", "admin" or "owner"; "none".
std::string_view role_name(v1::Role role);
// Nothing for any other word, "none" among them.
std::optional<v1::Role> parse_role(std::string_view text);

// "post: member, add: admin, rename: admin, messages stay". Unset roles are told as their defaults.
std::string settings_text(const v1::GroupSettings& settings);

// Puts words like "may_post=admin", "may_add=member", "may_rename=owner" and "ttl=1d" into `settings`; what
// they do not name stays. Returns what is wrong with the first that is wrong, or nothing.
std::optional<std::string> apply_settings(const std::vector<std::string>& words, v1::GroupSettings& settings);

// The handle of a user, safe to show.
using NameOf = std::function<std::string(UserId)>;

// What happened, without the actor's chat and time: "ann added bob and carol". At most five of many users are
// named. `new_name` is the group's new name in clear, where it is known; it is sanitised here.
std::string event_text(const v1::ChatEvent& event, UserId actor, std::uint64_t chat_seq,
                       const NameOf& name_of, const std::optional<std::string>& new_name);

// "delivered to 7 of 9, read by 3".
std::string receipt_text(std::uint32_t delivered, std::uint32_t read, std::uint32_t of);

}  // namespace godwit::cli

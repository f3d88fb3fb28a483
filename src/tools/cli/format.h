// The textual forms of ids and times.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "godwit/ids.h"

namespace godwit::cli {

// "0192f0c1-89ab-7cde-8123-456789abcdef" (RFC 9562, section 4).
std::string format_uuid(const MessageId& id);
// Nothing unless `text` has that form (either case) and is a version 7 UUID.
std::optional<MessageId> parse_uuid(std::string_view text);

// A user is named by handle, or by "id:<decimal>" where no handle is known.
std::string format_user_id(UserId user);
std::optional<UserId> parse_user_id(std::string_view text);

// Bytes from pairs of hex digits, either case; nothing for anything else.
std::optional<std::string> parse_hex(std::string_view text);

// Local time: "14:05" today, else "2024-05-31 14:05".
std::string format_time(std::int64_t wall_ms, std::int64_t now_ms);

}  // namespace godwit::cli

// Statuses as the user names them: by number (1 is the author's newest) or by id.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "godwit.pb.h"
#include "godwit/ids.h"

namespace godwit::cli {

// A status without its content.
struct ListedStatus {
  UserId author;
  MessageId id;
  std::int64_t posted_ms = 0;
  std::int64_t expires_ms = 0;
  bool seen = false;
  bool muted = false;
  std::size_t number = 0;  // among the author's, from 1 for the newest
};

// Those with an id of 16 bytes, in the order given, numbered.
std::vector<ListedStatus> listed(const std::vector<v1::StatusRef>& refs);

// The author's status of that number or id; nothing when there is none in the list, or for other words.
std::optional<MessageId> choose_status(const std::vector<ListedStatus>& all, UserId author,
                                       std::string_view which);

// "goes in 24 h" (rounded), "goes in 5 min", "gone".
std::string time_left_text(std::int64_t expires_ms, std::int64_t now_ms);

// "a,b" as words; empty ones are left out.
std::vector<std::string> split_names(std::string_view text);

}  // namespace godwit::cli

#include "tools/cli/status_text.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "tools/cli/format.h"

namespace godwit::cli {

std::vector<ListedStatus> listed(const std::vector<v1::StatusRef>& refs) {
  std::vector<ListedStatus> all;
  for (const v1::StatusRef& ref : refs) {
    if (ref.id().size() != MessageId().bytes.size()) continue;
    all.push_back({UserId(ref.author()), MessageId(MessageId::from(ref.id())), ref.posted_ms(),
                   ref.expires_ms(), ref.seen(), ref.muted(), 0});
  }
  std::map<UserId, std::vector<ListedStatus*>> by_author;
  for (ListedStatus& status : all) by_author[status.author].push_back(&status);
  for (auto& [author, theirs] : by_author) {
    std::stable_sort(theirs.begin(), theirs.end(), [](const ListedStatus* a, const ListedStatus* b) {
      return a->posted_ms != b->posted_ms ? a->posted_ms > b->posted_ms : a->id > b->id;
    });
    for (std::size_t i = 0; i < theirs.size(); ++i) theirs[i]->number = i + 1;
  }
  return all;
}

std::optional<MessageId> choose_status(const std::vector<ListedStatus>& all, UserId author,
                                       std::string_view which) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(which.data(), which.data() + which.size(), number);
  const bool is_number = error == std::errc{} && end == which.data() + which.size();
  const auto id = parse_uuid(which);
  for (const ListedStatus& status : all) {
    if (status.author != author) continue;
    if ((is_number && status.number == number) || (id && status.id == *id)) return status.id;
  }
  return std::nullopt;
}

std::string time_left_text(std::int64_t expires_ms, std::int64_t now_ms) {
  const std::int64_t seconds = (expires_ms - now_ms) / 1000;
  if (expires_ms <= now_ms) return "gone";
  if (seconds < 60) return "goes in " + std::to_string(seconds) + " s";
  if (seconds < 2 * 3600) return "goes in " + std::to_string(seconds / 60) + " min";
  return "goes in " + std::to_string((seconds + 1800) / 3600) + " h";
}

std::vector<std::string> split_names(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (comma > 0) names.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return names;
}

}  // namespace godwit::cli

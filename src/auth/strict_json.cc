#include "auth/strict_json.h"

#include <limits>
#include <set>
#include <vector>

namespace godwit::auth {
namespace {

using nlohmann::json;

// Watches the parser's events. The library itself keeps the last of two equal names and has no depth limit.
class Watcher {
 public:
  explicit Watcher(int max_depth) : max_depth_(max_depth) {}

  bool bad() const { return bad_; }

  bool operator()(int depth, json::parse_event_t event, json& parsed) {
    if (bad_) return false;
    switch (event) {
      case json::parse_event_t::object_start:
      case json::parse_event_t::array_start:
        bad_ = depth >= max_depth_;
        names_.resize(static_cast<std::size_t>(depth) + 1);
        names_.back().clear();
        break;
      case json::parse_event_t::key:
        bad_ = !names_[static_cast<std::size_t>(depth) - 1].insert(parsed.get<std::string>()).second;
        break;
      default:
        break;
    }
    return !bad_;
  }

 private:
  int max_depth_;
  bool bad_ = false;
  std::vector<std::set<std::string>> names_;
};

}  // namespace

std::optional<json> parse_strict_object(std::string_view text, int max_depth) {
  // The library takes a zero byte for the end of the text and skips a byte order mark; neither is JSON.
  if (text.empty() || text.front() == '\xEF' || text.find('\0') != std::string_view::npos)
    return std::nullopt;
  Watcher watcher(max_depth);
  json parsed = json::parse(text, std::ref(watcher), /*allow_exceptions=*/false);
  if (watcher.bad() || !parsed.is_object()) return std::nullopt;
  return parsed;
}

const std::string* string_member(const json& object, const char* name) {
  const auto it = object.find(name);
  return it == object.end() ? nullptr : it->get_ptr<const json::string_t*>();
}

std::optional<std::int64_t> integer_member(const json& object, const char* name) {
  const auto it = object.find(name);
  if (it == object.end() || !it->is_number_integer()) return std::nullopt;
  if (it->is_number_unsigned() && it->get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max()) {
    return std::nullopt;
  }
  return it->get<std::int64_t>();
}

}  // namespace godwit::auth

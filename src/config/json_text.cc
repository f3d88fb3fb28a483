#include "config/json_text.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <system_error>

#include "config/config.h"

namespace godwit::config {
namespace {

class TooDeep : public std::exception {};

// Watches the parser go by, and notes each key that its object already has.
class DuplicateWatch {
 public:
  DuplicateWatch(const std::string& source, std::vector<std::string>& faults)
      : source_(source), faults_(faults) {}

  void see(nlohmann::json::parse_event_t event, const nlohmann::json& parsed) {
    using Event = nlohmann::json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      if (open_.size() == kMaxDepth) throw TooDeep();
      open_.emplace_back();
    } else if (event == Event::object_end || event == Event::array_end) {
      open_.pop_back();
    } else if (event == Event::key) {
      open_.back().last_key = parsed.get<std::string>();
      if (!open_.back().keys.insert(open_.back().last_key).second) {
        faults_.push_back(source_ + ": " + quote(path()) + " stands there twice");
      }
    }
  }

 private:
  struct Level {
    std::set<std::string> keys;
    std::string last_key;
  };

  std::string path() const {
    std::string path;
    for (const Level& level : open_) path += (path.empty() ? "" : ".") + level.last_key;
    return path;
  }

  const std::string& source_;
  std::vector<std::string>& faults_;
  std::vector<Level> open_;
};

// "line 3, column 5" of the byte at which the parser stopped (counted from 1).
std::string position(std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, byte > 0 ? byte - 1 : 0);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return "line " + std::to_string(line) + ", column " + std::to_string(before.size() - line_start + 1);
}

std::string system_message(int error) {
  return std::system_category().message(error);
}

}  // namespace

std::string quote(std::string_view text) {
  constexpr std::size_t kMaxShown = 100;
  const bool cut = text.size() > kMaxShown;
  const nlohmann::json shown = std::string(text.substr(0, kMaxShown)) + (cut ? "..." : "");
  return shown.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<std::string> read_file(const std::string& path, std::vector<std::string>& faults) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    faults.push_back(path + ": cannot be opened: " + system_message(errno));
    return std::nullopt;
  }
  std::string text(kMaxConfigBytes + 1, '\0');
  std::size_t size = 0;
  ssize_t got = 0;
  do {
    got = ::read(file, text.data() + size, text.size() - size);
    if (got > 0) size += static_cast<std::size_t>(got);
  } while ((got > 0 && size < text.size()) || (got < 0 && errno == EINTR));
  const int error = errno;
  ::close(file);
  if (got < 0) {
    faults.push_back(path + ": cannot be read: " + system_message(error));
    return std::nullopt;
  }
  text.resize(size);
  return text;
}

std::optional<nlohmann::json> parse_json_text(std::string_view text, const std::string& source,
                                              std::vector<std::string>& faults) {
  if (text.size() > kMaxConfigBytes) {
    faults.push_back(source + ": larger than " + std::to_string(kMaxConfigBytes) + " bytes");
    return std::nullopt;
  }
  DuplicateWatch watch(source, faults);
  const auto callback = [&](int, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    watch.see(event, parsed);
    return true;
  };
  try {
    return nlohmann::json::parse(text, callback, true, true);
  } catch (const nlohmann::json::parse_error& error) {
    // The library's own message quotes the text, where a secret may stand.
    faults.push_back(source + ": " + position(text, error.byte) + ": not valid JSON here");
  } catch (const nlohmann::json::exception&) {
    faults.push_back(source + ": holds a number that does not fit");
  } catch (const TooDeep&) {
    faults.push_back(source + ": nested deeper than " + std::to_string(kMaxDepth) + " levels");
  }
  return std::nullopt;
}

}  // namespace godwit::config

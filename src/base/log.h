// Structured logging: one line is one event with named fields. JSON lines for machines, key=value for people.
//
// The lines go to standard error through spdlog. Every function here may be called from any thread. A line is
// formatted and written by the caller, so whatever a client can trigger goes through a LogLimiter.
//
// Payloads, tokens, codes and keys are never fields.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "godwit/ids.h"

namespace godwit {

// Client faults are `info`, server faults `error`; `warning` is what an operator should look at in daylight.
enum class LogLevel : std::uint8_t { debug, info, warning, error };

// `automatic` is text when standard error is a terminal, and JSON otherwise.
enum class LogFormat : std::uint8_t { automatic, json, text };

// A string value longer than this is cut, and ends in "..." then.
inline constexpr std::size_t kMaxLogValueBytes = 1024;

// A named value of one log line. It borrows the key and a string value: both must outlive the call.
struct Field {
  // A user id is written as a string: it has 64 random bits, more than JSON readers keep in a number.
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool, UserId>;

  std::string_view key;
  Value value;

  template <class T>
  requires std::convertible_to<const T&, std::string_view> Field(std::string_view k, const T& v)
      : key(k), value(std::string_view(v)) {}
  template <class T>
  requires std::is_arithmetic_v<T> Field(std::string_view k, T v) : key(k), value(widen(v)) {}
  template <class Tag, class T>
  Field(std::string_view k, Named<Tag, T> v) : Field(k, v.value) {}
  Field(std::string_view k, UserId v) : key(k), value(v) {}

 private:
  template <class T>
  static auto widen(T v) {
    if constexpr (std::same_as<T, bool>) {
      return v;
    } else if constexpr (std::floating_point<T>) {
      return static_cast<double>(v);
    } else if constexpr (std::signed_integral<T>) {
      return static_cast<std::int64_t>(v);
    } else {
      return static_cast<std::uint64_t>(v);
    }
  }
};

using Fields = std::initializer_list<Field>;

// Sends what follows to standard error. May be called again, when the configuration is reloaded, while other
// threads log. Before the first call the level is `info` and the format `automatic`.
void init_logging(LogLevel level, LogFormat format);
// The same, into `out`, which must outlive all logging. `automatic` is JSON here.
void init_logging_for_test(LogLevel level, LogFormat format, std::ostream& out);

// At run time, from any thread; cheap.
void set_log_level(LogLevel level);
LogLevel log_level();
bool log_enabled(LogLevel level);

// "debug", "info", "warning", "error".
std::string_view to_string(LogLevel level);
std::optional<LogLevel> parse_log_level(std::string_view text);
// "auto", "json", "text".
std::optional<LogFormat> parse_log_format(std::string_view text);

// Writes one line: `event` is a fixed snake_case word, by which lines are found, and `fields` are what
// differs. Bytes that are not UTF-8 become U+FFFD and control characters are escaped, so that no value can
// forge a line.
void log_event(LogLevel level, std::string_view event, Fields fields = {});

inline void log_debug(std::string_view event, Fields fields = {}) {
  log_event(LogLevel::debug, event, fields);
}
inline void log_info(std::string_view event, Fields fields = {}) {
  log_event(LogLevel::info, event, fields);
}
inline void log_warning(std::string_view event, Fields fields = {}) {
  log_event(LogLevel::warning, event, fields);
}
inline void log_error(std::string_view event, Fields fields = {}) {
  log_event(LogLevel::error, event, fields);
}

// Admits `lines` lines in each interval and counts the rest; the first line of a later interval tells how
// many were left out. One per call site, a member of whoever logs. Lock-free; at the boundary of an interval
// each racing thread may get one line more.
class LogLimiter {
 public:
  explicit LogLimiter(std::uint32_t lines = 10, std::int64_t interval_ms = 1000)
      : lines_(lines), interval_ms_(interval_ms) {}

  // Whether a line may be written at `now_ms` (monotonic): the number left out since the last one admitted,
  // or nothing if this one is left out too.
  std::optional<std::uint64_t> admit(std::int64_t now_ms);
  // How many were left out in all, for a metric.
  std::uint64_t suppressed_total() const { return suppressed_total_.load(std::memory_order_relaxed); }

 private:
  const std::uint64_t lines_;
  const std::int64_t interval_ms_;
  std::atomic<std::int64_t> interval_start_{INT64_MIN / 2};
  std::atomic<std::uint64_t> asked_{0};
  std::atomic<std::uint64_t> suppressed_{0};
  std::atomic<std::uint64_t> suppressed_total_{0};
};

// log_event, if `limiter` admits it now. Lines left out before it are told in a field "suppressed".
// A line below the current level does not count.
void log_limited(LogLimiter& limiter, LogLevel level, std::string_view event, Fields fields = {});

}  // namespace godwit

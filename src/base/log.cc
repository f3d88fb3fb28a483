#include "base/log.h"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cmath>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace godwit {
namespace {

// Where lines go. Never destroyed once made, so that a thread may still write to it while another switches.
struct Output {
  bool json;
  spdlog::logger logger;
};

std::atomic<LogLevel> current_level{LogLevel::info};
std::atomic<Output*> current_output{nullptr};

constexpr std::array kLevelNames = {
    std::pair{LogLevel::debug, std::string_view("debug")},
    std::pair{LogLevel::info, std::string_view("info")},
    std::pair{LogLevel::warning, std::string_view("warning")},
    std::pair{LogLevel::error, std::string_view("error")},
};

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      break;
  }
  return spdlog::level::err;
}

// Length of the UTF-8 sequence at the start of `s` (RFC 3629), or 0 if there is none.
std::size_t utf8_length(std::string_view s) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(s[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                             : (lead & 0xF0) == 0xE0        ? 3
                             : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                            : 0;
  if (length == 0 || s.size() < length) return 0;
  // The second byte rules out overlong forms, surrogates and what lies beyond U+10FFFF.
  const std::uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const std::uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

void append_escaped_ascii(spdlog::memory_buf_t& out, char c) {
  const auto append = [&](std::string_view s) { out.append(s.data(), s.data() + s.size()); };
  switch (c) {
    case '"':
      return append("\\\"");
    case '\\':
      return append("\\\\");
    case '\n':
      return append("\\n");
    case '\r':
      return append("\\r");
    case '\t':
      return append("\\t");
    default:
      break;
  }
  if (static_cast<std::uint8_t>(c) >= 0x20 && c != 0x7F) return out.push_back(c);
  constexpr std::string_view kHex = "0123456789abcdef";
  append("\\u00");
  out.push_back(kHex[static_cast<std::uint8_t>(c) >> 4]);
  out.push_back(kHex[static_cast<std::uint8_t>(c) & 15]);
}

// As a JSON string with its quotes (RFC 8259).
void append_quoted(spdlog::memory_buf_t& out, std::string_view s) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  constexpr std::string_view kCut = "...";
  out.push_back('"');
  std::size_t i = 0;
  while (i < s.size() && i < kMaxLogValueBytes) {
    const std::size_t length = utf8_length(s.substr(i));
    if (length == 0) {
      out.append(kReplacement.data(), kReplacement.data() + kReplacement.size());
    } else if (length == 1) {
      append_escaped_ascii(out, s[i]);
    } else {
      out.append(s.data() + i, s.data() + i + length);
    }
    i += length == 0 ? 1 : length;
  }
  if (i < s.size()) out.append(kCut.data(), kCut.data() + kCut.size());
  out.push_back('"');
}

// A word that a person reads without quotes, and that cannot be taken for more than one.
bool is_plain_word(std::string_view s) {
  if (s.empty() || s.size() > kMaxLogValueBytes) return false;
  for (const char c : s) {
    if (c <= ' ' || c == '"' || c == '\\' || c == '=' || c == 0x7F) return false;
  }
  return true;
}

void append_value(spdlog::memory_buf_t& out, const Field::Value& value, bool json) {
  const auto append_text = [&](std::string_view s) {
    if (!json && is_plain_word(s)) {
      out.append(s.data(), s.data() + s.size());
    } else {
      append_quoted(out, s);
    }
  };
  const auto append_formatted = [&](auto v) { spdlog::fmt_lib::format_to(std::back_inserter(out), "{}", v); };
  std::visit(
      [&](const auto& v) {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, std::string_view>) {
          append_text(v);
        } else if constexpr (std::is_same_v<T, UserId>) {
          append_text(std::to_string(v.value));
        } else if constexpr (std::is_same_v<T, double>) {
          // JSON knows neither infinity nor NaN.
          if (std::isfinite(v)) {
            append_formatted(v);
          } else {
            append_text(std::isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");
          }
        } else {
          append_formatted(v);
        }
      },
      value);
}

void append_field(spdlog::memory_buf_t& out, const Field& field, bool json) {
  if (json) {
    out.push_back(',');
    append_quoted(out, field.key);
    out.push_back(':');
  } else {
    out.push_back(' ');
    out.append(field.key.data(), field.key.data() + field.key.size());
    out.push_back('=');
  }
  append_value(out, field.value, json);
}

Output* make_output(bool json, spdlog::sink_ptr sink) {
  auto* output = new Output{json, spdlog::logger("godwit", std::move(sink))};
  // A message starts inside the JSON object: see write_line.
  output->logger.set_pattern(
      json ? R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","msg":%v})" : "%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v",
      spdlog::pattern_time_type::utc);
  output->logger.set_level(spdlog::level::trace);  // write_line is called for what passed current_level
  output->logger.flush_on(spdlog::level::trace);
  return output;
}

// The two forms of standard error, each made once: reloading the configuration only switches between them.
Output& stderr_output(LogFormat format) {
  static Output* const json = make_output(true, std::make_shared<spdlog::sinks::stderr_sink_mt>());
  static Output* const text = make_output(false, std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  if (format == LogFormat::automatic) return ::isatty(STDERR_FILENO) == 0 ? *json : *text;
  return format == LogFormat::json ? *json : *text;
}

void write_line(LogLevel level, std::string_view event, Fields fields, const Field* last) {
  Output* output = current_output.load(std::memory_order_acquire);
  if (output == nullptr) {
    output = &stderr_output(LogFormat::automatic);
  }
  const bool json = output->json;
  spdlog::memory_buf_t line;
  if (json) {
    append_quoted(line, event);
  } else {
    line.append(event.data(), event.data() + event.size());
  }
  for (const Field& field : fields) append_field(line, field, json);
  if (last != nullptr) append_field(line, *last, json);
  output->logger.log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

void init_logging(LogLevel level, LogFormat format) {
  current_level.store(level, std::memory_order_relaxed);
  current_output.store(&stderr_output(format), std::memory_order_release);
}

void init_logging_for_test(LogLevel level, LogFormat format, std::ostream& out) {
  current_level.store(level, std::memory_order_relaxed);
  // Kept for ever, as another thread may be writing to the one before.
  static auto* const outputs = new std::vector<Output*>;
  outputs->push_back(
      make_output(format != LogFormat::text, std::make_shared<spdlog::sinks::ostream_sink_mt>(out)));
  current_output.store(outputs->back(), std::memory_order_release);
}

void set_log_level(LogLevel level) {
  current_level.store(level, std::memory_order_relaxed);
}

LogLevel log_level() {
  return current_level.load(std::memory_order_relaxed);
}

bool log_enabled(LogLevel level) {
  return level >= log_level();
}

std::string_view to_string(LogLevel level) {
  return kLevelNames[static_cast<std::size_t>(level)].second;
}

std::optional<LogLevel> parse_log_level(std::string_view text) {
  for (const auto& [level, name] : kLevelNames) {
    if (name == text) return level;
  }
  return std::nullopt;
}

std::optional<LogFormat> parse_log_format(std::string_view text) {
  if (text == "auto") return LogFormat::automatic;
  if (text == "json") return LogFormat::json;
  if (text == "text") return LogFormat::text;
  return std::nullopt;
}

void log_event(LogLevel level, std::string_view event, Fields fields) {
  if (log_enabled(level)) write_line(level, event, fields, nullptr);
}

std::optional<std::uint64_t> LogLimiter::admit(std::int64_t now_ms) {
  std::int64_t start = interval_start_.load(std::memory_order_relaxed);
  if (now_ms - start >= interval_ms_ && interval_start_.compare_exchange_strong(start, now_ms)) {
    asked_.store(0, std::memory_order_relaxed);
  }
  if (asked_.fetch_add(1, std::memory_order_relaxed) < lines_) {
    return suppressed_.exchange(0, std::memory_order_relaxed);
  }
  suppressed_.fetch_add(1, std::memory_order_relaxed);
  suppressed_total_.fetch_add(1, std::memory_order_relaxed);
  return std::nullopt;
}

void log_limited(LogLimiter& limiter, LogLevel level, std::string_view event, Fields fields) {
  if (!log_enabled(level)) return;
  using namespace std::chrono;
  const auto now_ms = duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
  const std::optional<std::uint64_t> suppressed = limiter.admit(now_ms);
  if (!suppressed) return;
  const Field told("suppressed", *suppressed);
  write_line(level, event, fields, *suppressed > 0 ? &told : nullptr);
}

}  // namespace godwit

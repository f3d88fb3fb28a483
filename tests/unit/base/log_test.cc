#include "base/log.h"

#include <gtest/gtest.h>

#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace godwit {
namespace {

class LogTest : public ::testing::Test {
 protected:
  ~LogTest() override { init_logging(LogLevel::info, LogFormat::automatic); }

  void log_as(LogFormat format, LogLevel level = LogLevel::info) {
    init_logging_for_test(level, format, out_);
  }
  std::string written() const { return out_.str(); }
  // The line without its time, which differs.
  std::string line() const {
    static const std::regex time(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)");
    return std::regex_replace(written(), time, "TIME");
  }

 private:
  std::ostringstream out_;
};

TEST_F(LogTest, json_event_with_every_type_is_one_object_on_one_line) {
  log_as(LogFormat::json);
  log_info("session_closed", {{"user", UserId(18446744073709551615ULL)},
                              {"device", DeviceId(3)},
                              {"reason", "keepalive"},
                              {"sent", -5},
                              {"bytes", 18446744073709551615ULL},
                              {"seconds", 1.5},
                              {"resumed", true}});
  EXPECT_EQ(line(), R"({"ts":"TIME","level":"info","msg":"session_closed","user":"18446744073709551615",)"
                    R"("device":3,"reason":"keepalive","sent":-5,"bytes":18446744073709551615,)"
                    R"("seconds":1.5,"resumed":true})"
                    "\n");
}

TEST_F(LogTest, json_event_without_fields_is_closed) {
  log_as(LogFormat::json);
  log_error("journal_failed");
  EXPECT_EQ(line(), "{\"ts\":\"TIME\",\"level\":\"error\",\"msg\":\"journal_failed\"}\n");
}

TEST_F(LogTest, json_value_with_quotes_and_control_characters_is_escaped) {
  log_as(LogFormat::json);
  log_info("x", {{"v", std::string_view("a\"b\\c\nd\re\tf\0g\x1b\x7f", 15)}});
  EXPECT_NE(written().find(R"("v":"a\"b\\c\nd\re\tf\u0000g\u001b\u007f"})"), std::string::npos) << written();
}

TEST_F(LogTest, json_value_that_is_not_utf8_gets_replacement_characters) {
  log_as(LogFormat::json);
  // A stray continuation, an overlong slash, a surrogate, a sequence cut short; what is valid stays.
  log_info("x", {{"v", "\x80|\xC0\xAF|\xED\xA0\x80|\xE2\x82|\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"}});
  const std::string bad = "\xEF\xBF\xBD";
  const std::string want = "\"v\":\"" + bad + "|" + bad + bad + "|" + bad + bad + bad + "|" + bad + bad +
                           "|\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"";
  EXPECT_NE(written().find(want), std::string::npos) << written();
}

TEST_F(LogTest, json_number_that_is_not_finite_is_a_string) {
  log_as(LogFormat::json);
  log_info("x", {{"a", std::numeric_limits<double>::quiet_NaN()},
                 {"b", -std::numeric_limits<double>::infinity()}});
  EXPECT_NE(written().find(R"("a":"nan","b":"-inf"})"), std::string::npos) << written();
}

TEST_F(LogTest, value_beyond_the_limit_is_cut) {
  log_as(LogFormat::json);
  log_info("x", {{"v", std::string(kMaxLogValueBytes + 1, 'a')}});
  EXPECT_NE(written().find("\"" + std::string(kMaxLogValueBytes, 'a') + "...\""), std::string::npos);
}

TEST_F(LogTest, value_at_the_limit_is_whole) {
  log_as(LogFormat::json);
  log_info("x", {{"v", std::string(kMaxLogValueBytes, 'a')}});
  EXPECT_NE(written().find("\"" + std::string(kMaxLogValueBytes, 'a') + "\""), std::string::npos);
}

TEST_F(LogTest, text_event_quotes_only_what_is_not_one_word) {
  log_as(LogFormat::text);
  log_warning("slow_disk",
              {{"path", "/data"}, {"why", "sync took long"}, {"forged", "a\nb=1"}, {"empty", ""}});
  EXPECT_EQ(line(),
            "TIME warning slow_disk path=/data why=\"sync took long\" forged=\"a\\nb=1\" empty=\"\"\n");
}

TEST_F(LogTest, event_below_the_level_is_left_out_until_the_level_changes) {
  log_as(LogFormat::text, LogLevel::warning);
  log_info("quiet");
  EXPECT_EQ(written(), "");
  set_log_level(LogLevel::debug);
  EXPECT_EQ(log_level(), LogLevel::debug);
  log_debug("loud");
  EXPECT_EQ(line(), "TIME debug loud\n");
}

TEST_F(LogTest, level_and_format_names_are_parsed_and_others_refused) {
  for (const auto level : {LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error}) {
    EXPECT_EQ(parse_log_level(to_string(level)), level);
  }
  EXPECT_EQ(parse_log_level("loud"), std::nullopt);
  EXPECT_EQ(parse_log_format("auto"), LogFormat::automatic);
  EXPECT_EQ(parse_log_format("json"), LogFormat::json);
  EXPECT_EQ(parse_log_format("text"), LogFormat::text);
  EXPECT_EQ(parse_log_format("xml"), std::nullopt);
}

TEST_F(LogTest, limiter_beyond_its_lines_counts_and_tells_in_the_next_interval) {
  LogLimiter limiter(2, 1000);
  EXPECT_EQ(limiter.admit(5000), 0U);
  EXPECT_EQ(limiter.admit(5000), 0U);
  EXPECT_EQ(limiter.admit(5001), std::nullopt);
  EXPECT_EQ(limiter.admit(5999), std::nullopt);
  EXPECT_EQ(limiter.admit(6000), 2U);
  EXPECT_EQ(limiter.admit(6001), 0U);
  EXPECT_EQ(limiter.suppressed_total(), 2U);
}

TEST_F(LogTest, limited_event_after_suppression_carries_the_number) {
  log_as(LogFormat::text);
  LogLimiter limiter(1, 0);  // every call is a new interval
  log_limited(limiter, LogLevel::info, "bad_frame");
  EXPECT_EQ(line(), "TIME info bad_frame\n");
  LogLimiter exhausted(1, 60'000);
  log_limited(exhausted, LogLevel::info, "refused", {{"n", 1}});
  log_limited(exhausted, LogLevel::info, "refused", {{"n", 2}});
  EXPECT_EQ(line(), "TIME info bad_frame\nTIME info refused n=1\n");
  EXPECT_EQ(exhausted.suppressed_total(), 1U);
}

TEST_F(LogTest, limited_event_in_a_later_interval_tells_how_many_were_left_out) {
  log_as(LogFormat::json);
  LogLimiter limiter(1, 20);
  log_limited(limiter, LogLevel::info, "refused");
  for (int i = 0; i < 3; ++i) limiter.admit(INT64_MIN / 2);  // a clock that stands still: left out, each time
  std::this_thread::sleep_for(std::chrono::milliseconds(40));
  log_limited(limiter, LogLevel::info, "refused");
  EXPECT_NE(written().find(R"("msg":"refused","suppressed":3})"), std::string::npos) << written();
}

TEST_F(LogTest, limited_event_below_the_level_uses_up_nothing) {
  log_as(LogFormat::text, LogLevel::error);
  LogLimiter limiter(1, 60'000);
  log_limited(limiter, LogLevel::info, "quiet");
  set_log_level(LogLevel::info);
  log_limited(limiter, LogLevel::info, "heard");
  EXPECT_EQ(line(), "TIME info heard\n");
}

TEST_F(LogTest, logging_from_threads_while_the_format_changes_keeps_lines_whole) {
  std::ostringstream json;
  std::ostringstream text;
  init_logging_for_test(LogLevel::info, LogFormat::json, json);
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 200; ++i) log_info("tick", {{"i", i}});
    });
  }
  init_logging_for_test(LogLevel::info, LogFormat::text, text);
  for (auto& thread : threads) thread.join();
  std::size_t lines = 0;
  std::string line;
  for (std::istringstream in(json.str()); std::getline(in, line); ++lines) {
    EXPECT_TRUE(line.starts_with("{\"ts\"") && line.ends_with("}")) << line;
  }
  for (std::istringstream in(text.str()); std::getline(in, line); ++lines) {
    EXPECT_NE(line.find(" info tick i="), std::string::npos) << line;
  }
  EXPECT_EQ(lines, 600U);
}

}  // namespace
}  // namespace godwit

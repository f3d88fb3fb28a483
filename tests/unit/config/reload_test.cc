#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "config/config.h"
#include "config/option.h"

namespace godwit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

LoadResult loaded(const std::vector<std::string>& overrides) {
  return load("", {}, overrides);
}

TEST(ConfigReload, nothing_changed_is_applied_and_names_nothing) {
  const ReloadResult result = plan_reload(Config{}, loaded({}));
  EXPECT_TRUE(result.config);
  EXPECT_THAT(result.changed, IsEmpty());
}

TEST(ConfigReload, live_options_changed_are_applied_and_named) {
  const ReloadResult result = plan_reload(
      Config{}, loaded({"log.level=debug", "limits.device_requests_per_s=5", "server.workers=0"}));
  ASSERT_TRUE(result.config);
  EXPECT_EQ(result.config->log.level, LogLevel::debug);
  EXPECT_EQ(result.config->limits.device_requests_per_s, 5);
  EXPECT_THAT(result.changed, ElementsAre("limits.device_requests_per_s", "log.level"));
}

TEST(ConfigReload, fixed_option_changed_refuses_the_whole) {
  const ReloadResult result =
      plan_reload(Config{}, loaded({"log.level=debug", "server.workers=2", "net.listen=127.0.0.1:1"}));
  EXPECT_FALSE(result.config);
  EXPECT_THAT(
      result.faults,
      ElementsAre(
          "server.workers: changed from 0 to 2, which needs a restart",
          R"(net.listen: changed from ["127.0.0.1:8080"] to ["127.0.0.1:1"], which needs a restart)"));
  EXPECT_THAT(result.changed, ElementsAre("server.workers", "net.listen", "log.level"));
}

TEST(ConfigReload, fault_in_the_new_configuration_refuses_the_whole) {
  const ReloadResult result = plan_reload(Config{}, loaded({"log.level=loud"}));
  EXPECT_FALSE(result.config);
  EXPECT_THAT(result.faults, ElementsAre(HasSubstr("log.level: \"loud\" is not one of")));
}

TEST(ConfigReload, secret_changed_is_named_and_not_shown) {
  Config running;
  running.admin.token = "old-hunter2";
  const ReloadResult result = plan_reload(running, loaded({"admin.token=new-hunter2"}));
  EXPECT_THAT(result.faults,
              ElementsAre(R"(admin.token: changed from "***" to "***", which needs a restart)"));
}

TEST(ConfigReload, each_option_is_refused_or_applied_as_it_declares) {
  for (const config::Option& option : config::options()) {
    LoadResult fresh{Config{}, {}};
    const config::Value before = option.initial();
    if (const auto* flag = std::get_if<bool>(&before)) {
      option.set(*fresh.config, !*flag);
    } else if (const auto* number = std::get_if<std::int64_t>(&before)) {
      option.set(*fresh.config, *number + 1);
    } else if (std::holds_alternative<std::string>(before)) {
      option.set(*fresh.config, option.words.empty() ? "other" : std::string(option.words[2]));
    } else {
      option.set(*fresh.config, std::vector<std::string>{"other"});
    }
    const ReloadResult result = plan_reload(Config{}, fresh);
    EXPECT_THAT(result.changed, ElementsAre(option.key()));
    EXPECT_EQ(result.config.has_value(), option.reload == config::Reload::live) << option.key();
  }
}

TEST(ConfigDescribe, every_option_has_a_line) {
  const std::string text = describe(Config{});
  for (const config::Option& option : config::options()) {
    EXPECT_THAT("\n" + text,
                HasSubstr("\n" + option.key() + " = " + config::to_literal(option.initial()) + "\n"));
  }
}

TEST(ConfigDescribe, secret_that_is_set_is_not_shown) {
  Config config;
  config.admin.token = config.account.verify_webhook_secret = "hunter2";
  const std::string text = describe(config);
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
  EXPECT_THAT(text, HasSubstr("admin.token = \"***\"\n"));
  EXPECT_THAT(text, HasSubstr("account.verify_webhook_secret = \"***\"\n"));
}

TEST(ConfigDescribe, secret_that_is_not_set_shows_as_empty) {
  EXPECT_THAT(describe(Config{}), HasSubstr("admin.token = \"\"\n"));
}

}  // namespace
}  // namespace godwit

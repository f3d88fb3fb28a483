#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "config/config.h"

namespace godwit {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

LoadResult from_text(const std::string& text) {
  return load_text(text, "f.json", {}, {});
}

// The one fault of a text that has one.
std::string fault_of(const std::string& text) {
  const LoadResult result = from_text(text);
  EXPECT_FALSE(result.config.has_value());
  EXPECT_THAT(result.faults, SizeIs(1));
  return result.faults.empty() ? "" : result.faults[0];
}

std::string override_fault(const std::string& text) {
  const LoadResult result = load("", {}, {text});
  EXPECT_THAT(result.faults, SizeIs(1));
  return result.faults.empty() ? "" : result.faults[0];
}

TEST(ConfigLoad, nothing_given_is_the_defaults) {
  const LoadResult result = load("", {}, {});
  ASSERT_TRUE(result.config);
  EXPECT_EQ(describe(*result.config), describe(Config{}));
  EXPECT_EQ(result.config->net.listen, std::vector<std::string>{"127.0.0.1:8080"});
  EXPECT_EQ(result.config->account.registration, Registration::open);
  EXPECT_EQ(result.config->log.format, LogFormat::automatic);
  EXPECT_TRUE(result.config->journal.sync);
}

TEST(ConfigLoad, file_with_comments_and_every_type_is_read) {
  const LoadResult result = from_text(R"(// first line
{ "$schema": "godwit.schema.json",
  "server": { "data_dir": "/srv/godwit", /* many */ "workers": 8 },
  "net": { "listen": ["127.0.0.1:0", "[::1]:0"] },
  "journal": { "sync": false },
  "account": { "registration": "closed" },
  "log": { "level": "warning", "format": "auto" } // last
})");
  ASSERT_TRUE(result.config) << result.faults[0];
  EXPECT_EQ(result.config->server.data_dir, "/srv/godwit");
  EXPECT_EQ(result.config->server.workers, 8);
  EXPECT_THAT(result.config->net.listen, ElementsAre("127.0.0.1:0", "[::1]:0"));
  EXPECT_FALSE(result.config->journal.sync);
  EXPECT_EQ(result.config->account.registration, Registration::closed);
  EXPECT_EQ(result.config->log.level, LogLevel::warning);
}

TEST(ConfigLoad, later_source_wins) {
  const std::string text = R"({"server": {"workers": 1, "login_burst": 1, "data_dir": "a"}})";
  const LoadResult result =
      load_text(text, "f.json", {{"GODWIT_SERVER_WORKERS", "2"}, {"GODWIT_SERVER_LOGIN_BURST", "2"}},
                {"server.workers=3", "server.workers=4"});
  ASSERT_TRUE(result.config);
  EXPECT_EQ(result.config->server.data_dir, "a");
  EXPECT_EQ(result.config->server.login_burst, 2);
  EXPECT_EQ(result.config->server.workers, 4);
}

TEST(ConfigLoad, override_of_every_type_is_read) {
  const LoadResult result =
      load("", {},
           {"journal.sync=false", "server.workers=2", "server.data_dir=a=b,c", "account.registration=invite",
            "net.listen=127.0.0.1:1, [::1]:2", R"(net.trusted_proxies=["10.0.0.0/8"])"});
  ASSERT_TRUE(result.config);
  EXPECT_FALSE(result.config->journal.sync);
  EXPECT_EQ(result.config->server.data_dir, "a=b,c");
  EXPECT_EQ(result.config->account.registration, Registration::invite);
  EXPECT_THAT(result.config->net.listen, ElementsAre("127.0.0.1:1", "[::1]:2"));
  EXPECT_THAT(result.config->net.trusted_proxies, ElementsAre("10.0.0.0/8"));
}

TEST(ConfigLoad, empty_list_in_an_override_is_the_empty_list) {
  const LoadResult result =
      load_text(R"({"net": {"trusted_proxies": ["10.0.0.0/8"]}})", "f.json", {}, {"net.trusted_proxies="});
  ASSERT_TRUE(result.config);
  EXPECT_THAT(result.config->net.trusted_proxies, IsEmpty());
}

TEST(ConfigLoad, faults_everywhere_are_listed_at_once) {
  const LoadResult result = load_text(
      R"({"sever": {}, "server": {"wrokers": 1, "workers": "four"}, "chat": {"history_page_max": 0}})",
      "f.json", {{"GODWIT_LOG_LEVEL", "loud"}}, {"net.listn=x", "nonsense"});
  EXPECT_FALSE(result.config);
  EXPECT_THAT(result.faults, UnorderedElementsAre(
                                 R"(f.json: unknown section "sever" (did you mean server?))",
                                 R"(f.json: unknown option "server.wrokers" (did you mean server.workers?))",
                                 "f.json: server.workers: expected a whole number, got a string",
                                 R"(GODWIT_LOG_LEVEL: "loud" is not one of debug, info, warning, error)",
                                 R"(--set "net.listn": there is no such option (did you mean net.listen?))",
                                 R"(--set "nonsense": expected section.name=value)",
                                 "chat.history_page_max: 0 is below the minimum 1 (messages)"));
}

TEST(ConfigLoad, unknown_name_near_nothing_gets_no_suggestion) {
  EXPECT_EQ(fault_of(R"({"server": {"zzzzzzzzzz": 1}})"), "f.json: unknown option \"server.zzzzzzzzzz\"");
  EXPECT_EQ(fault_of(R"({"zzzzzzzzzz": 1})"), "f.json: unknown section \"zzzzzzzzzz\"");
}

TEST(ConfigLoad, option_in_the_wrong_section_is_pointed_to_the_right_one) {
  EXPECT_THAT(fault_of(R"({"server": {"partitions": 8}})"), EndsWith("(did you mean storage.partitions?)"));
}

TEST(ConfigLoad, misspelled_word_gets_a_suggestion) {
  EXPECT_THAT(fault_of(R"({"account": {"registration": "opne"}})"), EndsWith("(did you mean open?)"));
}

TEST(ConfigLoad, value_of_another_type_is_refused) {
  EXPECT_THAT(fault_of(R"({"journal": {"sync": 1}})"), EndsWith("expected true or false, got 1"));
  EXPECT_THAT(fault_of(R"({"server": {"workers": 1.5}})"), EndsWith("expected a whole number, got 1.5"));
  EXPECT_THAT(fault_of(R"({"server": {"workers": null}})"), EndsWith("expected a whole number, got null"));
  EXPECT_THAT(fault_of(R"({"server": {"data_dir": true}})"), EndsWith("expected a string, got true"));
  EXPECT_THAT(fault_of(R"({"log": {"level": 1}})"), EndsWith("expected one of its words, a string, got 1"));
  EXPECT_THAT(fault_of(R"({"net": {"listen": "127.0.0.1:1"}})"),
              EndsWith("expected a list of strings, got a string"));
  EXPECT_THAT(fault_of(R"({"net": {"listen": [1]}})"),
              EndsWith("expected a list of strings, got a list with 1"));
  EXPECT_THAT(fault_of(R"({"net": []})"), EndsWith("net: expected an object of options"));
  EXPECT_THAT(fault_of("[]"), EndsWith("expected an object of sections"));
}

TEST(ConfigLoad, override_of_another_type_is_refused) {
  EXPECT_EQ(override_fault("journal.sync=yes"), R"(--set journal.sync: expected true or false, got "yes")");
  EXPECT_EQ(override_fault("server.workers=8x"),
            R"(--set server.workers: expected a whole number, got "8x")");
  EXPECT_EQ(override_fault("server.workers="), R"(--set server.workers: expected a whole number, got "")");
  EXPECT_THAT(override_fault("net.listen=[1"), HasSubstr("neither comma-separated nor a JSON array"));
  EXPECT_THAT(override_fault("workers=8"), HasSubstr("expected section.name=value"));
}

TEST(ConfigLoad, number_beyond_64_bits_is_refused) {
  EXPECT_THAT(fault_of(R"({"server": {"workers": 18446744073709551615}})"),
              HasSubstr("is above the maximum 256"));
  EXPECT_THAT(fault_of(R"({"server": {"workers": 1e999}})"), HasSubstr("a number that does not fit"));
  EXPECT_THAT(override_fault("server.workers=99999999999999999999"), HasSubstr("expected a whole number"));
}

TEST(ConfigLoad, key_that_stands_there_twice_is_refused) {
  EXPECT_EQ(fault_of(R"({"net": {"listen": ["127.0.0.1:1"], "listen": ["127.0.0.1:2"]}})"),
            "f.json: \"net.listen\" stands there twice");
  EXPECT_EQ(fault_of(R"({"net": {}, "net": {}})"), "f.json: \"net\" stands there twice");
}

TEST(ConfigLoad, same_key_in_two_sections_is_no_duplicate) {
  EXPECT_TRUE(
      from_text(R"({"net": {"listen": ["127.0.0.1:1"]}, "admin": {"listen": "127.0.0.1:2"}})").config);
}

TEST(ConfigLoad, text_that_is_not_json_tells_line_and_column_and_quotes_nothing) {
  const std::string fault = fault_of("{\n  \"admin\": {\"token\": \"hunter2\n\"}}");
  EXPECT_THAT(fault,
              AllOf(HasSubstr("f.json: line 2"), HasSubstr("not valid JSON"), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(fault_of(""), HasSubstr("line 1, column 1"));
  EXPECT_THAT(fault_of("{\"server\": {}} x"), HasSubstr("line 1, column 16"));
  EXPECT_THAT(fault_of("{\"server\": {\"data_dir\": \"\xff\"}}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(fault_of("{/* no end"), HasSubstr("not valid JSON"));
}

TEST(ConfigLoad, text_nested_too_deep_is_refused) {
  EXPECT_THAT(fault_of(std::string(100'000, '[')), HasSubstr("nested deeper than 8 levels"));
}

TEST(ConfigLoad, text_beyond_the_size_limit_is_refused) {
  const std::string padding(kMaxConfigBytes - 2, ' ');
  EXPECT_TRUE(from_text("{}" + padding).config);
  EXPECT_THAT(fault_of("{}" + padding + " "), HasSubstr("larger than 1048576 bytes"));
}

TEST(ConfigLoad, faults_beyond_the_limit_are_counted) {
  std::string text = "{";
  for (int i = 0; i < 150; ++i) text += (i > 0 ? ",\"zzzzz" : "\"zzzzz") + std::to_string(i) + "\": 1";
  const LoadResult result = from_text(text + "}");
  ASSERT_THAT(result.faults, SizeIs(101));
  EXPECT_EQ(result.faults.back(), "and 50 more");
}

TEST(ConfigLoad, key_from_outside_is_escaped_and_cut_in_its_fault) {
  EXPECT_EQ(fault_of(R"({"a\u001b[2Jb": 1})"), "f.json: unknown section \"a\\u001b[2Jb\"");
  EXPECT_LT(fault_of("{\"" + std::string(5000, 'a') + "\": 1}").size(), 200U);
}

TEST(ConfigLoad, faulty_option_does_not_cause_further_faults) {
  // The maximum keeps its default, which the other exceeds; but that is not the operator's mistake.
  EXPECT_THAT(from_text(R"({"session": {"keepalive_max_s": "x", "keepalive_default_s": 5000}})").faults,
              SizeIs(1));
}

TEST(ConfigLoad, variable_of_a_section_that_is_no_option_is_refused) {
  const LoadResult result = load("", {{"GODWIT_NET_LISTNE", "127.0.0.1:1"}}, {});
  EXPECT_THAT(result.faults,
              ElementsAre("GODWIT_NET_LISTNE: there is no such option (did you mean GODWIT_NET_LISTEN?)"));
}

TEST(ConfigLoad, variables_meant_for_others_are_ignored) {
  EXPECT_TRUE(load("",
                   {{"GODWIT_URL", "x"},
                    {"GODWIT_SERVER_SERVICE_HOST", "10.0.0.1"},
                    {"GODWIT_SERVER_SERVICE_PORT_HTTP", "80"},
                    {"GODWIT_SERVER_PORT", "tcp://10.0.0.1:80"},
                    {"GODWIT_SERVER_PORT_80_TCP_ADDR", "10.0.0.1"}},
                   {})
                  .config);
}

TEST(ConfigLoad, environment_is_filtered_by_prefix) {
  std::string mine = "GODWIT_LOG_LEVEL=a=b";
  std::string other = "PATH=/bin";
  std::string broken = "GODWIT_X";
  char* environ[] = {mine.data(), other.data(), broken.data(), nullptr};
  EXPECT_EQ(environment_variables(environ), (Environment{{"GODWIT_LOG_LEVEL", "a=b"}}));
}

TEST(ConfigLoad, secret_never_shows_in_a_fault) {
  const std::string secret = "hunter2hunter2\n";
  const auto results = {
      load_text(R"({"admin": {"token": "hunter2\u0007", "listen": "10.0.0.1:1"}})", "f.json", {}, {}),
      load_text(R"({"admin": {"token": ["hunter2"]}})", "f.json", {}, {}),
      load_text(R"({"admin": {"token": "hunter2", "listen": "10.0.0.1:1"}})", "f.json", {}, {}),
      load("", {{"GODWIT_ADMIN_TOKEN", secret}}, {}),
      load("", {}, {"admin.token=" + secret}),
      load("", {}, {"admin.token:" + secret}),
      load("", {}, {"admin.tokne=" + secret}),
  };
  for (const LoadResult& result : results) {
    ASSERT_THAT(result.faults, Not(IsEmpty()));
    for (const std::string& fault : result.faults) EXPECT_THAT(fault, Not(HasSubstr("hunter2")));
  }
}

class ConfigFile : public ::testing::Test {
 protected:
  ConfigFile()
      : folder_(std::filesystem::temp_directory_path() / ("godwit_config_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~ConfigFile() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& text) const {
    const std::string path = folder_ / "godwit.json";
    std::ofstream(path) << text;
    return path;
  }

  const std::filesystem::path folder_;
};

TEST_F(ConfigFile, file_on_disk_is_read) {
  const LoadResult result = load(write(R"({"server": {"workers": 3}})"), {}, {});
  ASSERT_TRUE(result.config);
  EXPECT_EQ(result.config->server.workers, 3);
}

TEST_F(ConfigFile, missing_file_is_a_fault) {
  EXPECT_THAT(load(folder_ / "none.json", {}, {}).faults, ElementsAre(HasSubstr("No such file")));
}

TEST_F(ConfigFile, folder_in_place_of_a_file_is_a_fault) {
  EXPECT_THAT(load(folder_, {}, {}).faults, ElementsAre(HasSubstr("Is a directory")));
}

TEST_F(ConfigFile, file_beyond_the_size_limit_is_a_fault) {
  EXPECT_THAT(load(write(std::string(kMaxConfigBytes + 1, ' ')), {}, {}).faults,
              ElementsAre(HasSubstr("larger than")));
}

}  // namespace
}  // namespace godwit

#include "config/generate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>

#include "config/config.h"
#include "config/option.h"

namespace godwit::config {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(ConfigGenerated, files_in_the_sources_are_up_to_date) {
  EXPECT_THAT(generated_files(), SizeIs(3));
  for (const GeneratedFile& generated : generated_files()) {
    std::ifstream file(std::string(GODWIT_SOURCE_DIR) + "/" + std::string(generated.path));
    std::stringstream text;
    text << file.rdbuf();
    EXPECT_EQ(text.str(), generated.render()) << generated.path << ": run godwit_config_gen on the sources";
  }
}

TEST(ConfigGenerated, example_loads_as_the_defaults) {
  const LoadResult result = load_text(render_example(), "example", {}, {});
  ASSERT_TRUE(result.config) << result.faults[0];
  EXPECT_EQ(describe(*result.config), describe(Config{}));
}

TEST(ConfigGenerated, example_holds_every_option) {
  const auto example = nlohmann::json::parse(render_example(), nullptr, true, true);
  for (const Option& option : options()) {
    EXPECT_TRUE(example.at(std::string(option.section)).contains(std::string(option.name))) << option.key();
  }
}

TEST(ConfigGenerated, schema_has_type_default_and_bounds_of_every_option) {
  const auto schema = nlohmann::json::parse(render_schema());
  EXPECT_EQ(schema.at("$schema"), "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(schema.at("additionalProperties"), false);
  for (const Option& option : options()) {
    const auto& section = schema.at("properties").at(std::string(option.section));
    EXPECT_EQ(section.at("additionalProperties"), false);
    const auto& property = section.at("properties").at(std::string(option.name));
    EXPECT_EQ(property.at("default").dump(), to_literal(option.initial())) << option.key();
    EXPECT_EQ(property.at("description"), option.prose);
    if (option.type == OptionType::integer) {
      EXPECT_EQ(property.at("minimum"), option.min);
      EXPECT_EQ(property.at("maximum"), option.max);
    } else if (option.type == OptionType::enumeration) {
      EXPECT_EQ(property.at("enum").size(), option.words.size());
    }
    EXPECT_EQ(property.contains("writeOnly"), option.secrecy == Secrecy::secret) << option.key();
  }
}

TEST(ConfigGenerated, reference_names_every_option) {
  const std::string reference = render_reference();
  for (const Option& option : options()) {
    EXPECT_THAT(reference, HasSubstr("\n| `" + std::string(option.name) + "` | `"));
  }
}

TEST(ConfigTable, names_are_unique_and_their_suffix_is_their_unit) {
  const std::map<std::string, std::string> units = {{"_ms", "ms"},
                                                    {"_h", "h"},
                                                    {"_days", "days"},
                                                    {"_bytes", "bytes"},
                                                    {"_per_s", "per second"},
                                                    {"_per_hour", "per hour"}};
  std::set<std::string> keys;
  std::set<std::string> variables;
  for (const Option& option : options()) {
    EXPECT_TRUE(keys.insert(option.key()).second) << option.key();
    EXPECT_TRUE(variables.insert(option.variable()).second) << option.variable();
    EXPECT_NE(find_section(option.section), nullptr);
    EXPECT_FALSE(option.prose.empty());
    EXPECT_TRUE(option.prose.ends_with('.')) << option.key();
    if (option.type != OptionType::integer) continue;
    EXPECT_LT(option.min, option.max) << option.key();
    for (const auto& [suffix, unit] : units) {
      EXPECT_EQ(option.name.ends_with(suffix), option.unit == unit) << option.key();
    }
    const bool seconds = option.name.ends_with("_s") && !option.name.ends_with("_per_s");
    EXPECT_EQ(seconds, option.unit == "s") << option.key();
  }
}

TEST(ConfigTable, find_gives_the_option_or_nothing) {
  ASSERT_NE(find_option("net", "listen"), nullptr);
  EXPECT_EQ(find_option("net", "listen")->variable(), "GODWIT_NET_LISTEN");
  EXPECT_EQ(find_option("net", "lis"), nullptr);
  EXPECT_EQ(find_option("", ""), nullptr);
}

TEST(ConfigTable, each_enumeration_word_is_set_and_read_back) {
  for (const Option& option : options()) {
    for (const std::string_view word : option.words) {
      Config config;
      option.set(config, std::string(word));
      EXPECT_EQ(option.get(config), Value(std::string(word))) << option.key();
    }
  }
}

}  // namespace
}  // namespace godwit::config

#include "config/generate.h"

#include <nlohmann/json.hpp>

#include "config/option.h"

namespace godwit::config {
namespace {

constexpr std::size_t kLineWidth = 110;

// "// " lines of at most kLineWidth, broken between words.
std::string comment(std::string_view prose, const std::string& indent) {
  std::string text;
  std::string line;
  const auto end_line = [&] {
    text += indent + "//" + line + "\n";
    line.clear();
  };
  while (!prose.empty()) {
    const std::string_view word = prose.substr(0, prose.find(' '));
    if (!line.empty() && indent.size() + 3 + line.size() + word.size() > kLineWidth) end_line();
    line.append(1, ' ').append(word);
    prose.remove_prefix(std::min(word.size() + 1, prose.size()));
  }
  end_line();
  return text;
}

std::string join(std::span<const std::string_view> words) {
  std::string all;
  for (const std::string_view word : words) all += (all.empty() ? "" : ", ") + std::string(word);
  return all;
}

// What values the option takes, in words.
std::string range(const Option& option) {
  switch (option.type) {
    case OptionType::boolean:
      return "true, false";
    case OptionType::integer:
      return std::to_string(option.min) + " to " + std::to_string(option.max) +
             (option.unit.empty() ? "" : " " + std::string(option.unit));
    case OptionType::enumeration:
      return join(option.words);
    case OptionType::string:
    case OptionType::string_list:
      break;
  }
  std::string form;
  switch (option.format) {
    case StringFormat::text:
      form = "text";
      break;
    case StringFormat::path:
      form = "path";
      break;
    case StringFormat::url:
      form = "URL";
      break;
    case StringFormat::endpoint:
      form = "address:port";
      break;
    case StringFormat::cidr:
      form = "network";
      break;
    case StringFormat::ice:
      form = "STUN or TURN URL";
      break;
  }
  if (option.type == OptionType::string) return form;
  return "list of " + form + ", at most " + std::to_string(option.max);
}

bool may_be_empty(const Option& option) {
  const Value initial = option.initial();
  if (const auto* text = std::get_if<std::string>(&initial)) return text->empty();
  if (const auto* items = std::get_if<std::vector<std::string>>(&initial)) return items->empty();
  return false;
}

nlohmann::ordered_json schema_of(const Option& option) {
  nlohmann::ordered_json schema;
  schema["description"] = option.prose;
  switch (option.type) {
    case OptionType::boolean:
      schema["type"] = "boolean";
      break;
    case OptionType::integer:
      schema["type"] = "integer";
      schema["minimum"] = option.min;
      schema["maximum"] = option.max;
      break;
    case OptionType::string:
      schema["type"] = "string";
      schema["maxLength"] = kMaxStringBytes;
      if (!may_be_empty(option)) schema["minLength"] = 1;
      if (option.secrecy == Secrecy::secret) schema["writeOnly"] = true;
      break;
    case OptionType::enumeration:
      schema["enum"] = std::vector<std::string>(option.words.begin(), option.words.end());
      break;
    case OptionType::string_list:
      schema["type"] = "array";
      schema["items"] = {{"type", "string"}, {"minLength", 1}, {"maxLength", kMaxStringBytes}};
      schema["maxItems"] = option.max;
      if (!may_be_empty(option)) schema["minItems"] = 1;
      schema["uniqueItems"] = true;
      break;
  }
  std::visit([&](const auto& initial) { schema["default"] = initial; }, option.initial());
  return schema;
}

// A cell of a Markdown table.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string reference_row(const Option& option) {
  std::string row = "| `" + std::string(option.name) + "` | `" + cell(to_literal(option.initial())) + "` | " +
                    cell(range(option)) + " | " + (option.reload == Reload::live ? "yes" : "no") + " | " +
                    cell(option.prose);
  if (option.secrecy == Secrecy::secret) row += " Secret: never printed.";
  return row + " |\n";
}

constexpr std::string_view kReferenceHead = R"(# Configuration

Generated from `src/config/options.def` by `godwit_config_gen`; a test compares the two.

The server reads one JSON file with `//` and `/* */` comments, of at most 1 MiB. Every option has a default,
so the file holds only what differs; [`config/godwit.json`](../config/godwit.json) shows them all, and
[`config/godwit.schema.json`](../config/godwit.schema.json) is the JSON Schema by which an editor completes
and checks.

What stands later wins:

1. the defaults below;
2. the file;
3. the environment: `net.max_connections` is `GODWIT_NET_MAX_CONNECTIONS`;
4. the command line: `--set net.max_connections=5000`.

In the environment and on the command line a list is comma-separated or a JSON array, and a string stands as
it is. Other users of the machine can read a command line: secrets belong in the file or in the environment.

An unknown option, a value out of bounds, a key that stands there twice or a combination that makes no sense
keeps the server from starting; all faults are listed at once. `--check-config` lists them and stops. A
string or list whose default is not empty may not be empty. Strings are at most 4096 bytes.

SIGHUP reads everything again. It applies all changes or none: a fault, or a change of an option with "no"
under *reload*, refuses the whole and is logged. Certificate and key are read again even if nothing changed.
)";

}  // namespace

std::string render_example() {
  std::string text = comment(
      "Every option of Godwit with its default: generated by godwit_config_gen from "
      "src/config/options.def. Only what differs needs to stand in a file of your own. "
      "[live]: SIGHUP applies a change; the others need a restart. docs/config.md has more.",
      "");
  text += "{\n  \"$schema\": \"godwit.schema.json\"";
  for (const Section& section : sections()) {
    text += ",\n\n" + comment(section.prose, "  ") + "  \"" + std::string(section.name) + "\": {";
    bool first = true;
    for (const Option& option : options()) {
      if (option.section != section.name) continue;
      const std::string live = option.reload == Reload::live ? " [live]" : "";
      text += std::string(first ? "\n" : ",\n") + comment(option.prose, "    ") +
              comment("Values: " + range(option) + "." + live, "    ") + "    \"" + std::string(option.name) +
              "\": " + to_literal(option.initial());
      first = false;
    }
    text += "\n  }";
  }
  return text + "\n}\n";
}

std::string render_schema() {
  nlohmann::ordered_json schema;
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = "Godwit configuration";
  schema["$comment"] = "Generated by godwit_config_gen from src/config/options.def.";
  schema["type"] = "object";
  schema["additionalProperties"] = false;
  schema["properties"]["$schema"] = {{"type", "string"}};
  for (const Section& section : sections()) {
    nlohmann::ordered_json object;
    object["description"] = section.prose;
    object["type"] = "object";
    object["additionalProperties"] = false;
    for (const Option& option : options()) {
      if (option.section == section.name) object["properties"][std::string(option.name)] = schema_of(option);
    }
    schema["properties"][std::string(section.name)] = std::move(object);
  }
  return schema.dump(2) + "\n";
}

std::string render_reference() {
  std::string text(kReferenceHead);
  for (const Section& section : sections()) {
    text += "\n## " + std::string(section.name) + "\n\n" + std::string(section.prose) +
            "\n\n| option | default | values | reload | meaning |\n|---|---|---|---|---|\n";
    for (const Option& option : options()) {
      if (option.section == section.name) text += reference_row(option);
    }
  }
  return text;
}

std::span<const GeneratedFile> generated_files() {
  static constexpr GeneratedFile kFiles[] = {{"config/godwit.json", render_example},
                                             {"config/godwit.schema.json", render_schema},
                                             {"docs/config.md", render_reference}};
  return kFiles;
}

}  // namespace godwit::config

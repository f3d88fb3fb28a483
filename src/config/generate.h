// What is generated from the table of options: an example, a schema and a reference.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace godwit::config {

// config/godwit.json: every option with its default, and its prose as a comment.
std::string render_example();
// config/godwit.schema.json: JSON Schema 2020-12 of a configuration file.
std::string render_schema();
// docs/config.md: tables of all options.
std::string render_reference();

struct GeneratedFile {
  std::string_view path;  // from the root of the sources
  std::string (*render)();
};
std::span<const GeneratedFile> generated_files();

}  // namespace godwit::config

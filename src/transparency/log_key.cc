#include "transparency/log_key.h"

#include <sodium.h>

#include <stdexcept>
#include <string_view>

#include "base/log.h"
#include "base/random.h"
#include "base/secret_file.h"
#include "transparency/big_endian.h"

namespace godwit {
namespace {

using namespace std::string_view_literals;
constexpr auto kFileLabel = "godwit-log-key-1 "sv;
constexpr auto kHeadLabel = "godwit/v1/tree-head\0"sv;

void wipe(std::string& secret) {
  sodium_memzero(secret.data(), secret.size());
}

Ed25519Key make_log_key(const std::string& path) {
  Ed25519Key key = Ed25519Key::generate();
  std::string seed = key.seed();
  std::string digits = hex(seed);
  std::string text = std::string(kFileLabel) + digits + "\n";
  const Status status = write_secret_file(path, text);
  wipe(seed);
  wipe(digits);
  wipe(text);
  if (!status) throw std::runtime_error(status.error().detail);
  return key;
}

}  // namespace

Ed25519Key load_log_key(const std::string& path, std::uint64_t entries) {
  init_crypto();
  auto file = read_secret_file(path);
  if (!file) throw std::runtime_error(file.error().detail);
  if (!file->exists) {
    if (entries != 0) log_warning("key_log_key_was_lost", {{"path", path}, {"entries", entries}});
    return make_log_key(path);
  }
  if (file->was_open_to_others) log_warning("key_log_key_file_was_readable_by_others", {{"path", path}});
  std::string_view text = file->content;
  if (text.ends_with('\n')) text.remove_suffix(1);
  auto seed = text.starts_with(kFileLabel) ? from_hex(text.substr(kFileLabel.size())) : std::nullopt;
  wipe(file->content);
  if (!seed || seed->size() != kEd25519SeedBytes) throw std::runtime_error(path + ": it is no key of the key log");
  Ed25519Key key = Ed25519Key::from_seed(*seed);
  wipe(*seed);
  return key;
}

std::string head_bytes(std::uint64_t size, std::string_view root, std::int64_t time_ms) {
  std::string bytes(kHeadLabel);
  append_big_endian(bytes, size);
  bytes += root;
  append_big_endian(bytes, static_cast<std::uint64_t>(time_ms));
  return bytes;
}

}  // namespace godwit

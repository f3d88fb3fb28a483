#include "storage/encoded_field.h"

namespace godwit {
namespace {

bool read_varint(std::string_view& in, std::uint64_t& value) {
  value = 0;
  for (int shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool skip(std::string_view& in, std::uint64_t bytes) {
  if (bytes > in.size()) return false;
  in.remove_prefix(bytes);
  return true;
}

}  // namespace

std::uint64_t encoded_varint_field(std::string_view in, int field) {
  const std::uint64_t wanted = static_cast<std::uint64_t>(field) << 3;
  while (!in.empty()) {
    std::uint64_t tag = 0;
    std::uint64_t value = 0;
    if (!read_varint(in, tag)) return 0;
    bool ok = false;
    switch (tag & 7) {
      case 0:
        ok = read_varint(in, value);
        if (ok && tag == wanted) return value;
        break;
      case 1:
        ok = skip(in, 8);
        break;
      case 2:
        ok = read_varint(in, value) && skip(in, value);
        break;
      case 5:
        ok = skip(in, 4);
        break;
      default:
        break;
    }
    if (!ok) return 0;
  }
  return 0;
}

}  // namespace godwit

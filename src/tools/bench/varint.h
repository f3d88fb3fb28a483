// Protobuf primitives (https://protobuf.dev/programming-guides/encoding) for the frames coded by hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace godwit::bench {

inline std::size_t varint_size(std::uint64_t value) {
  std::size_t size = 1;
  while (value >= 0x80) {
    value >>= 7;
    ++size;
  }
  return size;
}

inline char* put_varint(char* at, std::uint64_t value) {
  while (value >= 0x80) {
    *at++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *at++ = static_cast<char>(value);
  return at;
}

// Little endian, as the wire has it; this tool runs on little-endian machines, as the server does.
inline char* put_fixed64(char* at, std::uint64_t value) {
  std::memcpy(at, &value, sizeof value);
  return at + sizeof value;
}

inline std::int64_t zigzag_decode(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

// Walks over the fields of one message. After a failure `good()` is false and `next()` ends the walk.
class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  // Reads the next tag and its value, whatever its wire type; false at the end or when malformed.
  bool next() {
    if (at_ == end_) return false;
    const std::uint64_t tag = varint();
    field_ = static_cast<std::uint32_t>(tag >> 3);
    switch (tag & 7) {
      case 0:
        number_ = varint();
        break;
      case 1:
        number_ = fixed(8);
        break;
      case 2:
        take_bytes(varint());
        break;
      case 5:
        number_ = fixed(4);
        break;
      default:
        good_ = false;
    }
    return good_;
  }
  bool good() const { return good_; }
  std::uint32_t field() const { return field_; }
  // Value of a varint or fixed field.
  std::uint64_t number() const { return number_; }
  // Value of a length-delimited field.
  std::string_view bytes() const { return bytes_; }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64 && at_ != end_; shift += 7) {
      const auto byte = static_cast<std::uint8_t>(*at_++);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    good_ = false;
    return 0;
  }
  std::uint64_t fixed(std::size_t size) {
    std::uint64_t value = 0;
    if (static_cast<std::size_t>(end_ - at_) < size) {
      good_ = false;
      return 0;
    }
    std::memcpy(&value, at_, size);
    at_ += size;
    return value;
  }
  void take_bytes(std::uint64_t size) {
    if (!good_ || static_cast<std::uint64_t>(end_ - at_) < size) {
      good_ = false;
      return;
    }
    bytes_ = {at_, static_cast<std::size_t>(size)};
    at_ += size;
  }

  const char* at_;
  const char* end_;
  bool good_ = true;
  std::uint32_t field_ = 0;
  std::uint64_t number_ = 0;
  std::string_view bytes_;
};

}  // namespace godwit::bench

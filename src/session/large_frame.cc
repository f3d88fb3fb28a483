#include "session/large_frame.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <charconv>

#include "godwit.pb.h"

namespace godwit {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::io::CodedInputStream;
using Wire = google::protobuf::internal::WireFormatLite;

constexpr std::size_t kIdWithinBytes = 256;

// Counts the fields of a message and of those in it. False when it is malformed.
bool count_parts(std::string_view bytes, const Descriptor& type, FrameOutline& out, bool top) {
  CodedInputStream in(reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
  while (const std::uint32_t tag = in.ReadTag()) {
    if (++out.parts > kMaxFrameParts) return true;
    const int number = Wire::GetTagFieldNumber(tag);
    std::uint64_t value = 0;
    std::uint32_t length = 0;
    switch (Wire::GetTagWireType(tag)) {
      case Wire::WIRETYPE_VARINT:
        if (!in.ReadVarint64(&value)) return false;
        if (top && number == v1::ClientFrame::kRequestIdFieldNumber) out.request_id = value;
        break;
      case Wire::WIRETYPE_FIXED64:
        if (!in.Skip(8)) return false;
        break;
      case Wire::WIRETYPE_FIXED32:
        if (!in.Skip(4)) return false;
        break;
      case Wire::WIRETYPE_LENGTH_DELIMITED: {
        if (!in.ReadVarint32(&length)) return false;
        const auto begin = static_cast<std::size_t>(in.CurrentPosition());
        if (length > bytes.size() - begin) return false;
        const FieldDescriptor* field = type.FindFieldByNumber(number);
        if (top && field != nullptr) out.body = number;
        if (field != nullptr && field->message_type() != nullptr &&
            !count_parts(bytes.substr(begin, length), *field->message_type(), out, false)) {
          return false;
        }
        if (!in.Skip(static_cast<int>(length))) return false;
        break;
      }
      default:
        return false;  // groups, which no message of ours has
    }
  }
  return in.ConsumedEntireMessage();
}

}  // namespace

std::optional<FrameOutline> outline_of(std::string_view frame) {
  FrameOutline out;
  if (!count_parts(frame, *v1::ClientFrame::descriptor(), out, true)) return std::nullopt;
  return out;
}

// All parts but the first of each are behind a comma.
FrameOutline outline_of_json(std::string_view text) {
  FrameOutline out;
  out.parts = static_cast<std::size_t>(std::count(text.begin(), text.end(), ','));
  const std::string_view head = text.substr(0, kIdWithinBytes);
  for (const std::string_view name : {"\"requestId\"", "\"request_id\""}) {
    const std::size_t found = head.find(name);
    if (found == std::string_view::npos) continue;
    const std::size_t digits = head.find_first_not_of(": \"\t\r\n", found + name.size());
    if (digits == std::string_view::npos) continue;
    std::from_chars(head.data() + digits, head.data() + head.size(), out.request_id);
  }
  return out;
}

}  // namespace godwit

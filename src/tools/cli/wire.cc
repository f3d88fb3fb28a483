#include "tools/cli/wire.h"

#include <google/protobuf/util/json_util.h>

#include "godwit.pb.h"

namespace godwit::cli {
namespace {

namespace util = google::protobuf::util;

}  // namespace

std::string message_to_json(const google::protobuf::Message& message) {
  std::string text;
  if (!util::MessageToJsonString(message, &text).ok()) text.clear();
  return text;
}

std::string encode_frame(const v1::ClientFrame& frame, bool json) {
  return json ? message_to_json(frame) : frame.SerializeAsString();
}

std::optional<v1::ServerFrame> decode_frame(std::string_view bytes, bool json) {
  v1::ServerFrame frame;
  if (!json) {
    if (!frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return std::nullopt;
    return frame;
  }
  util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  if (!util::JsonStringToMessage(std::string(bytes), &frame, options).ok()) return std::nullopt;
  return frame;
}

std::string frame_to_json(const v1::ServerFrame& frame) {
  return message_to_json(frame);
}

std::optional<v1::ClientFrame> frame_from_json(std::string_view line, std::string& why) {
  v1::ClientFrame frame;
  const auto status = util::JsonStringToMessage(std::string(line), &frame);
  if (status.ok()) return frame;
  why = std::string(status.message());
  return std::nullopt;
}

}  // namespace godwit::cli

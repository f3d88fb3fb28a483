// Frames as bytes on the wire: Protobuf, or its canonical JSON mapping.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace google::protobuf {
class Message;
}

namespace godwit::v1 {
class ClientFrame;
class ServerFrame;
}  // namespace godwit::v1

namespace godwit::cli {

std::string encode_frame(const v1::ClientFrame& frame, bool json);
// Nothing when the bytes are no frame. Unknown fields are ignored: the server may be newer.
std::optional<v1::ServerFrame> decode_frame(std::string_view bytes, bool json);

// One line of JSON, in the canonical mapping.
std::string message_to_json(const google::protobuf::Message& message);
std::string frame_to_json(const v1::ServerFrame& frame);
// Nothing when the line is no frame; then `why` says what is wrong.
std::optional<v1::ClientFrame> frame_from_json(std::string_view line, std::string& why);

}  // namespace godwit::cli

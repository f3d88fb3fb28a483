// Frames and envelopes from strangers and from the store.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "godwit.pb.h"
#include "protocol/codec.h"
#include "protocol/handle.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto view = godwit::parse_envelope(bytes)) {
    // What was read and is written again is read the same.
    std::string again = godwit::encode_envelope(view->id, view->from, view->from_device, view->chat_seq,
                                                view->time_delta_ms, view->payload);
    const auto second = godwit::parse_envelope(again);
    if (!second || second->payload != view->payload || second->chat_seq != view->chat_seq) std::abort();
  }
  godwit::v1::ClientFrame frame;
  if (godwit::parse_json(bytes, frame)) (void)godwit::to_json(frame);
  if (frame.ParseFromArray(data, static_cast<int>(size))) (void)frame.ByteSizeLong();
  if (const auto handle = godwit::canonical_handle(bytes)) {
    if (godwit::canonical_handle(*handle) != handle) std::abort();
  }
  return 0;
}

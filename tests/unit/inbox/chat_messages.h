// Records of messages, as the chat module makes them.
#pragma once

#include <memory>
#include <string>

#include "base/random.h"
#include "protocol/codec.h"
#include "storage/record.h"

namespace godwit::test {

// Any 16 bytes do for an inbox: it never derives them.
inline ChatId chat_of(UserId a, UserId b) {
  ChatId id;
  id.bytes[0] = static_cast<std::uint8_t>(a.value);
  id.bytes[1] = static_cast<std::uint8_t>(b.value);
  return id;
}

inline RecordPtr message_record(std::uint64_t lsn, UserId from, UserId to, std::uint64_t chat_seq,
                                const std::string& payload) {
  auto record = std::make_shared<Record>();
  record->lsn = Lsn(lsn);
  record->body.set_time_ms(1'700'000'000'000 + static_cast<std::int64_t>(lsn));
  auto& message = *record->body.mutable_message();
  message.set_chat(chat_of(std::min(from, to), std::max(from, to)).str());
  message.set_chat_seq(chat_seq);
  message.set_low_member(std::min(from, to).value);
  message.set_high_member(std::max(from, to).value);
  message.set_from_high(from > to);
  message.add_recipients(to.value);
  message.set_envelope(
      encode_envelope(make_message_id(1'700'000'000'000), from, DeviceId(1), ChatSeq(chat_seq), 0, payload));
  return record;
}

}  // namespace godwit::test

#include "tools/cli/call_text.h"

namespace godwit::cli {
namespace {

struct EndWords {
  v1::CallEndReason reason;
  std::string_view name;
  std::string_view text;
};

constexpr EndWords kEnds[] = {
    {v1::CALL_GOES_ON, "goes_on", "it goes on"},
    {v1::HUNG_UP, "hung_up", "hung up"},
    {v1::REJECTED, "rejected", "rejected"},
    {v1::BUSY, "busy", "busy"},
    {v1::CANCELLED, "cancelled", "given up before it was answered"},
    {v1::NOT_ANSWERED, "not_answered", "not answered"},
    {v1::ELSEWHERE, "elsewhere", "answered or rejected on another device"},
    {v1::FAILED, "failed", "failed"},
    {v1::LOST, "lost", "a side lost its connection"},
    {v1::TOO_LONG, "too_long", "it has reached the longest time"},
};

const EndWords* words_of(v1::CallEndReason reason) {
  for (const EndWords& words : kEnds) {
    if (words.reason == reason) return &words;
  }
  return nullptr;
}

std::string two_digits(std::uint32_t number) {
  return (number < 10 ? "0" : "") + std::to_string(number);
}

}  // namespace

std::string_view call_kind_name(v1::CallKind kind) {
  return kind == v1::VIDEO ? "video" : "audio";
}

std::string_view call_phase_name(v1::CallPhase phase) {
  switch (phase) {
    case v1::CALLING:
      return "calling";
    case v1::RINGING:
      return "ringing";
    case v1::ACTIVE:
      return "active";
    default:
      return "ended";
  }
}

std::string_view call_end_name(v1::CallEndReason reason) {
  const EndWords* words = words_of(reason);
  return words == nullptr ? "other" : words->name;
}

std::string_view call_end_text(v1::CallEndReason reason) {
  const EndWords* words = words_of(reason);
  return words == nullptr ? "for a reason that this program does not know" : words->text;
}

std::string_view signal_name(v1::CallSignalKind kind) {
  switch (kind) {
    case v1::CANDIDATES:
      return "candidates";
    case v1::NEW_OFFER:
      return "new_offer";
    case v1::NEW_ANSWER:
      return "new_answer";
    default:
      return "info";
  }
}

std::string call_time(std::uint32_t seconds) {
  const std::uint32_t minutes = seconds / 60;
  const std::string rest = ":" + two_digits(seconds % 60);
  if (minutes < 60) return std::to_string(minutes) + rest;
  return std::to_string(minutes / 60) + ":" + two_digits(minutes % 60) + rest;
}

std::string call_record_text(const v1::CallRecord& record) {
  const std::string call = record.kind() == v1::VIDEO ? "a video call" : "a call";
  if (record.reason() == v1::CALL_GOES_ON) return "began " + call;
  if (record.participants() != 0) {
    return "began " + call + ", which " + std::to_string(record.participants()) + " were in for " +
           call_time(record.duration_s());
  }
  const std::string end(call_end_text(record.reason()));
  if (record.reason() == v1::HUNG_UP) return "made " + call + " of " + call_time(record.duration_s());
  if (record.duration_s() != 0) {
    return "made " + call + " of " + call_time(record.duration_s()) + ": " + end;
  }
  return "made " + call + ": " + end;
}

}  // namespace godwit::cli

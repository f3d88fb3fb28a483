// The reasons for which a connection ends: they reach the metric, the log and the close frame alike.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace godwit {

enum class CloseReason : std::uint8_t {
#define GODWIT_CLOSE(name, code, advice, text) name,
#include "godwit/close_reasons.def"
#undef GODWIT_CLOSE
};

enum class CloseAdvice : std::uint8_t { now, later, never };

struct CloseInfo {
  CloseReason reason;
  std::string_view name;
  std::uint16_t code;
  CloseAdvice advice;
  std::string_view text;
};

std::span<const CloseInfo> close_table();
const CloseInfo& close_info(CloseReason reason);

}  // namespace godwit

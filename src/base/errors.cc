#include <array>

#include "godwit/close_reason.h"
#include "godwit/result.h"

namespace godwit {
namespace {

constexpr std::array kCloseTable = {
#define GODWIT_CLOSE(name, code, advice, text) \
  CloseInfo{CloseReason::name, #name, code, CloseAdvice::advice, text},
#include "godwit/close_reasons.def"
#undef GODWIT_CLOSE
};

constexpr std::array kTable = {
#define GODWIT_ERROR(name, code, http, retryable, text) ErrorInfo{Errc::name, #name, http, retryable, text},
#include "godwit/errors.def"
#undef GODWIT_ERROR
};

}  // namespace

std::span<const ErrorInfo> error_table() {
  return kTable;
}

const ErrorInfo& error_info(Errc code) {
  const auto index = static_cast<std::size_t>(code);
  return index >= 1 && index <= kTable.size() ? kTable[index - 1] : kTable[0];
}

std::span<const CloseInfo> close_table() {
  return kCloseTable;
}

const CloseInfo& close_info(CloseReason reason) {
  return kCloseTable[static_cast<std::size_t>(reason)];
}

}  // namespace godwit

// Result<T> over one Errc: the error type of the data path. Exceptions are for start-up only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "godwit/ids.h"

namespace godwit {

// Value equals the wire code (godwit.v1.ErrorCode). 0 is no error.
enum class Errc : std::uint16_t {
  ok = 0,
#define GODWIT_ERROR(name, code, http, retryable, text) name = code,
#include "godwit/errors.def"
#undef GODWIT_ERROR
};

struct ErrorInfo {
  Errc code;
  std::string_view name;
  int http_status;
  bool retryable;
  std::string_view text;
};

// Every error there is, in order of wire code.
std::span<const ErrorInfo> error_table();
// The row of `code`; `Errc::ok` and unknown values give the row of `internal`.
const ErrorInfo& error_info(Errc code);

// What stale_epoch and device_list_stale tell besides.
struct ErrorDetails {
  std::optional<std::uint64_t> epoch;  // the group's present one
  std::vector<std::pair<UserId, DeviceId>> missing;
  std::vector<std::pair<UserId, DeviceId>> extra;
};

// Why something was refused. `detail` is for people and never holds secrets or payloads.
struct Error {
  Errc code = Errc::internal;
  std::string detail;
  std::uint32_t retry_after_ms = 0;
  // What few errors tell besides; null mostly.
  std::shared_ptr<const ErrorDetails> more;

  Error(Errc c, std::string d = {}, std::uint32_t retry_ms = 0)
      : code(c), detail(std::move(d)), retry_after_ms(retry_ms) {}
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}
  Result(Errc code) : state_(std::in_place_index<1>, Error(code)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  const Error& error() const { return std::get<1>(state_); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  T& operator*() { return std::get<0>(state_); }
  const T& operator*() const { return std::get<0>(state_); }

 private:
  std::variant<T, Error> state_;
};

struct Unit {};
using Status = Result<Unit>;

}  // namespace godwit

#include "tools/cli/failure.h"

#include "godwit.pb.h"
#include "godwit/result.h"

namespace godwit::cli {

Failure failure_of(const v1::Error& error) {
  const auto number = static_cast<int>(error.code());
  Failure failure{ExitCode::server, "error_" + std::to_string(number), error.message(), error.retryable(),
                  error.retry_after_ms()};
  for (const ErrorInfo& row : error_table()) {
    if (static_cast<int>(row.code) != number) continue;
    failure.name = row.name;
    if (failure.text.empty()) failure.text = row.text;
  }
  return failure;
}

}  // namespace godwit::cli

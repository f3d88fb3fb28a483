// export.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <system_error>

#include "godwit.pb.h"
#include "tools/cli/command_session.h"
#include "tools/cli/commands.h"
#include "tools/cli/private_file.h"

namespace godwit::cli {

ExitCode run_export(Context& context, const std::string& file) {
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  // A name of its own until it is whole.
  const std::filesystem::path part = file + ".part";
  const Fd out(::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (out.get() < 0) throw std::system_error(errno, std::generic_category(), part.string());
  v1::ClientFrame frame;
  frame.mutable_export_account();
  std::uint64_t bytes = 0;
  std::uint64_t parts = 0;
  for (;;) {
    const v1::ServerFrame reply = session.call(frame, v1::ServerFrame::kExportPart, Retry::yes);
    write_all(out.get(), reply.export_part().lines());
    bytes += reply.export_part().lines().size();
    ++parts;
    if (reply.export_part().next().empty()) break;
    if (reply.export_part().next() == frame.export_account().cursor()) {
      throw CommandError(ExitCode::server, "unexpected_reply", "the archive does not go on");
    }
    frame.mutable_export_account()->set_cursor(reply.export_part().next());
  }
  if (::fsync(out.get()) != 0) throw std::system_error(errno, std::generic_category(), part.string());
  std::filesystem::rename(part, file);
  session.close();
  context.out.result("exported " + std::to_string(bytes) + " bytes to " + file,
                     {{"type", "exported"}, {"file", file}, {"bytes", bytes}, {"parts", parts}});
  return ExitCode::ok;
}

}  // namespace godwit::cli

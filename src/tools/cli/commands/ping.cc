// ping.
#include <chrono>
#include <nlohmann/json.hpp>

#include "godwit.pb.h"
#include "tools/cli/command_session.h"
#include "tools/cli/commands.h"

namespace godwit::cli {

ExitCode run_ping(Context& context) {
  using Clock = std::chrono::steady_clock;
  const auto profile = open_profile(context);
  CommandSession session(context, *profile, Login::none);
  const auto begin = Clock::now();
  session.connect();
  const auto connected = Clock::now();
  v1::ClientFrame frame;
  frame.mutable_ping();
  const auto reply = session.call(frame, v1::ServerFrame::kPong, Retry::no);
  const auto answered = Clock::now();
  session.close();
  const auto micros = [](Clock::duration d) {
    return std::chrono::duration_cast<std::chrono::microseconds>(d).count();
  };
  context.out.result("connected in " + std::to_string(micros(connected - begin)) + " us, answered in " +
                         std::to_string(micros(answered - connected)) + " us",
                     {{"type", "pong"},
                      {"connect_us", micros(connected - begin)},
                      {"round_trip_us", micros(answered - connected)},
                      {"server_time_ms", reply.pong().server_time_ms()}});
  return ExitCode::ok;
}

}  // namespace godwit::cli

// raw: frames as lines of JSON, in from stdin and out to stdout. Nothing is stored, acknowledged or sent
// again: what the server does is seen as it is.
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <set>

#include "godwit.pb.h"
#include "godwit/clock.h"
#include "tools/cli/command_session.h"
#include "tools/cli/commands.h"
#include "tools/cli/handshake.h"
#include "tools/cli/line_reader.h"
#include "tools/cli/reconnect_policy.h"
#include "tools/cli/sanitize.h"
#include "tools/cli/wire.h"

namespace godwit::cli {
namespace {

// Out of the way of the ids that people type.
constexpr std::uint64_t kRefreshId = (1ULL << 32) + 1;
constexpr std::uint64_t kHelloId = (1ULL << 32) + 2;

class RawConnection {
 public:
  RawConnection(Context& context, Profile& profile, bool hello)
      : context_(context), profile_(profile), hello_(hello) {}
  ~RawConnection() {
    if (transport_) transport_->abandon();
  }

  ExitCode run(int linger_s);

 private:
  void on_message(std::string_view bytes);
  void greet();
  void send(const v1::ClientFrame& frame);
  void take_line(const std::string& line);
  ExitCode finish();

  Context& context_;
  Profile& profile_;
  const bool hello_;
  std::shared_ptr<Transport> transport_;
  std::string nonce_;
  std::set<std::uint64_t> open_;  // requests without an answer
  bool ready_ = false;            // lines may go out
  bool closing_ = false;          // by us
  std::optional<TransportEnd> end_;
};

void RawConnection::send(const v1::ClientFrame& frame) {
  if (frame.request_id() != 0) open_.insert(frame.request_id());
  transport_->send(encode_frame(frame, context_.options.json_wire));
}

void RawConnection::greet() {
  v1::ClientFrame frame =
      make_hello(*profile_.account, nonce_, std::nullopt, 0, "godwit-cli raw", v1::PRESENCE_HIDDEN);
  frame.set_request_id(kHelloId);
  send(frame);
}

void RawConnection::on_message(std::string_view bytes) {
  const auto frame = decode_frame(bytes, context_.options.json_wire);
  if (!frame) return context_.out.note("the server sent something that is not a frame");
  context_.out.line(sanitize(frame_to_json(*frame)));
  open_.erase(frame->request_id());
  if (frame->has_challenge()) {
    nonce_ = frame->challenge().nonce();
    if (!hello_) {
      ready_ = true;
    } else if (token_outdated(*profile_.account, frame->challenge().server_time_ms())) {
      v1::ClientFrame refresh = make_refresh(*profile_.account, nonce_);
      refresh.set_request_id(kRefreshId);
      send(refresh);
    } else {
      greet();
    }
  } else if (frame->request_id() == kRefreshId && frame->has_token()) {
    profile_.account->token = frame->token().token();
    profile_.account->token_expires_ms = frame->token().expires_ms();
    profile_.save_account();
    greet();
  } else if (frame->request_id() == kRefreshId || frame->request_id() == kHelloId) {
    // Whatever the answer is: it was shown, and what the server makes of the lines is of interest.
    ready_ = true;
  }
}

void RawConnection::take_line(const std::string& line) {
  if (line.find_first_not_of(" \t\r") == std::string::npos) return;
  std::string why;
  const auto frame = frame_from_json(line, why);
  if (!frame) throw CommandError(ExitCode::usage, "usage", "not a ClientFrame: " + why);
  send(*frame);
}

// Says how it ended. A close that we asked for is success.
ExitCode RawConnection::finish() {
  const std::string name = close_name(end_->code);
  context_.out.line(nlohmann::ordered_json({{"closed", {{"code", end_->code}, {"name", name}}}}).dump());
  if (closing_) return ExitCode::ok;
  context_.out.note(end_->reason.empty() ? name : end_->reason);
  return close_advice(end_->code) == CloseAdvice::never ? ExitCode::server : ExitCode::connection;
}

ExitCode RawConnection::run(int linger_s) {
  TransportHandlers handlers;
  handlers.received = [this](std::string_view bytes) { on_message(bytes); };
  handlers.ended = [this](const TransportEnd& end) { end_ = end; };
  transport_ = open_transport(context_.loop, transport_options(context_, profile_), std::move(handlers));
  const Deadline deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(context_.options.connect_timeout_s);
  if (!context_.loop.run_until([this] { return ready_ || end_; }, deadline)) {
    throw CommandError(ExitCode::connection, "connection", "no answer from the server");
  }
  LineReader lines(context_.loop, STDIN_FILENO);
  while (!end_ && !lines.at_end()) {
    while (!end_ && lines.has_line()) take_line(lines.take());
    if (!context_.loop.run_until([&] { return end_ || lines.has_line() || lines.at_end(); }, kNoDeadline))
      break;
  }
  // The answers, and for a moment what the server pushes on account of them.
  const Deadline until = std::chrono::steady_clock::now() + std::chrono::seconds(linger_s);
  context_.loop.run_until([this] { return end_.has_value(); }, until);
  if (!end_) {
    closing_ = true;
    transport_->close(1000);
    context_.loop.run_until([this] { return end_.has_value(); },
                            std::chrono::steady_clock::now() + std::chrono::seconds(2));
  }
  return end_ ? finish() : ExitCode::ok;
}

}  // namespace

ExitCode run_raw(Context& context, const RawOptions& options) {
  const auto profile = options.hello ? open_account(context) : open_profile(context);
  return RawConnection(context, *profile, options.hello).run(options.linger_s);
}

}  // namespace godwit::cli

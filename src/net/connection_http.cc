// HTTP on a connection: requests to routes, responses, and the upgrade to WebSocket.
#include <atomic>
#include <exception>
#include <utility>

#include "base/log.h"
#include "net/connection.h"
#include "net/connection_state.h"
#include "net/server_context.h"
#include "net/shard.h"
#include "net/upgrade.h"

namespace godwit::net {

// What a reply function holds. The one answer is whichever comes first: a call, or the end of the last copy.
struct HttpReplyState {
  HttpReplyState(Worker& w, std::shared_ptr<HttpAnchor> a) : worker(w), anchor(std::move(a)) {}
  ~HttpReplyState() {
    if (!answered.load()) send(http_error(500));
  }
  HttpReplyState(const HttpReplyState&) = delete;
  HttpReplyState& operator=(const HttpReplyState&) = delete;

  void send(HttpResponse response) {
    if (answered.exchange(true)) return;
    if (worker.is_current() && anchor->connection != nullptr && anchor->connection->taking_input_) {
      anchor->connection->respond(response);  // from within the handler
      return;
    }
    worker.post([anchor = anchor, response = std::move(response)] {
      if (anchor->connection != nullptr) anchor->connection->respond(response);
    });
  }

  Worker& worker;
  const std::shared_ptr<HttpAnchor> anchor;
  std::atomic<bool> answered{false};
};

namespace {

std::string_view last_element(std::string_view list) {
  const auto comma = list.rfind(',');
  if (comma != std::string_view::npos) list.remove_prefix(comma + 1);
  while (list.starts_with(' ')) list.remove_prefix(1);
  return list;
}

}  // namespace

void Connection::begin_http() {
  const Options& options = context().options;
  state_ = State::http;
  http_->parser = std::make_unique<HttpParser>(options.max_header_bytes, options.max_body_bytes);
}

std::size_t Connection::take_http(std::string_view bytes) {
  std::size_t taken = 0;
  while (state_ == State::http && !http_->awaiting && taken < bytes.size() && !over_budget()) {
    const HttpParser::Outcome outcome = http_->parser->feed(bytes.substr(taken));
    taken += outcome.consumed;
    if (outcome.status == HttpParser::Outcome::Status::failed) {
      refuse_request(outcome.http_status);
    } else if (outcome.status == HttpParser::Outcome::Status::complete) {
      http_->keep_alive = http_->parser->keep_alive();
      take_request(http_->parser->take());
    } else {
      if (http_->parser->take_expect_continue()) {
        out_.append("HTTP/1.1 100 Continue\r\n\r\n");
        mark_dirty();
      }
      break;
    }
  }
  if (state_ == State::http && http_->awaiting) paused_ = true;
  return taken;
}

void Connection::refuse_request(int status) {
  ++http_->requests;
  http_->keep_alive = false;
  http_->head = false;
  http_->awaiting = true;
  respond(http_error(status));
}

void Connection::take_request(HttpRequest request) {
  ++http_->requests;
  http_->head = request.method == "HEAD";
  http_->awaiting = true;
  if (request.minor_version >= 1 && !request.has_header("Host")) {
    http_->keep_alive = false;
    respond(http_error(400, "there is no Host header"));
    return;
  }
  resolve_client(request);
  if (context().options.allow_upgrade && request.path == context().options.websocket_path) {
    upgrade(request);
  } else {
    route(std::move(request));
  }
}

// Address and security of the client, by the word of proxies as far as they are trusted.
void Connection::resolve_client(HttpRequest& request) const {
  const bool trusted = context().trusted.contains(http_->address);
  request.secure = peer_.secure;
  if (!trusted) {
    request.remote_address = http_->address.str();
    return;
  }
  request.remote_address =
      forwarded_client(http_->address, request.joined_header("X-Forwarded-For"), context().trusted).str();
  const std::string protocols = request.joined_header("X-Forwarded-Proto");
  if (!protocols.empty()) request.secure = equal_ignoring_case(last_element(protocols), "https");
}

void Connection::route(HttpRequest request) {
  const HttpRoutes::Match match = context().routes.find(request.method, request.path);
  if (match.handler == nullptr) {
    HttpResponse response = http_error(match.allow.empty() ? 404 : 405);
    if (!match.allow.empty()) response.headers.emplace_back("Allow", match.allow);
    respond(response);
    return;
  }
  if (!http_->anchor) http_->anchor = std::make_shared<HttpAnchor>(HttpAnchor{this});
  set_deadline(context().options.reply_timeout_ms);
  auto state = std::make_shared<HttpReplyState>(worker(), http_->anchor);
  try {
    (*match.handler)(std::move(request),
                     [state](HttpResponse response) { state->send(std::move(response)); });
  } catch (const std::exception& error) {
    log_error("http_handler_failed", {{"listener", context().options.name}, {"error", error.what()}});
    state->send(http_error(500));
  }
}

void Connection::respond(const HttpResponse& response) {
  if (state_ != State::http || !http_->awaiting) return;
  append_http_response(out_, response,
                       {.head = http_->head, .keep_alive = http_->keep_alive, .secure = peer_.secure});
  context().probe.answered(response.status);
  mark_dirty();
  http_->awaiting = false;
  if (!http_->keep_alive) {
    end_http();
    return;
  }
  begin_http();
  set_deadline(context().options.handshake_timeout_ms);
  if (!taking_input_) resume();
}

// No more requests; what is in the output is sent, then the connection ends.
void Connection::end_http() {
  state_ = State::closing;
  input_.reset();
  paused_ = false;
  set_deadline(context().options.closing_timeout_ms);
  mark_dirty();
  set_interest();
}

void Connection::upgrade(const HttpRequest& request) {
  const Upgrade upgrade = check_upgrade(request);
  if (!upgrade.accepted) {
    http_->keep_alive = false;
    respond(upgrade.refusal);
    return;
  }
  // Only who comes through a trusted proxy has not been counted for an address yet.
  const IpAddress client = IpAddress::parse(request.remote_address).value_or(http_->address);
  if (!token_.has_address() && !token_.bind(client)) {
    http_->keep_alive = false;
    HttpResponse response = http_error(429, "too many connections from this address");
    response.headers.emplace_back("Retry-After", "10");
    respond(response);
    return;
  }
  peer_.secure = request.secure;
  peer_.address = request.remote_address;
  peer_.network = client.network().str();
  peer_.user_agent = std::string(request.header("User-Agent").substr(0, 128));
  peer_.text = upgrade.text;
  user_ = context().factory ? context().factory(*this) : nullptr;
  if (!user_) {
    http_->keep_alive = false;
    HttpResponse response = http_error(503);
    response.headers.emplace_back("Retry-After", "1");
    respond(response);
    return;
  }
  append_upgrade_response(out_, upgrade);
  begin_websocket();
}

void Connection::http_timeout() {
  if (unsent_bytes() > 0 && std::exchange(progressed_, false)) {
    set_deadline(context().options.handshake_timeout_ms);
    return;
  }
  if (http_->awaiting) {
    http_->keep_alive = false;
    respond(http_error(504));
    return;
  }
  if (http_->requests == 0 || http_->parser->started()) note_failure(HandshakeFailure::timeout);
  finish(CloseReason::gone);
}

}  // namespace godwit::net

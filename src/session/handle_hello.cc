// Hello: who is it, with which device, from where on. One round trip authenticates and resumes.
#include <algorithm>
#include <utility>

#include "auth/proof.h"
#include "base/log.h"
#include "base/random.h"
#include "godwit.pb.h"
#include "protocol/handle.h"
#include "session/session.h"

namespace godwit {
namespace {

constexpr std::uint8_t kMaxFailedHellos = 3;
constexpr std::uint32_t kLoginRetryJitterMs = 1'000;
constexpr std::size_t kMaxClientBytes = 64;

}  // namespace

// A Hello on its way through the workers.
struct Session::Entering {
  std::uint64_t request_id = 0;
  auth::Claims claims;
  std::string proof_input;
  std::string signature;
  std::optional<std::uint64_t> cursor;
  std::uint32_t keepalive_s = 0;
  std::string client;
  PresenceState presence = PresenceState::online;
  UserId user;
  DeviceId device;
  Account* account = nullptr;
};

void Session::handle_hello(Request& frame) {
  v1::Hello& hello = *frame.mutable_hello();
  const std::uint64_t id = frame.request_id();
  if (open_requests_ > (id != 0 ? 1 : 0)) {
    // The connection is about to move to another worker, where those answers would not find it.
    return answer_error(id, Error(Errc::wrong_state, "earlier requests are not answered yet"));
  }
  if (!v1::PresenceState_IsValid(hello.presence())) {
    return answer_error(id, Error(Errc::invalid_argument, "unknown `presence`"));
  }
  if (const std::uint32_t wait = host_->admit_login()) {
    // Not held against the client: the server asks for patience.
    host_->probe.logins_refused.Increment();
    return answer_error(id, Error(Errc::overloaded, {}, wait + random_below(kLoginRetryJitterMs)));
  }
  auto claims = host_->auth.verify(hello.token(), host_->clock.wall_ms() / 1000);
  if (!claims) return refuse_hello(id, claims.error());

  auto entering = std::make_shared<Entering>();
  entering->request_id = id;
  entering->proof_input = auth::hello_input(nonce(), hello.token());
  entering->signature = std::move(*hello.mutable_signature());
  if (hello.has_cursor()) entering->cursor = hello.cursor();
  entering->keepalive_s = hello.keepalive_s();
  if (hello.presence() != v1::PRESENCE_HIDDEN) entering->presence = static_cast<PresenceState>(hello.presence());
  entering->client = hello.client().substr(0, kMaxClientBytes);
  entering->claims = std::move(*claims);
  if (!entering->claims.external) {
    // The key in the token decides, before anything is loaded: a stolen token costs two checks.
    if (!auth::verify_proof(entering->claims.device_key, entering->proof_input, entering->signature)) {
      return refuse_hello(id, Errc::proof_invalid);
    }
    entering->user = entering->claims.user;
    entering->device = entering->claims.device;
    state_ = State::entering;
    return enter(entering);
  }
  const auto handle = canonical_handle(entering->claims.handle);
  if (!handle) return refuse_hello(id, Errc::handle_invalid);
  entering->device = DeviceId(hello.device_id());
  state_ = State::entering;
  host_->router.on(std::string_view(*handle), [anchor = anchor_, entering, handle = *handle](Shard& shard) {
    shard.accounts().lookup(handle, [anchor, entering](const Result<UserId>& user) {
      to_session(anchor, [entering, user](Session& session) {
        if (!user) return session.refuse_hello(entering->request_id, user.error());
        entering->user = *user;
        session.enter(entering);
      });
    });
  });
}

void Session::enter(const std::shared_ptr<Entering>& hello) {
  const unsigned target = host_->router.map().worker(hello->user);
  SessionHost& next = *host_->hosts[target];
  if (&next != host_) {
    unlink();
    // Whatever still holds the old anchor must not reach the session while it moves.
    anchor_->session = nullptr;
    anchor_ = std::make_shared<SessionAnchor>();
    anchor_->worker = &next.worker();
    anchor_->session = this;
  }
  link_.move_to(next.worker(), [anchor = anchor_, &next, hello] {
    Session* session = anchor->session;
    if (session == nullptr || session->state_ != State::entering) return;
    if (session->host_ != &next) {
      session->host_ = &next;
      next.add(*session);
    }
    if (next.draining()) return session->drain();
    next.shard().accounts().with_account(hello->user, [anchor, hello](Account& account) {
      if (anchor->session != nullptr) anchor->session->enter_account(hello, account);
    });
  });
}

void Session::enter_account(const std::shared_ptr<Entering>& hello, Account& account) {
  if (state_ != State::entering) return;
  if (!account.exists()) return refuse_hello(hello->request_id, Errc::user_not_found);
  const DeviceInfo* device = account.device(hello->device);
  if (device == nullptr) return refuse_hello(hello->request_id, Errc::device_revoked);
  const auth::Claims& claims = hello->claims;
  const bool bound = !claims.device_key.empty() || !claims.key_thumbprint.empty();
  if (bound && !auth::is_bound_to(claims, device->key)) return refuse_hello(hello->request_id, Errc::proof_invalid);
  if (claims.external && !auth::verify_proof(device->key, hello->proof_input, hello->signature)) {
    return refuse_hello(hello->request_id, Errc::proof_invalid);
  }
  account.pin();
  hello->account = &account;
  host_->shard().inboxes().with(hello->user, [anchor = anchor_, hello](Inbox& inbox) {
    if (anchor->session != nullptr && anchor->session->state_ == State::entering) {
      anchor->session->enter_inbox(hello, inbox);
    } else {
      hello->account->unpin();
    }
  });
}

void Session::enter_inbox(const std::shared_ptr<Entering>& hello, Inbox& inbox) {
  // The device may have been revoked, or the account deleted, while the rows were read.
  const auto acknowledged = inbox.cursor(hello->device);
  if (!acknowledged || hello->account->device(hello->device) == nullptr) {
    hello->account->unpin();
    return refuse_hello(hello->request_id, Errc::device_revoked);
  }
  const std::uint64_t cursor = hello->cursor.value_or(*acknowledged);
  if (cursor > inbox.end()) {
    hello->account->unpin();
    return refuse_hello(hello->request_id, Errc::cursor_ahead);
  }
  if (cursor > *acknowledged) {
    (void)inbox.acknowledge(hello->device, cursor, inbox.end());
    host_->shard().inboxes().mark_dirty(hello->user);
  }
  inbox.pin();
  user_ = hello->user;
  device_ = hello->device;
  account_ = hello->account;
  inbox_ = &inbox;
  sent_ = acked_ = cursor;
  requests_ = {};
  state_ = State::live;
  // First the watcher, then the sample: an entry that arrives from here on is seen by either.
  host_->shard().registry().add(user_, *this);
  host_->probe.live.Increment();
  host_->probe.logins.Increment();

  const SessionOptions& options = host_->options();
  const std::uint32_t keepalive =
      hello->keepalive_s == 0 ? options.keepalive_default_s
                              : std::clamp(hello->keepalive_s, options.keepalive_min_s, options.keepalive_max_s);
  link_.set_idle_timeout(keepalive * 1500);
  link_.allow_large_messages(user_.value);
  join_presence(hello->presence, keepalive);
  note_seen();
  v1::ServerFrame& frame = begin(hello->request_id);
  auto& welcome = *frame.mutable_welcome();
  welcome.set_user_id(user_.value);
  welcome.set_device_id(device_.value);
  welcome.set_cursor(sent_);
  welcome.set_inbox_end(inbox.end());
  welcome.set_server_time_ms(host_->clock.wall_ms());
  welcome.set_keepalive_s(keepalive);
  welcome.set_window_envelopes(options.window_envelopes);
  welcome.set_window_bytes(options.window_bytes);
  welcome.set_max_open_requests(options.max_open_requests);
  welcome.set_max_payload_bytes(options.max_payload_bytes);
  welcome.set_presence_ttl_s(presence_ttl_ms_ / 1000);
  welcome.set_log_key(host_->router.key_log().public_key());
  welcome.set_log_size(host_->router.key_log().size());
  welcome.set_incarnation(host_->router.incarnation());
  answer(frame);
  log_debug("session_live", {{"user", user_}, {"device", device_}, {"address", link_.peer().address}, {"client", hello->client}});
  host_->shard().calls().devices().device_live(user_, device_);  // what rings now, rings here too
  host_->shard().keys().device_live(user_, device_);              // a stock of keys may be low
  send_marks_since(sent_);
  deliver();
}

void Session::refuse_hello(std::uint64_t request_id, const Error& error) {
  host_->probe.logins_refused.Increment();
  state_ = State::greeting;
  answer_error(request_id, error);
  if (++failed_hellos_ >= kMaxFailedHellos) close(CloseReason::unauthenticated);
}

}  // namespace godwit

// Requests that make or find accounts and tokens: Register, RequestCode, RefreshToken, LookupUser.
#include <algorithm>
#include <utility>

#include "auth/proof.h"
#include "godwit.pb.h"
#include "protocol/handle.h"
#include "session/request_checks.h"
#include "session/session.h"

namespace godwit {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kMaxInviteBytes = 64;

}  // namespace

// A registration on its way through the workers.
struct Session::Registering {
  std::uint64_t request_id = 0;
  NewAccount account;
  std::string code;
  bool verify = false;  // the code must be right
};

// Of the address. Returns the milliseconds to wait when there is none left.
std::uint32_t Session::take_registration() {
  const std::uint32_t per_hour = host_->options().registrations_per_hour;
  if (per_hour == 0) return 0;
  // A clock 3,600 times slower makes a rate per second one per hour.
  TokenBucket& bucket = host_->addresses.of(link_.peer().network).registrations;
  return bucket.take(host_->clock.steady_ms() / 3600, per_hour, per_hour) * 3600;
}

void Session::handle_register(Request& frame) {
  v1::Register& asked = *frame.mutable_register_();
  const std::uint64_t id = frame.request_id();
  const SessionOptions& options = host_->options();
  if (asked.device_key().size() != kKeyBytes) {
    return answer_error(id, Error(Errc::invalid_argument, "`device_key` must have 32 bytes"));
  }
  if (asked.device_name().size() > kMaxNameBytes || asked.invite().size() > kMaxInviteBytes) {
    return answer_error(id, Errc::too_large);
  }
  if (const std::uint32_t wait = take_registration(); wait != 0) {
    return answer_error(id, Error(Errc::rate_limited, "too many registrations", wait));
  }
  auto request = std::make_shared<Registering>();
  request->request_id = id;
  std::string given = asked.handle();
  if (host_->auth.oidc) {
    const auto claims = host_->auth.verify(asked.external_token(), host_->clock.wall_ms() / 1000);
    if (!claims) return answer_error(id, claims.error());
    if ((!claims->device_key.empty() || !claims->key_thumbprint.empty()) &&
        !auth::is_bound_to(*claims, asked.device_key())) {
      return answer_error(id, Errc::proof_invalid);
    }
    given = claims->handle;
  }
  const auto handle = canonical_handle(given);
  if (!handle) return answer_error(id, Errc::handle_invalid);
  if (!auth::verify_proof(asked.device_key(), auth::register_input(nonce(), asked.device_key(), asked.handle()),
                          asked.signature())) {
    return answer_error(id, Errc::proof_invalid);
  }
  request->account = {*handle, asked.device_key(), asked.device_name(), {}};
  request->code = asked.code();
  request->verify = !host_->auth.oidc && options.registration == RegistrationMode::verified;
  if (host_->auth.oidc) return register_external(request);
  switch (options.registration) {
    case RegistrationMode::closed:
      return answer_error(id, Errc::registration_closed);
    case RegistrationMode::invite: {
      if (asked.invite().empty()) return answer_error(id, Errc::invite_invalid);
      request->account.invite = asked.invite();
      // Whatever becomes of the session, from here on the claim ends in an account or is given back.
      host_->router.on(std::string_view(asked.invite()), [&router = host_->router, anchor = anchor_, request](Shard& shard) {
        shard.accounts().claim_invite(request->account.invite, [&router, anchor, request](const Result<Unit>& claimed) {
          if (claimed) return register_account(router, anchor, request);
          to_session(anchor, [request, error = claimed.error()](Session& session) {
            session.answer_error(request->request_id, error);
          });
        });
      });
      return;
    }
    case RegistrationMode::verified:
    case RegistrationMode::open:
      return register_account(host_->router, anchor_, request);
  }
}

void Session::register_account(Router& router, const AnchorPtr& anchor, const std::shared_ptr<Registering>& request) {
  router.on(std::string_view(request->account.handle), [&router, anchor, request](Shard& shard) {
    const auto reply = [&router, anchor, request](const Result<UserId>& user) {
      // The account's record takes the claim with it.
      if (!user && !request->account.invite.empty()) {
        router.on(std::string_view(request->account.invite),
                  [invite = request->account.invite](Shard& there) { there.accounts().release_invite(invite); });
      }
      to_session(anchor, [request, user](Session& session) {
        if (!user && user.error().code == Errc::handle_taken) return session.find_registered(request);
        session.registered(request, user, DeviceId(1));
      });
    };
    if (request->verify && !shard.accounts().check_code(request->account.handle, request->code)) {
      return reply(Errc::code_invalid);
    }
    shard.accounts().create(request->account, reply);
  });
}

// The handle is taken. By this very device, whose first answer was lost? Then it is told again.
void Session::find_registered(const std::shared_ptr<Registering>& request) {
  host_->router.on(std::string_view(request->account.handle), [anchor = anchor_, request](Shard& shard) {
    shard.accounts().lookup(request->account.handle, [anchor, request](const Result<UserId>& user) {
      to_session(anchor, [request, user](Session& session) {
        if (!user) return session.registered(request, Errc::handle_taken, DeviceId());
        session.host_->router.on(*user, [anchor = session.anchor_, request, user](Shard& owner) {
          owner.accounts().with_account(*user, [anchor, request](Account& account) {
            const auto& devices = account.devices();
            const auto same = std::find_if(devices.begin(), devices.end(), [&](const DeviceInfo& device) {
              return device.key == request->account.device_key;
            });
            const DeviceId device = same != devices.end() ? same->id : DeviceId();
            to_session(anchor, [request, id = account.user(), device](Session& again) {
              again.registered(request, device ? Result<UserId>(id) : Result<UserId>(Errc::handle_taken), device);
            });
          });
        });
      });
    });
  });
}

void Session::registered(const std::shared_ptr<Registering>& request, const Result<UserId>& user, DeviceId device) {
  if (!user) {
    return answer_error(request->request_id, user.error());
  }
  v1::ServerFrame& frame = begin(request->request_id);
  auto& reply = *frame.mutable_registered();
  reply.set_user_id(user->value);
  reply.set_device_id(device.value);
  if (host_->auth.issuer) {
    const std::int64_t now_s = host_->clock.wall_ms() / 1000;
    reply.set_token(host_->auth.issuer->issue(*user, device, request->account.device_key, now_s));
    reply.set_token_expires_ms((now_s + host_->auth.issuer->options().ttl_s) * 1000);
  }
  answer(frame);
}

// With an external issuer its token decides: it makes the account, or adds a device to the one there is.
void Session::register_external(const std::shared_ptr<Registering>& request) {
  host_->router.on(std::string_view(request->account.handle), [anchor = anchor_, request](Shard& shard) {
    shard.accounts().lookup(request->account.handle, [anchor, request](const Result<UserId>& user) {
      to_session(anchor, [request, user](Session& session) {
        if (!user) return register_account(session.host_->router, session.anchor_, request);
        session.host_->router.on(*user, [anchor = session.anchor_, request, user](Shard& owner) {
          DeviceInfo device;
          device.key = request->account.device_key;
          device.name = request->account.device_name;
          owner.accounts().add_device(*user, device, [anchor, request, user](const Result<DeviceId>& added) {
            to_session(anchor, [request, user, added](Session& again) {
              if (!added) return again.answer_error(request->request_id, added.error());
              again.registered(request, user, *added);
            });
          });
        });
      });
    });
  });
}

void Session::handle_request_code(Request& frame) {
  const std::uint64_t id = frame.request_id();
  const auto handle = canonical_handle(frame.request_code().handle());
  if (!handle) return answer_error(id, Errc::handle_invalid);
  if (host_->options().registration != RegistrationMode::verified || host_->codes == nullptr) {
    return answer_error(id, Error(Errc::not_allowed, "this server does not verify handles"));
  }
  // Each is a message that somebody pays for.
  if (const std::uint32_t wait = take_registration(); wait != 0) {
    return answer_error(id, Error(Errc::rate_limited, "too many codes", wait));
  }
  host_->router.on(std::string_view(*handle), [anchor = anchor_, id, handle = *handle, sender = host_->codes,
                                               ttl = host_->options().code_ttl_s](Shard& shard) {
    const auto reply = [anchor, id, ttl](const Result<Unit>& sent) {
      to_session(anchor, [id, ttl, sent](Session& session) {
        if (!sent) return session.answer_error(id, sent.error());
        v1::ServerFrame& out = session.begin(id);
        out.mutable_code_sent()->set_expires_s(ttl);
        out.mutable_code_sent()->set_retry_after_s(60);
        session.answer(out);
      });
    };
    auto code = shard.accounts().make_code(handle);
    if (!code) return reply(code.error());
    sender->send(handle, *code, [reply](bool ok) { reply(ok ? Status(Unit{}) : Status(Errc::delivery_unavailable)); });
  });
}

void Session::handle_refresh_token(Request& frame) {
  const v1::RefreshToken& asked = frame.refresh_token();
  const std::uint64_t id = frame.request_id();
  if (!host_->auth.issuer) return answer_error(id, Error(Errc::not_allowed, "tokens come from an external issuer"));
  const UserId user(asked.user_id());
  const DeviceId device(asked.device_id());
  std::string input = auth::refresh_input(nonce(), user, device);
  host_->router.on(user, [anchor = anchor_, id, user, device, input = std::move(input),
                          signature = asked.signature()](Shard& shard) {
    shard.accounts().with_account(user, [=](Account& account) {
      const DeviceInfo* known = account.exists() ? account.device(device) : nullptr;
      // An unknown device costs and says the same as a wrong signature.
      const bool proved = known != nullptr && auth::verify_proof(known->key, input, signature);
      const std::string key = proved ? known->key : std::string();
      to_session(anchor, [id, user, device, key](Session& session) {
        if (key.empty()) return session.answer_error(id, Errc::proof_invalid);
        const auto& issuer = *session.host_->auth.issuer;
        const std::int64_t now_s = session.host_->clock.wall_ms() / 1000;
        v1::ServerFrame& reply = session.begin(id);
        reply.mutable_token()->set_token(issuer.issue(user, device, key, now_s));
        reply.mutable_token()->set_expires_ms((now_s + issuer.options().ttl_s) * 1000);
        session.answer(reply);
      });
    });
  });
}

void Session::handle_lookup_user(Request& frame) {
  const v1::LookupUser& asked = frame.lookup_user();
  const std::uint64_t id = frame.request_id();
  if (asked.handle().empty() == (asked.user_id() == 0)) {
    return answer_error(id, Error(Errc::invalid_argument, "exactly one of `handle` and `user_id` must be set"));
  }
  const auto found = [anchor = anchor_, id](UserId user, const std::string& handle) {
    to_session(anchor, [id, user, handle](Session& session) {
      if (!user) return session.answer_error(id, Errc::user_not_found);
      v1::ServerFrame& reply = session.begin(id);
      reply.mutable_user()->set_user_id(user.value);
      reply.mutable_user()->set_handle(handle);
      session.answer(reply);
    });
  };
  if (asked.user_id() != 0) {
    const UserId user(asked.user_id());
    host_->router.on(user, [user, found](Shard& shard) {
      shard.accounts().with_account(user, [found](Account& account) {
        found(account.exists() ? account.user() : UserId(), account.handle());
      });
    });
    return;
  }
  const auto handle = canonical_handle(asked.handle());
  if (!handle) return answer_error(id, Errc::handle_invalid);
  host_->router.on(std::string_view(*handle), [handle = *handle, found](Shard& shard) {
    shard.accounts().lookup(handle, [handle, found](const Result<UserId>& user) { found(user ? *user : UserId(), handle); });
  });
}

}  // namespace godwit

// Requests about the account's devices and relations: linking, listing, revoking, deletion, blocks.
#include <utility>

#include "auth/proof.h"
#include "base/random.h"
#include "chat/chat_id.h"
#include "godwit.pb.h"
#include "router/account_deletion.h"
#include "session/account_wire.h"
#include "session/request_checks.h"
#include "session/session.h"

namespace godwit {
namespace {

constexpr std::size_t kKeyBytes = 32;

}  // namespace

SessionHost* Session::board_of(const std::string& link_id) const {
  return host_->hosts[host_->router.map().worker(std::string_view(link_id))];
}

// One a session, and not longer than it: approved later it would make a device that nobody has.
void Session::end_offer() {
  if (link_offer_.empty()) return;
  SessionHost* board = board_of(link_offer_);
  board->worker().post([board, link_id = std::exchange(link_offer_, {})] { board->links.remove(link_id); });
}

void Session::handle_link_begin(Request& frame) {
  v1::LinkBegin& asked = *frame.mutable_link_begin();
  const std::uint64_t id = frame.request_id();
  if (asked.device_key().size() != kKeyBytes) {
    return answer_error(id, Error(Errc::invalid_argument, "`device_key` must have 32 bytes"));
  }
  if (asked.device_name().size() > kMaxNameBytes) return answer_error(id, Errc::too_large);
  if (!auth::verify_proof(asked.device_key(), auth::link_begin_input(nonce(), asked.device_key()), asked.signature())) {
    return answer_error(id, Errc::proof_invalid);
  }
  end_offer();
  const std::string link_id = random_bytes(auth::kLinkIdBytes);
  const std::int64_t ttl_ms = host_->options().link_ttl_ms;
  LinkOfferEntry offer{asked.device_key(), asked.device_name(), host_->clock.steady_ms() + ttl_ms, link_.peer().network, anchor_};
  // While it waits, the connection may stay silent for as long as the offer stands.
  link_.set_idle_timeout(static_cast<std::uint32_t>(ttl_ms));
  SessionHost* board = board_of(link_id);
  board->worker().post([board, link_id, offer = std::move(offer)] { board->links.add(link_id, offer); });
  link_offer_ = link_id;
  v1::ServerFrame& reply = begin(id);
  reply.mutable_link_offer()->set_link_id(link_id);
  reply.mutable_link_offer()->set_expires_s(static_cast<std::uint32_t>(ttl_ms / 1000));
  answer(reply);
}

void Session::handle_link_approve(Request& frame) {
  const v1::LinkApprove& asked = frame.link_approve();
  const std::uint64_t id = frame.request_id();
  const std::string input = auth::link_approve_input(asked.link_id(), asked.device_key(), user_);
  const DeviceInfo* self = account_->device(device_);
  if (self == nullptr || !auth::verify_proof(self->key, input, asked.signature())) {
    return answer_error(id, Errc::proof_invalid);
  }
  DeviceInfo device;
  device.key = asked.device_key();
  device.approved_by = device_;
  device.approval_signature = asked.signature();
  device.approval_link_id = asked.link_id();
  SessionHost* board = board_of(asked.link_id());
  board->worker().post([board, anchor = anchor_, id, device = std::move(device), now = host_->clock.steady_ms()] {
    auto offer = board->links.take(device.approval_link_id, device.key, now);
    to_session(anchor, [id, device, offer = std::move(offer)](Session& session) mutable {
      if (!offer) return session.answer_error(id, Errc::link_invalid);
      device.name = offer->device_name;
      const UserId user = session.user_;
      const auto linked = [anchor = session.anchor_, id, user, key = device.key,
                           waiting = offer->waiting](const Result<DeviceId>& added) {
        to_session(anchor, [id, added](Session& approver) {
          if (!added) return approver.answer_error(id, added.error());
          v1::ServerFrame& reply = approver.begin(id);
          reply.mutable_link_approved()->set_device_id(added->value);
          approver.answer(reply);
        });
        if (!added) return;
        to_session(waiting, [user, device_id = *added, key](Session& fresh) {
          v1::ServerFrame& push = fresh.begin(0);
          auto& told = *push.mutable_linked();
          told.set_user_id(user.value);
          told.set_device_id(device_id.value);
          if (fresh.host_->auth.issuer) {
            const auto& issuer = *fresh.host_->auth.issuer;
            const std::int64_t now_s = fresh.host_->clock.wall_ms() / 1000;
            told.set_token(issuer.issue(user, device_id, key, now_s));
            told.set_token_expires_ms((now_s + issuer.options().ttl_s) * 1000);
          }
          fresh.send(push);
        });
      };
      session.host_->shard().accounts().add_device(user, device, linked);
    });
  });
}

void Session::handle_list_devices(Request& frame) {
  v1::ServerFrame& reply = begin(frame.request_id());
  auto& devices = *reply.mutable_devices();
  for (const DeviceInfo& info : account_->devices()) {
    auto& device = *devices.add_devices();
    device_to_wire(info, device);
    device.set_current(info.id == device_);
    if (host_->shard().registry().online(user_, info.id)) {
      device.set_online(true);
      device.set_last_seen_ms(host_->clock.wall_ms());
    }
  }
  answer(reply);
}

void Session::handle_revoke_device(Request& frame) {
  host_->shard().accounts().revoke_device(user_, DeviceId(frame.revoke_device().device_id()),
                                          done_reply(frame.request_id()));
}

void Session::handle_delete_account(Request& frame) {
  const DeviceInfo* self = account_->device(device_);
  if (self == nullptr ||
      !auth::verify_proof(self->key, auth::delete_account_input(nonce(), user_), frame.delete_account().signature())) {
    return answer_error(frame.request_id(), Errc::proof_invalid);
  }
  delete_account(host_->router, host_->store, host_->readers, host_->clock, user_, device_,
                 done_reply(frame.request_id()));
}

void Session::handle_block(Request& frame) {
  const UserId other(frame.block().user_id());
  const std::uint64_t id = frame.request_id();
  if (!other || other == user_) return answer_error(id, Error(Errc::invalid_argument, "`user_id` is missing"));
  const bool lift = frame.block().lift();
  const auto reply = done_reply(id);
  // The other must exist: a block makes a row of the chat.
  host_->router.on(other, [anchor = anchor_, other, lift, reply](Shard& shard) {
    shard.accounts().with_account(other, [anchor, other, lift, reply](Account& account) {
      if (!account.exists()) return reply(Errc::user_not_found);
      to_session(anchor, [other, lift, reply](Session& session) {
        if (session.state_ != State::live) return;
        const ChatId chat = direct_chat_id(session.user_, other);
        session.host_->shard().accounts().block(session.user_, chat, other, lift, reply);
      });
    });
  });
}

}  // namespace godwit

// Requests about calls: each is checked here and decided by the worker of the chat (call/call_service.h).
#include <algorithm>
#include <utility>

#include "godwit.pb.h"
#include "session/request_checks.h"
#include "session/session.h"

namespace godwit {
namespace {

constexpr std::size_t kMaxTokenBytes = 4096;
constexpr std::size_t kMaxRegionBytes = 32;
constexpr int kMaxPayloads = 32;
// A clock 60 times slower makes a rate per second one per minute.
constexpr std::int64_t kMinute = 60;

Error no_call_named() {
  return {Errc::invalid_argument, "exactly one of `peer` and `chat` (16 bytes) must be set"};
}

// What a client may say of why it ends a call; nothing is HUNG_UP.
std::optional<CallEnd> end_reason(v1::CallEndReason reason) {
  switch (reason) {
    case v1::CALL_GOES_ON:
    case v1::HUNG_UP:
    case v1::CANCELLED:
      return CallEnd::hung_up;
    case v1::BUSY:
      return CallEnd::busy;
    case v1::REJECTED:
      return CallEnd::rejected;
    case v1::FAILED:
      return CallEnd::failed;
    default:
      return std::nullopt;
  }
}

}  // namespace

// The reply to a request that has a Done or a CallState for an answer.
CallReply Session::call_reply(std::uint64_t request_id) const {
  return [anchor = anchor_, request_id](const Result<std::string>& result) {
    to_session(anchor, [request_id, result](Session& session) {
      if (!result) return session.answer_error(request_id, result.error());
      if (result->empty()) return session.answer_done(request_id);
      v1::ServerFrame& reply = session.begin(request_id);
      reply.mutable_call_state()->ParseFromString(*result);
      session.answer(reply);
    });
  };
}

std::optional<CallRequest> Session::call_request(std::uint64_t request_id, const std::string& call, std::uint64_t peer,
                                                 const std::string& chat) {
  const auto named = chat_of(peer, chat);
  if (!named || call.size() != 16) {
    answer_error(request_id, named ? Error(Errc::message_id_invalid) : no_call_named());
    return std::nullopt;
  }
  return CallRequest{{user_, device_}, {*named, MessageId::from(call)}, peer == 0, call_reply(request_id)};
}

void Session::to_call(const ChatId& chat, std::function<void(CallService&)> fn) {
  host_->router.on(chat, [fn = std::move(fn)](Shard& shard) { fn(shard.calls()); });
}

Status Session::admit_call() {
  CallService& calls = host_->shard().calls();
  const std::uint32_t per_minute = calls.options().invites_per_minute;
  const std::uint32_t wait = account_->call_invites.take(host_->clock.steady_ms() / kMinute, per_minute, per_minute);
  if (wait != 0) return Error(Errc::rate_limited, "too many calls", wait * static_cast<std::uint32_t>(kMinute));
  if (!calls.devices().has_room({user_, device_})) return Error(Errc::too_large, "the device is in as many calls as allowed");
  return Unit{};
}

void Session::handle_place_call(Request& frame) {
  v1::PlaceCall& asked = *frame.mutable_place_call();
  const std::uint64_t id = frame.request_id();
  if (!is_message_id(asked.id())) return answer_error(id, Errc::message_id_invalid);
  if (asked.peer() == 0) return answer_error(id, Error(Errc::invalid_argument, "`peer` is missing"));
  if (asked.peer() == user_.value) return answer_error(id, Errc::message_to_self);
  if (!v1::CallKind_IsValid(asked.kind())) return answer_error(id, Error(Errc::invalid_argument, "unknown `kind`"));
  if (asked.offer().empty()) return answer_error(id, Error(Errc::invalid_argument, "the offer is empty"));
  if (asked.offer().size() > host_->shard().calls().options().max_payload_bytes) return answer_error(id, Errc::too_large);
  const std::pair call(*chat_of(asked.peer(), {}), MessageId(MessageId::from(asked.id())));
  if (account_->last_call != call) {
    if (const Status admitted = admit_call(); !admitted) return answer_error(id, admitted.error());
    account_->last_call = call;
  }
  PlaceRequest request;
  request.from = {user_, device_};
  request.to = UserId(asked.peer());
  request.name = {call.first, call.second};
  request.kind = static_cast<CallKind>(asked.kind());
  request.offer = std::move(*asked.mutable_offer());
  request.reply = [anchor = anchor_, id](const Result<CallPlacedInfo>& result) {
    to_session(anchor, [id, result](Session& session) {
      if (!result) return session.answer_error(id, result.error());
      v1::ServerFrame& reply = session.begin(id);
      auto& placed = *reply.mutable_call_placed();
      placed.set_ring_ms(result->ring_ms);
      placed.set_devices(result->devices);
      if (result->instead) placed.set_instead(result->instead->str());
      session.answer(reply);
    });
  };
  const ChatId chat = request.name.chat;
  to_call(chat, [request = std::move(request)](CallService& calls) mutable { calls.place(std::move(request)); });
}

void Session::handle_ring_call(Request& frame) {
  const v1::RingCall& asked = frame.ring_call();
  const auto request = call_request(frame.request_id(), asked.id(), asked.peer(), {});
  if (request) to_call(request->name.chat, [request = *request](CallService& calls) { calls.ring(request); });
}

void Session::handle_answer_call(Request& frame) {
  v1::AnswerCall& asked = *frame.mutable_answer_call();
  const std::uint64_t id = frame.request_id();
  if (asked.answer().empty()) return answer_error(id, Error(Errc::invalid_argument, "the answer is empty"));
  CallService& here = host_->shard().calls();
  if (asked.answer().size() > here.options().max_payload_bytes) return answer_error(id, Errc::too_large);
  if (!here.devices().has_room({user_, device_})) {
    return answer_error(id, Error(Errc::too_large, "the device is in as many calls as allowed"));
  }
  const auto request = call_request(id, asked.id(), asked.peer(), {});
  if (!request) return;
  to_call(request->name.chat, [request = *request, answer = std::move(*asked.mutable_answer())](CallService& calls) {
    calls.answer(request, answer);
  });
}

void Session::handle_signal_call(Request& frame) {
  v1::SignalCall& asked = *frame.mutable_signal_call();
  const std::uint64_t id = frame.request_id();
  const CallOptions& options = host_->shard().calls().options();
  const std::uint32_t wait =
      signals_.take(host_->clock.steady_ms(), options.signals_per_s, 4 * options.signals_per_s);
  if (wait != 0) return answer_error(id, Error(Errc::rate_limited, "too many signals", wait));
  if (!v1::CallSignalKind_IsValid(asked.kind())) return answer_error(id, Error(Errc::invalid_argument, "unknown `kind`"));
  if (asked.payloads().empty()) return answer_error(id, Error(Errc::invalid_argument, "`payloads` is empty"));
  std::size_t bytes = 0;
  for (const std::string& payload : asked.payloads()) bytes += payload.size();
  if (asked.payloads_size() > kMaxPayloads || bytes > options.max_payload_bytes) return answer_error(id, Errc::too_large);
  const auto request = call_request(id, asked.id(), asked.peer(), asked.chat());
  if (!request) return;
  v1::ServerFrame passed;
  auto& signaled = *passed.mutable_call_signaled();
  signaled.set_id(asked.id());
  signaled.set_from(user_.value);
  signaled.set_from_device(device_.value);
  signaled.set_chat(asked.chat());
  signaled.set_kind(asked.kind());
  *signaled.mutable_payloads() = std::move(*asked.mutable_payloads());
  const CallParty to{UserId(asked.to()), DeviceId(asked.to_device())};
  to_call(request->name.chat, [request = *request, to, bytes = passed.SerializeAsString()](CallService& calls) {
    calls.signal(request, to, bytes);
  });
}

void Session::handle_end_call(Request& frame) {
  const v1::EndCall& asked = frame.end_call();
  const auto reason = end_reason(asked.reason());
  if (!reason) return answer_error(frame.request_id(), Error(Errc::invalid_argument, "not a reason that a client may give"));
  const auto request = call_request(frame.request_id(), asked.id(), asked.peer(), asked.chat());
  if (!request) return;
  to_call(request->name.chat, [request = *request, reason = *reason](CallService& calls) { calls.end(request, reason); });
}

void Session::handle_resume_call(Request& frame) {
  const v1::ResumeCall& asked = frame.resume_call();
  const auto request = call_request(frame.request_id(), asked.id(), asked.peer(), asked.chat());
  if (request) to_call(request->name.chat, [request = *request](CallService& calls) { calls.resume(request); });
}

void Session::handle_join_call(Request& frame) {
  v1::JoinCall& asked = *frame.mutable_join_call();
  const std::uint64_t id = frame.request_id();
  if (!is_message_id(asked.id())) return answer_error(id, Errc::message_id_invalid);
  if (asked.chat().size() != 16) return answer_error(id, Error(Errc::invalid_argument, "`chat` must have 16 bytes"));
  if (!v1::CallKind_IsValid(asked.kind())) return answer_error(id, Error(Errc::invalid_argument, "unknown `kind`"));
  if (asked.token().size() > kMaxTokenBytes) return answer_error(id, Errc::too_large);
  if (const Status admitted = admit_call(); !admitted) return answer_error(id, admitted.error());
  JoinRequest request{{user_, device_},
                      {ChatId::from(asked.chat()), MessageId::from(asked.id())},
                      static_cast<CallKind>(asked.kind()),
                      std::move(*asked.mutable_token()),
                      call_reply(id)};
  const ChatId chat = request.name.chat;
  to_call(chat, [request = std::move(request)](CallService& calls) { calls.join(request); });
}

void Session::handle_get_call(Request& frame) {
  const v1::GetCall& asked = frame.get_call();
  const auto chat = chat_of(asked.peer(), asked.chat());
  if (!chat) return answer_error(frame.request_id(), no_call_named());
  const CallRequest request{{user_, device_}, {*chat, {}}, asked.peer() == 0, call_reply(frame.request_id())};
  to_call(*chat, [request](CallService& calls) { calls.get(request); });
}

void Session::handle_get_ice_servers(Request& frame) {
  const std::uint64_t id = frame.request_id();
  const std::string& region = frame.get_ice_servers().region();
  const CallOptions& options = host_->shard().calls().options();
  if (region.size() > kMaxRegionBytes) return answer_error(id, Errc::too_large);
  if (options.ice.servers.empty()) return answer_error(id, Errc::ice_unavailable);
  const std::int64_t now = host_->clock.wall_ms();
  const std::uint32_t wait = account_->ice_credentials.take(now, options.credentials_per_day, 1);
  if (wait != 0) return answer_error(id, Error(Errc::rate_limited, "no more credentials for now", wait));
  const IceServers servers = ice_servers_for(options.ice, user_, region, now);
  host_->probe.ice_credentials.Increment();
  v1::ServerFrame& reply = begin(id);
  auto& out = *reply.mutable_ice_servers();
  out.set_expires_ms(servers.expires_ms);
  for (const IceServer& server : servers.servers) {
    auto& added = *out.add_servers();
    for (const std::string& url : server.urls) added.add_urls(url);
    added.set_username(server.username);
    added.set_credential(server.credential);
    added.set_region(server.region);
  }
  answer(reply);
}

}  // namespace godwit

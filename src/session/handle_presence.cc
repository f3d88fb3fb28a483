// Requests about who is there and who is typing: SetPresence, WatchPresence, Typing.
#include <algorithm>
#include <bit>
#include <utility>

#include "godwit.pb.h"
#include "presence/frames.h"
#include "session/session.h"

namespace godwit {
namespace {

constexpr int kMaxGroupsWatched = 16;

// Who types, and to whom it must not be passed on.
struct TypingPulse {
  UserId from;
  v1::TypingState state = v1::TYPING;
  std::uint32_t expires_ms = 0;
  bool relay = true;  // false: whom it is about hides being online
};

void push_typing(Registry::User& online, std::string_view frame, SessionProbe& probe) {
  for (Subscriber* device : online.devices) device->on_push(frame, true);
  probe.typing.Increment(static_cast<double>(online.devices.size()));
}

void relay_to_peer(Router& router, SessionProbe& probe, const TypingPulse& pulse, UserId peer) {
  router.on(peer, [pulse, peer, &probe](Shard& shard) {
    if (Registry::User* online = shard.registry().find(peer)) {
      push_typing(*online, encode_typing_notice(pulse.from, std::nullopt, pulse.state, pulse.expires_ms), probe);
    }
  });
}

// On each worker to the members there, with the bytes of one encoding. `skip` is ascending.
void relay_to_group(Router& router, SessionProbe& probe, const TypingPulse& pulse, Chat& chat,
                    std::shared_ptr<const std::vector<UserId>> skip) {
  const auto frame = std::make_shared<const std::string>(
      encode_typing_notice(pulse.from, chat.id(), pulse.state, pulse.expires_ms));
  const auto members = chat.group()->recipients(router.map(), {});
  for (std::uint64_t bits = members->workers; bits != 0; bits &= bits - 1) {
    Shard& shard = router.shard(static_cast<unsigned>(std::countr_zero(bits)));
    auto tell = [&shard, &probe, frame, members, skip] {
      for (const UserId user : members->by_worker[shard.worker().index()]) {
        Registry::User* online = shard.registry().find(user);
        if (online == nullptr || std::binary_search(skip->begin(), skip->end(), user)) continue;
        push_typing(*online, *frame, probe);
      }
    };
    if (shard.worker().is_current()) {
      tell();
    } else {
      shard.worker().post(std::move(tell));
    }
  }
}

}  // namespace

void Session::join_presence(PresenceState state, std::uint32_t keepalive_s) {
  presence_ttl_ms_ = std::min(host_->options().presence_ttl_s * 1000, keepalive_s * 1500);
  heard_ms_ = host_->clock.steady_ms();
  host_->shard().presence().join(user_, device_, state, presence_ttl_ms_);
}

void Session::note_heard() {
  const std::int64_t now_ms = host_->clock.steady_ms();
  const bool counted_offline = now_ms - heard_ms_ >= presence_ttl_ms_;
  heard_ms_ = now_ms;
  if (counted_offline) host_->shard().presence().heard(user_, device_);
}

void Session::handle_set_presence(Request& frame) {
  const v1::PresenceState state = frame.set_presence().state();
  if (state != v1::OFFLINE && state != v1::IDLE && state != v1::ONLINE) {
    return answer_error(frame.request_id(), Error(Errc::invalid_argument, "`state` must be OFFLINE, IDLE or ONLINE"));
  }
  host_->shard().presence().set(user_, device_, static_cast<PresenceState>(state));
  answer_done(frame.request_id());
}

// A WatchPresence that asks the workers of its groups who is in them.
struct Session::Watching {
  std::uint64_t request_id = 0;
  PresenceWatchers::Change change;
  std::vector<std::string> groups;  // not asked yet
};

void Session::handle_watch_presence(Request& frame) {
  const v1::WatchPresence& asked = frame.watch_presence();
  if (asked.add_members_of_size() > kMaxGroupsWatched) {
    return answer_error(frame.request_id(), Error(Errc::too_large, "at most 16 groups"));
  }
  auto watching = std::make_shared<Watching>();
  watching->request_id = frame.request_id();
  watching->groups.assign(asked.add_members_of().begin(), asked.add_members_of().end());
  for (const std::uint64_t user : asked.add()) watching->change.add.push_back(UserId(user));
  for (const std::uint64_t user : asked.remove()) watching->change.remove.push_back(UserId(user));
  watch_presence(watching);
}

void Session::watch_presence(const std::shared_ptr<Watching>& watching) {
  const std::uint64_t id = watching->request_id;
  if (watching->groups.empty()) {
    return host_->shard().presence().watch(user_, device_, watching->change,
                                           [anchor = anchor_, id](const Result<std::vector<Presence>>& found) {
      Session* session = anchor->session;
      if (session == nullptr) return;
      if (!found) return session->answer_error(id, found.error());
      v1::ServerFrame& reply = session->begin(id);
      fill_presences(*found, *reply.mutable_presences());
      session->answer(reply);
    });
  }
  const std::string group = std::move(watching->groups.back());
  watching->groups.pop_back();
  with_group(id, group, [watching, most = host_->shard().presence().options().max_watched](
                            Chat& chat, const Group::Member&, const AnchorPtr& anchor) {
    std::size_t room = most;
    for (const Group::Member& member : chat.group()->members()) {
      if (room == 0) break;
      if (!member.present()) continue;
      watching->change.members.push_back(member.user);
      --room;
    }
    // Not at once, even here: the next group may be in the same cache.
    anchor->worker.load()->post([anchor, watching] {
      to_session(anchor, [watching](Session& session) {
        if (session.state_ == State::live) session.watch_presence(watching);
      });
    });
  });
}

void Session::handle_typing(Request& frame) {
  const v1::Typing& asked = frame.typing();
  const std::uint64_t id = frame.request_id();
  const SessionOptions& options = host_->options();
  const auto chat = chat_of(asked.peer(), asked.chat());
  if (!chat || asked.peer() == user_.value) {
    return answer_error(id, Error(Errc::invalid_argument, "exactly one of `peer` and `chat` (16 bytes) must be set"));
  }
  if (!v1::TypingState_IsValid(asked.state())) return answer_error(id, Error(Errc::invalid_argument, "unknown `state`"));
  if (const std::uint32_t wait = typing_.take(host_->clock.steady_ms(), options.typing.per_s, options.typing.burst)) {
    return answer_error(id, Error(Errc::rate_limited, {}, wait));
  }
  TypingPulse pulse{user_, asked.state(), options.typing_ttl_ms, true};
  if (asked.peer() != 0) {
    const UserId peer(asked.peer());
    pulse.relay = account_->allows(Rule::online, peer);
    return host_->router.on(*chat, [router = &host_->router, probe = &host_->probe, chat = *chat, pulse, peer,
                                    reply = done_reply(id)](Shard& shard) {
      shard.chats().with_chat(chat, [router, probe, pulse, peer, reply](Chat& found) {
        if (found.group() != nullptr || !found.has(pulse.from)) return reply(Errc::chat_not_found);
        const bool wanted = !found.other(pulse.from).blocks && !found.consent_of();
        if (pulse.relay && wanted) relay_to_peer(*router, *probe, pulse, peer);
        reply(Unit{});
      });
    });
  }
  const PrivacyRule& online = account_->privacy().rule(Rule::online);
  pulse.relay = online.audience == Audience::everyone && online.except.empty();
  auto skip = std::make_shared<std::vector<UserId>>(account_->blocked());
  skip->push_back(user_);
  std::sort(skip->begin(), skip->end());
  with_group(id, asked.chat(), [router = &host_->router, probe = &host_->probe, pulse, skip, id,
                                most = options.typing_max_members](Chat& found, const Group::Member&, const AnchorPtr& anchor) {
    if (pulse.relay && found.group()->count() <= most) relay_to_group(*router, *probe, pulse, found, skip);
    if (id != 0) to_session(anchor, [id](Session& session) { session.answer_done(id); });
  });
}

}  // namespace godwit

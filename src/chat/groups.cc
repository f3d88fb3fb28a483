// What groups have beyond direct chats: who may do what, changes of members, invite links.
#include <algorithm>
#include <utility>

#include "chat/chat_service.h"
#include "godwit.pb.h"
#include "protocol/codec.h"

namespace godwit {
namespace {

// By the rates of the group and of its members.
bool is_limited(const SendRequest& request) {
  return !request.of_server && (!request.action || request.commit != nullptr);
}

}  // namespace

void ChatService::decide_in_group(Chat& chat, SendRequest request, const DedupKey& key, std::uint64_t hash,
                                  std::int64_t now_ms) {
  Group none;
  Group* group = chat.group();
  if (group == nullptr) {
    if (!request.action || chat.exists()) return answer(request, Errc::chat_not_found);
    if (request.action->kind == GroupAction::Kind::join) return answer(request, Errc::invite_link_invalid);
    if (request.action->kind != GroupAction::Kind::create) return answer(request, Errc::chat_not_found);
    group = &none;
  }
  Result<GroupPlan> plan = request.action ? group->plan(*request.action, request.from, now_ms, options_.groups)
                                          : Result<GroupPlan>(GroupPlan());
  if (!plan) return answer(request, plan.error());
  if (!plan->waits && !plan->refuses) {
    if (const Status admitted = admit_to_group(chat, *group, request); !admitted) {
      return answer(request, admitted.error());
    }
    const auto is_in = [&](UserId user) {
      return plan->adds(user) || (group->present(user) != nullptr && !plan->removes(user));
    };
    if (!admit_joins(chat, request, is_in)) return;
    if (const Status admitted = take_group_rate(*group, request); !admitted) return answer(request, admitted.error());
    return accept_in_group(chat, *group, std::move(request), std::move(*plan), key, hash, now_ms);
  }
  store::GroupDoorChanged change;
  if (plan->waits) {
    change.set_asks(request.from.value);
    change.set_asks_by(plan->used_link);
  } else {
    change.set_refused(request.action->applicant.value);
  }
  change_door(chat.id(), std::move(change), [this, request = std::move(request), version = group->version()](const Status& done) {
    answer(request, done ? Result<SentInfo>(SentInfo{{}, 0, version}) : Result<SentInfo>(done.error()));
  });
}

// A message, the removal of one, or a commit, with or without a change. Any member may commit: keys are renewed by
// those, too, who may not post. Changes without a commit are not limited.
Status ChatService::admit_to_group(Chat& chat, Group& group, SendRequest& request) {
  if (!is_limited(request)) return Unit{};
  if (!request.action) {
    const bool member = group.present(request.from) != nullptr;
    const bool any_member = request.removes_seq != 0 || request.commit != nullptr;
    const Status possible = any_member ? (member ? Status(Unit{}) : Errc::chat_not_found) : group.may_post(request.from);
    if (!possible) return possible;
  }
  if (const Status fine = check_epoch(chat, request); !fine) {
    stale_commits_.Increment();
    return fine;
  }
  if (std::exchange(request.admitted, true)) return Unit{};
  // Who comes in by a link is no member yet: the rates of users bound that.
  Group::Member* sender = group.find(request.from);
  return sender == nullptr ? Status(Unit{}) : take_rate(sender->sends, options_.group_sender_messages_per_s, request);
}

// Last of all: nobody uses up the group's rate with what is refused.
Status ChatService::take_group_rate(Group& group, const SendRequest& request) {
  return is_limited(request) ? take_rate(group.sends, options_.group_messages_per_s, request) : Status(Unit{});
}

Status ChatService::take_rate(TokenBucket& bucket, std::uint32_t rate, const SendRequest& request) {
  const std::uint32_t cost = std::min(1 + commit_tokens(request), 4 * rate);
  const std::uint32_t wait = bucket.take(wiring_.clock.steady_ms(), rate, 4 * rate, cost);
  if (wait == 0) return Unit{};
  group_limited_.Increment();
  return Error(Errc::rate_limited, "too many messages to this group", wait);
}

void ChatService::accept_in_group(Chat& chat, Group& group, SendRequest request, GroupPlan plan, const DedupKey& key,
                                  std::uint64_t hash, std::int64_t now_ms) {
  const Chat::Place place = chat.decide(now_ms, request.id);
  const std::int64_t delta = place.time_ms - request.id.time_ms();
  const bool content = !plan.event && request.event.empty();
  const bool expires = content && !request.ends_epoch;
  const std::uint32_t ttl_s = expires ? (request.ttl_s != 0 ? request.ttl_s : group.settings().ttl_s) : 0;

  auto record = std::make_shared<Record>();
  record->body.set_time_ms(place.time_ms);
  auto& message = *record->body.mutable_message();
  message.set_chat(chat.id().str());
  message.set_chat_seq(place.seq.value);
  message.set_group_sender(request.from.value);
  // Who changes something is told on all devices, the present one as well: all see the same history.
  message.set_copy_to_sender(request.copy_to_sender || !content);
  std::vector<UserId> joining;
  std::string event = std::move(request.event);
  if (plan.event) {
    for (auto& member : *plan.event->mutable_members()) {
      if (member.joined_seq() != 0) continue;
      member.set_joined_seq(place.seq.value);
      joining.push_back(UserId(member.user_id()));
    }
    event = plan.event->SerializeAsString();
    message.set_changes_members(plan.changes_members);
    message.set_used_link(plan.used_link);
    message.set_encrypted(request.action->encrypted);
    for (const UserId user : plan.leavers) message.add_leavers(user.value);
    for (const UserId user : joining) message.add_joiners(user.value);
  }
  EnvelopeExtras extras;
  extras.chat = chat.id();
  extras.ttl_s = ttl_s;
  extras.relates_to = request.relates_to;
  extras.event = event;
  add_commit(request, message, extras);
  message.set_envelope(
      encode_envelope(request.id, request.from, request.device, place.seq, delta, request.payload, extras));
  if (ttl_s != 0) message.set_expires_ms(place.time_ms + static_cast<std::int64_t>(ttl_s) * 1000);
  if (request.removes_seq != 0) {
    message.set_removes_seq(request.removes_seq);
    message.set_removed_envelope(std::move(request.removed_envelope));
  }
  record->recipients = group.recipients(wiring_.map, joining);
  group_messages_.Increment();
  group_entries_.Increment(static_cast<double>(record->recipients->size()));
  if (plan.event != nullptr) group_changes_.Increment();
  if (request.ends_epoch) commits_.Increment();
  if (plan.event != nullptr || request.ends_epoch) hold_for(chat, place.seq);
  dedup_.insert(key, {place.seq, place.time_ms, hash, false});
  write(std::move(record), request, {place.seq, delta, plan.event ? plan.event->version() : group.version()});
}

void ChatService::change_door(const ChatId& id, store::GroupDoorChanged change,
                              std::function<void(const Status&)> done) {
  auto record = std::make_shared<Record>();
  change.set_chat(id.str());
  *record->body.mutable_group_door() = std::move(change);
  write(std::move(record), std::move(done));
}

void ChatService::make_link(const ChatId& id, const NewLink& link, std::function<void(const Status&)> reply) {
  chats_.with(id, [this, link, reply = std::move(reply)](Chat& chat) {
    Group* group = chat.group();
    const Group::Member* by = group != nullptr ? group->present(link.by) : nullptr;
    if (by == nullptr) return reply(Errc::chat_not_found);
    if (by->role < group->settings().may_add) return reply(Errc::not_allowed);
    // Those that are of no use any more make room.
    std::vector<std::string> dead;
    const std::int64_t now = wiring_.clock.wall_ms();
    for (const Group::Link& known : group->links()) {
      if (known.expires_ms <= now || known.uses_left == std::optional(0U)) dead.push_back(known.id);
    }
    if (group->links().size() - dead.size() >= options_.groups.max_links) {
      return reply(Error(Errc::too_large, "the group has as many invite links as allowed"));
    }
    for (const std::string& one : dead) {
      store::GroupDoorChanged gone;
      gone.set_revoked_link(one);
      change_door(chat.id(), std::move(gone), [](const Status&) {});
    }
    store::GroupDoorChanged change;
    auto& made = *change.mutable_link();
    made.set_id(link.link.id);
    made.set_hash(link.link.hash);
    made.set_expires_ms(link.link.expires_ms);
    made.set_limited(link.link.uses_left.has_value());
    made.set_uses_left(link.link.uses_left.value_or(0));
    made.set_approve(link.link.approve);
    made.set_made_by(link.by.value);
    change_door(chat.id(), std::move(change), reply);
  });
}

void ChatService::revoke_link(const ChatId& id, UserId by, const std::string& link_id,
                              std::function<void(const Status&)> reply) {
  chats_.with(id, [this, by, link_id, reply = std::move(reply)](Chat& chat) {
    Group* group = chat.group();
    const Group::Member* member = group != nullptr ? group->present(by) : nullptr;
    if (member == nullptr) return reply(Errc::chat_not_found);
    const auto& links = group->links();
    const auto link = std::find_if(links.begin(), links.end(), [&](const auto& one) { return one.id == link_id; });
    if (link == links.end()) return reply(Errc::invite_link_invalid);
    if (link->made_by != by && member->role < Role::admin) return reply(Errc::not_allowed);
    store::GroupDoorChanged change;
    change.set_revoked_link(link_id);
    change_door(chat.id(), std::move(change), reply);
  });
}

}  // namespace godwit

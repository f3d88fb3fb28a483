// What an action on a group comes to, or why it may not be.
#include <algorithm>

#include "chat/group.h"
#include "godwit.pb.h"

namespace godwit {
namespace {

template <class Set>
bool contains(const Set& set, UserId user) {
  return std::find(set.begin(), set.end(), user.value) != set.end();
}

void add_member(v1::ChatEvent& event, UserId user, Role role, std::uint64_t joined_seq) {
  auto& member = *event.add_members();
  member.set_user_id(user.value);
  member.set_role(static_cast<v1::Role>(role));
  member.set_joined_seq(joined_seq);
}

bool is_changed(const v1::ChatEvent& event, UserId user) {
  return std::any_of(event.members().begin(), event.members().end(),
                     [&](const v1::Member& member) { return member.user_id() == user.value; });
}

// Members present and past, and those who are banned.
std::size_t max_rows(const GroupLimits& limits) {
  return 4ULL * limits.max_members;
}

}  // namespace

bool GroupPlan::adds(UserId user) const {
  return event != nullptr && is_changed(*event, user);
}

bool GroupPlan::removes(UserId user) const {
  return std::find(leavers.begin(), leavers.end(), user) != leavers.end();
}

Result<GroupPlan> Group::plan(const GroupAction& action, UserId actor, std::int64_t now_ms,
                              const GroupLimits& limits) const {
  GroupPlan plan;
  plan.event = std::make_shared<v1::ChatEvent>();
  Status possible = Unit{};
  if (action.kind == GroupAction::Kind::create) {
    if (action.add.size() + 1 > limits.max_members) return Errc::group_full;
    plan.event->set_created(true);
    plan.event->set_name(action.name.value_or(""));
    *plan.event->mutable_settings() = *action.settings;
    add_member(*plan.event, actor, Role::owner, 0);
    for (const UserId user : action.add) {
      if (user != actor) add_member(*plan.event, user, Role::member, 0);
    }
    plan.changes_members = true;
  } else if (action.kind == GroupAction::Kind::join) {
    possible = plan_join(action, actor, now_ms, limits, plan);
  } else {
    const Member* member = present(actor);
    if (member == nullptr) return Errc::chat_not_found;
    possible = plan_change(action, *member, limits, plan);
  }
  if (possible) possible = check_commit(action, actor, plan);
  if (!possible) return possible.error();
  plan.event->set_version(version_ + 1);
  return plan;
}

// In a group marked as encrypted, who is in it changes by commits alone; but who leaves cannot make one (RFC 9420,
// section 12.2), nor who is not let in yet.
Status Group::check_commit(const GroupAction& action, UserId actor, const GroupPlan& plan) const {
  if (action.commit) {
    if (plan.removes(actor)) return Error(Errc::invalid_argument, "who leaves makes no commit; remove others first");
    if (plan.waits || plan.refuses) return Error(Errc::invalid_argument, "a commit is for when somebody comes in");
    return Unit{};
  }
  const bool by_itself = plan.leavers.size() == 1 && plan.leavers.front() == actor;
  const bool comes = action.kind == GroupAction::Kind::join || action.kind == GroupAction::Kind::answer_join ||
                     !action.add.empty();
  const bool needed = encrypted_ && !plan.waits && !plan.refuses && (comes || (!plan.leavers.empty() && !by_itself));
  return needed ? Status(Errc::commit_needed) : Status(Unit{});
}

Status Group::plan_change(const GroupAction& action, const Member& actor, const GroupLimits& limits,
                          GroupPlan& plan) const {
  const bool admin = actor.role >= Role::admin;
  if (action.kind == GroupAction::Kind::answer_join) {
    if (!admin) return Errc::not_allowed;
    if (std::find(asking_.begin(), asking_.end(), action.applicant) == asking_.end()) return Errc::member_not_found;
    plan.refuses = !action.accept;
    return action.accept ? plan_add(action.applicant, limits, plan) : Status(Unit{});
  }
  if (action.if_version != 0 && action.if_version != version_) {
    return Error(Errc::wrong_state, "the group has changed meanwhile");
  }
  if (action.name) {
    if (actor.role < settings_.may_rename) return Errc::not_allowed;
    plan.event->set_name(*action.name);
  }
  if (action.settings) {
    if (!admin) return Errc::not_allowed;
    *plan.event->mutable_settings() = *action.settings;
  }
  if (const Status possible = plan_members(action, actor, limits, plan); !possible) return possible;
  return plan_roles(action, actor, plan);
}

Status Group::plan_members(const GroupAction& action, const Member& actor, const GroupLimits& limits,
                           GroupPlan& plan) const {
  const bool admin = actor.role >= Role::admin;
  if (!action.add.empty() && actor.role < settings_.may_add) return Errc::not_allowed;
  for (const UserId user : action.add) {
    if (const Status possible = plan_add(user, limits, plan); !possible) return possible;
  }
  const auto go = [&](UserId user) {
    if (contains(plan.event->removed(), user)) return;
    plan.event->add_removed(user.value);
    plan.leavers.push_back(user);
    plan.changes_members = true;
  };
  for (const UserId user : action.remove) {
    const Member* leaving = present(user);
    if (user != actor.user && !admin) return Errc::not_allowed;
    if (leaving == nullptr) return Errc::member_not_found;
    if (leaving->role == Role::owner && user != actor.user) return Errc::not_allowed;
    go(user);
  }
  for (const UserId user : action.ban) {
    const Member* leaving = present(user);
    if (!admin || user == actor.user || (leaving != nullptr && leaving->role == Role::owner)) return Errc::not_allowed;
    if (is_changed(*plan.event, user)) return Error(Errc::invalid_argument, "nobody is added and banned at once");
    if (leaving != nullptr) go(user);
    if (find(user) == nullptr && members_.size() + static_cast<std::size_t>(plan.event->banned_size()) >= max_rows(limits)) {
      return Errc::group_full;
    }
    plan.event->add_banned(user.value);
  }
  if (!action.unban.empty() && !admin) return Errc::not_allowed;
  for (const UserId user : action.unban) plan.event->add_unbanned(user.value);
  if (!contains(plan.event->removed(), actor.user)) return Unit{};
  if (!action.roles.empty()) return Error(Errc::invalid_argument, "who leaves gives no roles; hand over first");
  if (actor.role == Role::owner) plan_successor(actor.user, plan);
  return Unit{};
}

Status Group::plan_add(UserId user, const GroupLimits& limits, GroupPlan& plan) const {
  const Member* known = find(user);
  if (known != nullptr && known->present()) return Errc::already_member;
  if (known != nullptr && known->banned) return Error(Errc::not_allowed, "the user is banned from the group");
  const auto members = plan.event->members_size();
  if (count_ + static_cast<std::uint32_t>(members) + 1 > limits.max_members ||
      members_.size() + static_cast<std::size_t>(members) + 1 > max_rows(limits)) {
    return Errc::group_full;
  }
  for (const auto& added : plan.event->members()) {
    if (added.user_id() == user.value) return Unit{};
  }
  add_member(*plan.event, user, Role::member, 0);
  plan.changes_members = true;
  return Unit{};
}

Status Group::plan_roles(const GroupAction& action, const Member& actor, GroupPlan& plan) const {
  bool handed_over = false;
  for (const auto& [user, role] : action.roles) {
    const Member* changed = present(user);
    if (changed == nullptr || contains(plan.event->removed(), user)) return Errc::member_not_found;
    if (is_changed(*plan.event, user)) return Error(Errc::invalid_argument, "a member is named twice");
    if (role == Role::none) return Error(Errc::invalid_argument, "a member has a role; `remove` takes it away");
    if (role == Role::owner) {
      if (actor.role != Role::owner || user == actor.user) return Errc::not_allowed;
      if (std::exchange(handed_over, true)) return Error(Errc::invalid_argument, "a group has one owner");
      if (is_changed(*plan.event, actor.user)) return Error(Errc::invalid_argument, "a member is named twice");
      add_member(*plan.event, actor.user, Role::admin, actor.joined());
    } else if (actor.role < Role::admin || changed->role == Role::owner) {
      return Errc::not_allowed;
    }
    add_member(*plan.event, user, role, changed->joined());
  }
  return Unit{};
}

// The admin, else the member, of longest standing follows.
void Group::plan_successor(UserId leaving, GroupPlan& plan) const {
  const Member* next = nullptr;
  for (const Member& member : members_) {
    if (!member.present() || member.user == leaving || contains(plan.event->removed(), member.user)) continue;
    if (next == nullptr || member.role > next->role ||
        (member.role == next->role && member.joined() < next->joined())) {
      next = &member;
    }
  }
  if (next != nullptr) {
    add_member(*plan.event, next->user, Role::owner, next->joined());
  } else if (plan.event->members_size() > 0) {
    plan.event->mutable_members(0)->set_role(v1::OWNER);  // who was let in before the door closed
  }
}

Status Group::plan_join(const GroupAction& action, UserId actor, std::int64_t now_ms, const GroupLimits& limits,
                        GroupPlan& plan) const {
  const Link* link = usable_link(action.link_hash, now_ms);
  if (link == nullptr) return Errc::invite_link_invalid;
  if (const Status possible = plan_add(actor, limits, plan); !possible) return possible;
  if (link->approve) {
    if (std::find(asking_.begin(), asking_.end(), actor) == asking_.end() && asking_.size() >= limits.max_asking) {
      return Errc::group_full;
    }
    plan.waits = true;
  }
  plan.used_link = link->id;
  return Unit{};
}

const Group::Link* Group::usable_link(const std::string& hash, std::int64_t now_ms) const {
  const auto link = std::find_if(links_.begin(), links_.end(), [&](const Link& one) { return one.hash == hash; });
  const bool usable =
      count_ != 0 && link != links_.end() && link->expires_ms > now_ms && link->uses_left != std::optional(0U);
  return usable ? &*link : nullptr;
}

Status Group::may_come_in(UserId user, const std::string& link_hash, std::int64_t now_ms) const {
  const Link* link = usable_link(link_hash, now_ms);
  if (link == nullptr) return Errc::invite_link_invalid;
  if (link->approve) return Error(Errc::not_allowed, "who comes by this link waits for an admin");
  const Member* known = find(user);
  if (known != nullptr && known->banned) return Error(Errc::not_allowed, "the user is banned from the group");
  return Unit{};
}

}  // namespace godwit

#include "chat/group.h"

#include <algorithm>

#include "godwit.pb.h"
#include "protocol/codec.h"
#include "storage/keys.h"

namespace godwit {
namespace {

constexpr std::size_t kMaxSpans = 16;
// Messages whose senders are told of receipts, and of how many at once.
constexpr std::size_t kMaxRecent = 1'024;
constexpr std::size_t kMaxCounts = 32;

Role role_or(v1::Role role, Role otherwise) {
  return role == v1::NONE ? otherwise : static_cast<Role>(role);
}

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

bool Group::Member::was_in_at(std::uint64_t seq) const {
  return std::any_of(spans.begin(), spans.end(),
                     [&](const Span& span) { return span.joined <= seq && (span.left == 0 || seq <= span.left); });
}

void Group::load(const store::GroupRow& row, const MoreRows& members) {
  name_ = row.name();
  settings_ = {static_cast<Role>(row.may_post()), static_cast<Role>(row.may_add()),
               static_cast<Role>(row.may_rename()), row.ttl_s()};
  version_ = row.version();
  epoch_ = row.epoch();
  encrypted_ = row.encrypted();
  for (const auto& link : row.links()) {
    links_.push_back({link.id(), link.hash(), link.expires_ms(),
                      link.limited() ? std::optional(link.uses_left()) : std::nullopt, link.approve(),
                      UserId(link.made_by())});
  }
  for (const std::uint64_t user : row.asking()) asking_.push_back(UserId(user));
  store::MemberRow stored;
  members_.reserve(members.size());
  for (const auto& [key, value] : members) {
    if (!stored.ParseFromString(value)) continue;
    Member& member = members_.emplace_back();
    member.user = UserId(seq_of_key(key));
    member.role = static_cast<Role>(stored.role());
    member.banned = stored.banned();
    member.delivered = stored.delivered();
    member.read = stored.read();
    member.shown_read = stored.shown_read();
    member.changed_seq = stored.changed_seq();
    member.hidden.assign(stored.hidden().begin(), stored.hidden().end());
    for (const auto& span : stored.spans()) member.spans.push_back({span.joined(), span.left()});
    count_ += member.present() ? 1 : 0;
  }
}

void Group::store_row(store::GroupRow& row) const {
  row.set_name(name_);
  row.set_may_post(static_cast<std::uint32_t>(settings_.may_post));
  row.set_may_add(static_cast<std::uint32_t>(settings_.may_add));
  row.set_may_rename(static_cast<std::uint32_t>(settings_.may_rename));
  row.set_ttl_s(settings_.ttl_s);
  row.set_version(version_);
  row.set_epoch(epoch_);
  row.set_encrypted(encrypted_);
  for (const Link& link : links_) {
    auto& stored = *row.add_links();
    stored.set_id(link.id);
    stored.set_hash(link.hash);
    stored.set_expires_ms(link.expires_ms);
    stored.set_limited(link.uses_left.has_value());
    stored.set_uses_left(link.uses_left.value_or(0));
    stored.set_approve(link.approve);
    stored.set_made_by(link.made_by.value);
  }
  for (const UserId user : asking_) row.add_asking(user.value);
}

std::size_t Group::collect_members(Partition partition, const ChatId& chat, Collector& out) {
  if (dirty_members_ == 0) return 0;
  store::MemberRow row;
  for (Member& member : members_) {
    member.collected = std::exchange(member.dirty, false);
    if (!member.collected) continue;
    row.Clear();
    row.set_role(static_cast<std::uint32_t>(member.role));
    row.set_banned(member.banned);
    row.set_delivered(member.delivered);
    row.set_read(member.read);
    row.set_shown_read(member.shown_read);
    row.set_changed_seq(member.changed_seq);
    for (const std::uint64_t seq : member.hidden) row.add_hidden(seq);
    for (const Span& span : member.spans) {
      auto& stored = *row.add_spans();
      stored.set_joined(span.joined);
      stored.set_left(span.left);
    }
    out.rows.put(Column::member, member_key(partition, chat, member.user), row.SerializeAsString());
  }
  return std::exchange(dirty_members_, 0);
}

void Group::checkpoint_failed() {
  for (Member& member : members_) {
    if (!std::exchange(member.collected, false) || std::exchange(member.dirty, true)) continue;
    ++dirty_members_;
  }
}

const Group::Member* Group::find(UserId user) const {
  const auto it = std::lower_bound(members_.begin(), members_.end(), user,
                                   [](const Member& member, UserId id) { return member.user < id; });
  return it != members_.end() && it->user == user ? &*it : nullptr;
}

Group::Member* Group::find(UserId user) {
  return const_cast<Member*>(std::as_const(*this).find(user));
}

const Group::Member* Group::present(UserId user) const {
  const Member* member = find(user);
  return member != nullptr && member->present() ? member : nullptr;
}

Group::Member& Group::member(UserId user) {
  const auto it = std::lower_bound(members_.begin(), members_.end(), user,
                                   [](const Member& member, UserId id) { return member.user < id; });
  if (it != members_.end() && it->user == user) return *it;
  Member& made = *members_.insert(it, Member());
  made.user = user;
  return made;
}

Status Group::may_post(UserId user) const {
  const Member* member = present(user);
  if (member == nullptr) return Errc::chat_not_found;
  if (member->role < settings_.may_post) return Error(Errc::not_allowed, "the group's settings do not let you post");
  return Unit{};
}

// ---- what an action comes to

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

// ---- what happened

void Group::set_role(UserId user, Role role, std::uint64_t seq) {
  Member& changed = member(user);
  if (seq <= changed.changed_seq) return;
  changed.changed_seq = seq;
  if (role != Role::none && !changed.present()) join(changed, seq);
  if (role == Role::none && changed.present()) leave(changed, seq);
  changed.role = role;
  if (!std::exchange(changed.dirty, true)) ++dirty_members_;
}

void Group::join(Member& member, std::uint64_t seq) {
  if (member.spans.size() >= kMaxSpans) member.spans.erase(member.spans.begin());
  member.spans.push_back({seq, 0});
  // What was before is not the member's to receive.
  member.delivered = member.read = member.shown_read = seq - 1;
  ++count_;
}

void Group::leave(Member& member, std::uint64_t seq) {
  if (!member.spans.empty()) member.spans.back().left = seq;
  --count_;
}

void Group::apply_event(const store::MessageAppended& message) {
  const auto view = parse_envelope(message.envelope());
  if (!view) return;
  const std::uint64_t seq = message.chat_seq();
  if (message.has_ends_epoch()) epoch_ = std::max(epoch_, message.ends_epoch() + 1);
  if (message.encrypted()) encrypted_ = true;
  v1::ChatEvent event;
  if (view->event.empty() || !event.ParseFromArray(view->event.data(), static_cast<int>(view->event.size()))) {
    if (recent_.size() >= kMaxRecent) recent_.pop_front();
    recent_.push_back({{seq, 0, 0, 0}, view->from});
    // A commit is nobody's writing: it is read with what is before it.
    const Member* sender = find(view->from);
    if (!message.has_ends_epoch() || (sender != nullptr && sender->read + 1 == seq)) has_read(view->from, seq);
    return;
  }
  version_ = std::max(version_, event.version());
  if (event.has_name()) name_ = event.name();
  if (event.has_settings()) {
    const auto& settings = event.settings();
    settings_ = {role_or(settings.may_post(), Role::member), role_or(settings.may_add(), Role::admin),
                 role_or(settings.may_rename(), Role::admin), settings.ttl_s()};
  }
  for (const auto& changed : event.members()) set_role(UserId(changed.user_id()), static_cast<Role>(changed.role()), seq);
  for (const std::uint64_t user : event.removed()) set_role(UserId(user), Role::none, seq);
  const auto ban = [&](std::uint64_t user, bool banned) {
    Member& known = member(UserId(user));
    known.banned = banned;
    if (!std::exchange(known.dirty, true)) ++dirty_members_;
  };
  for (const std::uint64_t user : event.banned()) ban(user, true);
  for (const std::uint64_t user : event.unbanned()) ban(user, false);
  has_read(view->from, seq);
  if (!message.changes_members()) return;
  recipients_ = nullptr;
  std::erase_if(asking_, [&](UserId user) { return present(user) != nullptr; });
  for (Link& link : links_) {
    if (link.id == message.used_link() && link.uses_left && *link.uses_left > 0) --*link.uses_left;
  }
}

// Who writes has read what is before; others are not told.
void Group::has_read(UserId user, std::uint64_t seq) {
  Member* known = find(user);
  if (known == nullptr) return;
  known->read = std::max(known->read, seq);
  if (!std::exchange(known->dirty, true)) ++dirty_members_;
}

void Group::apply_door(const store::GroupDoorChanged& change) {
  if (change.has_link()) {
    const auto& link = change.link();
    links_.push_back({link.id(), link.hash(), link.expires_ms(),
                      link.limited() ? std::optional(link.uses_left()) : std::nullopt, link.approve(),
                      UserId(link.made_by())});
  }
  if (!change.revoked_link().empty()) {
    std::erase_if(links_, [&](const Link& link) { return link.id == change.revoked_link(); });
  }
  const UserId asks(change.asks());
  if (asks && std::find(asking_.begin(), asking_.end(), asks) == asking_.end()) {
    asking_.push_back(asks);
    for (Link& link : links_) {
      if (link.id == change.asks_by() && link.uses_left && *link.uses_left > 0) --*link.uses_left;
    }
  }
  std::erase(asking_, UserId(change.refused()));
}

void Group::hide(UserId user, std::uint64_t seq) {
  Member* known = find(user);
  if (known == nullptr) return;
  known->hidden.push_back(seq);
  if (!std::exchange(known->dirty, true)) ++dirty_members_;
}

void Group::apply_positions(const store::GroupWatermark& watermark) {
  for (const auto& moved : watermark.members()) {
    Member* known = find(UserId(moved.user()));
    if (known == nullptr) continue;
    known->delivered = std::max(known->delivered, moved.delivered());
    known->read = std::max(known->read, moved.read());
    known->shown_read = std::max(known->shown_read, moved.shown_read());
    if (!std::exchange(known->dirty, true)) ++dirty_members_;
  }
}

// ---- recipients

std::shared_ptr<const Recipients> Group::recipients(const PartitionMap& map, const std::vector<UserId>& joining) {
  if (recipients_ != nullptr && joining.empty()) return recipients_;
  auto made = std::make_shared<Recipients>();
  made->by_worker.resize(map.workers);
  const auto add = [&](UserId user) {
    made->by_worker[map.worker(user)].push_back(user);
    made->workers |= map.bit(user);
  };
  for (const Member& member : members_) {
    if (member.present()) add(member.user);
  }
  for (const UserId user : joining) add(user);
  if (!joining.empty()) {
    for (auto& users : made->by_worker) std::sort(users.begin(), users.end());
  }
  if (joining.empty()) recipients_ = made;
  return made;
}

std::shared_ptr<const Recipients> Group::recipients_at(const PartitionMap& map, std::uint64_t seq) const {
  auto made = std::make_shared<Recipients>();
  made->by_worker.resize(map.workers);
  for (const Member& member : members_) {
    if (!member.was_in_at(seq)) continue;
    made->by_worker[map.worker(member.user)].push_back(member.user);
    made->workers |= map.bit(member.user);
  }
  return made;
}

// ---- receipts

bool Group::advance(Member& member, std::uint64_t delivered, std::uint64_t read, bool shown, bool tell_own,
                    std::int64_t now_ms) {
  const std::uint64_t new_read = std::max(member.read, read);
  const std::uint64_t new_delivered = std::max({member.delivered, delivered, new_read});
  const std::uint64_t new_shown = shown ? std::max(member.shown_read, read) : member.shown_read;
  if (new_read == member.read && new_delivered == member.delivered && new_shown == member.shown_read) return false;
  member.deliveries.note(member.delivered, new_delivered, now_ms);
  member.reads.note(member.shown_read, new_shown, now_ms);
  // Who has left keeps no count of it.
  member.tell_own |= member.present() && tell_own && new_read != member.read;
  member.read = new_read;
  member.delivered = new_delivered;
  member.shown_read = new_shown;
  if (!std::exchange(member.moved, true)) moved_.push_back(member.user);
  return true;
}

bool Group::take_moved(store::GroupWatermark& out) {
  for (const UserId user : std::exchange(moved_, {})) {
    Member* moved = find(user);
    if (moved == nullptr) continue;
    moved->moved = false;
    auto& positions = *out.add_members();
    positions.set_user(user.value);
    positions.set_delivered(moved->delivered);
    positions.set_read(moved->read);
    positions.set_shown_read(moved->shown_read);
    if (std::exchange(moved->tell_own, false)) out.add_recipients(user.value);
  }
  return out.members_size() != 0;
}

ReceiptCount Group::counts(std::uint64_t seq, UserId sender) const {
  ReceiptCount count;
  count.chat_seq = seq;
  for (const Member& member : members_) {
    if (member.user == sender || !member.was_in_at(seq)) continue;
    ++count.of;
    count.delivered += member.delivered >= seq ? 1 : 0;
    count.read += member.shown_read >= seq ? 1 : 0;
  }
  return count;
}

namespace {

// Counts for many messages at once: positions of members who have been in throughout are sorted, the few who
// came or went meanwhile are looked at one by one.
class ReceiptCounter {
 public:
  ReceiptCounter(const std::vector<Group::Member>& members, std::uint64_t oldest) {
    for (const Group::Member& member : members) {
      if (member.present() && member.joined() <= oldest) {
        delivered_.push_back(member.delivered);
        read_.push_back(member.shown_read);
      } else if (!member.spans.empty()) {
        others_.push_back(&member);
      }
    }
    std::sort(delivered_.begin(), delivered_.end());
    std::sort(read_.begin(), read_.end());
  }

  ReceiptCount count(std::uint64_t seq, const Group::Member* sender) const {
    ReceiptCount count{seq, at_least(delivered_, seq), at_least(read_, seq),
                       static_cast<std::uint32_t>(delivered_.size())};
    const bool inside = sender != nullptr && std::find(others_.begin(), others_.end(), sender) == others_.end();
    if (inside) {
      --count.of;
      count.delivered -= sender->delivered >= seq ? 1 : 0;
      count.read -= sender->shown_read >= seq ? 1 : 0;
    }
    for (const Group::Member* member : others_) {
      if (member == sender || !member->was_in_at(seq)) continue;
      ++count.of;
      count.delivered += member->delivered >= seq ? 1 : 0;
      count.read += member->shown_read >= seq ? 1 : 0;
    }
    return count;
  }

 private:
  static std::uint32_t at_least(const std::vector<std::uint64_t>& sorted, std::uint64_t seq) {
    return static_cast<std::uint32_t>(sorted.end() - std::lower_bound(sorted.begin(), sorted.end(), seq));
  }

  std::vector<std::uint64_t> delivered_;
  std::vector<std::uint64_t> read_;
  std::vector<const Group::Member*> others_;
};

}  // namespace

std::vector<ReceiptUpdate> Group::take_receipts() {
  std::vector<ReceiptUpdate> updates;
  if (recent_.empty()) return updates;
  const ReceiptCounter counter(members_, recent_.front().told.chat_seq);
  // The newest first: of a sender with many, the latest are told now, the others next time.
  for (auto recent = recent_.rbegin(); recent != recent_.rend(); ++recent) {
    const ReceiptCount now = counter.count(recent->told.chat_seq, find(recent->sender));
    if (now == recent->told) continue;
    auto it = std::find_if(updates.begin(), updates.end(),
                           [&](const ReceiptUpdate& update) { return update.sender == recent->sender; });
    if (it == updates.end()) {
      updates.push_back({recent->sender, {}, {}});
      it = updates.end() - 1;
    }
    if (it->counts.size() >= kMaxCounts) continue;
    recent->told = now;
    it->counts.push_back(now);
  }
  std::erase_if(recent_, [](const Recent& recent) { return recent.told.of != 0 && recent.told.read == recent.told.of; });
  return updates;
}

}  // namespace godwit

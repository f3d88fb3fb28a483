#include "chat/group.h"

#include <algorithm>

#include "godwit.pb.h"
#include "protocol/codec.h"
#include "storage/keys.h"

namespace godwit {
namespace {

constexpr std::size_t kMaxSpans = 16;
// Messages whose senders are told of receipts.
constexpr std::size_t kMaxRecent = 1'024;

Role role_or(v1::Role role, Role otherwise) {
  return role == v1::NONE ? otherwise : static_cast<Role>(role);
}

}  // namespace

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

}  // namespace godwit

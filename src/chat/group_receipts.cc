// How far a group's members have received and read, and what the senders are told of it.
#include <algorithm>
#include <utility>

#include "chat/group.h"
#include "storage/record.h"

namespace godwit {
namespace {

// Of how many messages a sender is told at once.
constexpr std::size_t kMaxCounts = 32;

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

// What a group is: members, roles, settings, invite links, epoch, and how far each member has got.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/token_bucket.h"
#include "chat/progress.h"
#include "chat/receipts.h"
#include "godwit/ids.h"
#include "godwit/result.h"
#include "storage/collector.h"
#include "storage/partition_map.h"
#include "storage/record.h"
#include "storage/row_cache.h"

namespace godwit {

namespace v1 {
class ChatEvent;
class GroupSettings;
}  // namespace v1

// Values of v1::Role, in ascending order of what they may do.
enum class Role : std::uint8_t { none = 0, member = 1, admin = 2, owner = 3 };

struct GroupLimits {
  std::uint32_t max_members = 10'000;
  std::uint32_t max_links = 64;
  std::uint32_t max_asking = 1'000;
};

// What somebody asks of a group. Fields that do not belong to `kind` are ignored.
struct GroupAction {
  enum class Kind : std::uint8_t { create, change, join, answer_join };
  Kind kind = Kind::change;
  std::optional<std::string> name;
  std::shared_ptr<const v1::GroupSettings> settings;
  std::vector<UserId> add;  // of whom it is known that they exist and want to be added
  std::vector<UserId> remove;
  std::vector<UserId> ban;
  std::vector<UserId> unban;
  std::vector<std::pair<UserId, Role>> roles;
  std::uint64_t if_version = 0;
  std::string link_hash;     // join: BLAKE2b-256 of the secret
  UserId applicant;          // answer_join
  bool accept = false;       // answer_join
  bool encrypted = false;    // create
  bool commit = false;       // one comes with it
};

// What follows from an action: the event that goes into the log, or (with `waits`) a request to join.
struct GroupPlan {
  std::shared_ptr<v1::ChatEvent> event;
  std::vector<UserId> leavers;
  bool changes_members = false;
  std::string used_link;  // id
  bool waits = false;     // for an admin's approval
  bool refuses = false;   // a request to join

  // Who is in it afterwards, given who is now.
  bool adds(UserId user) const;
  bool removes(UserId user) const;
};

// Everything that changes comes by records: apply_event() for what is in the log, apply_door() for links and
// requests to join. A past member's row stays, so that it can be told who was to get the message at any
// position (recovery), and who is banned.
//
// Part of a Chat: owner thread only. Bound: GroupLimits; rows of past members up to four times max_members.
class Group {
 public:
  struct Span {
    std::uint64_t joined = 0;
    std::uint64_t left = 0;  // 0: still in
  };
  struct Member {
    UserId user;
    Role role = Role::none;
    bool banned = false;
    bool dirty = false;      // since the last checkpoint
    bool collected = false;  // by the last checkpoint
    bool moved = false;      // positions, since the last GroupWatermark
    bool tell_own = false;   // the user's other devices are to know
    std::uint64_t changed_seq = 0;
    std::uint64_t delivered = 0;
    std::uint64_t read = 0;
    std::uint64_t shown_read = 0;
    std::vector<Span> spans;
    std::vector<std::uint64_t> hidden;  // see Chat::Member
    Progress deliveries;
    Progress reads;
    TokenBucket sends;
    TokenBucket scans;  // looks into the log for old message ids

    bool present() const { return role != Role::none; }
    bool was_in_at(std::uint64_t seq) const;
    std::uint64_t joined() const { return spans.empty() ? 0 : spans.back().joined; }
  };
  struct Link {
    std::string id;    // 8 bytes
    std::string hash;  // 32 bytes
    std::int64_t expires_ms = 0;
    std::optional<std::uint32_t> uses_left;
    bool approve = false;
    UserId made_by;
  };
  struct Settings {
    Role may_post = Role::member;
    Role may_add = Role::admin;
    Role may_rename = Role::admin;
    std::uint32_t ttl_s = 0;
  };

  // RowCache, through Chat.
  void load(const store::GroupRow& row, const MoreRows& members);
  void store_row(store::GroupRow& row) const;
  // Rows of the members that changed; returns how many.
  void checkpoint_failed();
  std::size_t collect_members(Partition partition, const ChatId& chat, Collector& out);

  // Decides what an action comes to, or why not. Changes nothing.
  Result<GroupPlan> plan(const GroupAction& action, UserId actor, std::int64_t now_ms, const GroupLimits& limits) const;
  // May the user post now? chat_not_found, not_allowed.
  Status may_post(UserId user) const;
  // May the user come in by the link now, without waiting for an admin? invite_link_invalid, not_allowed.
  Status may_come_in(UserId user, const std::string& link_hash, std::int64_t now_ms) const;

  void apply_event(const store::MessageAppended& message);
  void apply_door(const store::GroupDoorChanged& change);
  void hide(UserId user, std::uint64_t seq);
  void apply_positions(const store::GroupWatermark& watermark);

  const Member* find(UserId user) const;
  Member* find(UserId user);
  // A present member, else null.
  const Member* present(UserId user) const;
  const std::vector<Member>& members() const { return members_; }  // ascending, present and past
  std::uint32_t count() const { return count_; }
  const std::string& name() const { return name_; }
  const Settings& settings() const { return settings_; }
  std::uint64_t version() const { return version_; }
  std::uint64_t epoch() const { return epoch_; }
  bool encrypted() const { return encrypted_; }
  const std::vector<Link>& links() const { return links_; }
  const std::vector<UserId>& asking() const { return asking_; }

  // Who gets the next message; `joining` as well.
  std::shared_ptr<const Recipients> recipients(const PartitionMap& map, const std::vector<UserId>& joining);
  // Who got the message at a position, which has been applied.
  std::shared_ptr<const Recipients> recipients_at(const PartitionMap& map, std::uint64_t seq) const;

  // Raises positions; true when one has moved. `shown`: others may know of what was read.
  bool advance(Member& member, std::uint64_t delivered, std::uint64_t read, bool shown, bool tell_own,
               std::int64_t now_ms);
  // Takes the members that have moved into a record; false when there are none.
  bool take_moved(store::GroupWatermark& out);

  // How many members have received and read the message at `seq` by `sender`.
  ReceiptCount counts(std::uint64_t seq, UserId sender) const;
  // For the newest messages whose counts have changed since the last call, by sender.
  std::vector<ReceiptUpdate> take_receipts();

  // Of the group as a whole; see ChatOptions.
  TokenBucket sends;

 private:
  struct Recent {
    ReceiptCount told;
    UserId sender;
  };
  Member& member(UserId user);
  void set_role(UserId user, Role role, std::uint64_t seq);
  void has_read(UserId user, std::uint64_t seq);
  void join(Member& member, std::uint64_t seq);
  void leave(Member& member, std::uint64_t seq);
  Status plan_change(const GroupAction& action, const Member& actor, const GroupLimits& limits, GroupPlan& plan) const;
  Status plan_members(const GroupAction& action, const Member& actor, const GroupLimits& limits, GroupPlan& plan) const;
  Status plan_roles(const GroupAction& action, const Member& actor, GroupPlan& plan) const;
  Status plan_join(const GroupAction& action, UserId actor, std::int64_t now_ms, const GroupLimits& limits,
                   GroupPlan& plan) const;
  Status plan_add(UserId user, const GroupLimits& limits, GroupPlan& plan) const;
  Status check_commit(const GroupAction& action, UserId actor, const GroupPlan& plan) const;
  const Link* usable_link(const std::string& hash, std::int64_t now_ms) const;
  void plan_successor(UserId leaving, GroupPlan& plan) const;

  std::string name_;
  Settings settings_;
  std::uint64_t version_ = 0;
  std::uint64_t epoch_ = 0;
  bool encrypted_ = false;
  std::vector<Link> links_;
  std::vector<UserId> asking_;
  std::vector<Member> members_;
  std::uint32_t count_ = 0;
  std::size_t dirty_members_ = 0;
  std::vector<UserId> moved_;
  std::deque<Recent> recent_;
  std::shared_ptr<const Recipients> recipients_;  // null when the members have changed
};

}  // namespace godwit

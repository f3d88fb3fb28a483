// Statuses: posts that contacts see for a day. What of them is on one worker.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "base/worker.h"
#include "godwit/clock.h"
#include "godwit/result.h"
#include "journal/record_writer.h"
#include "status/feed_page.h"
#include "status/status_user.h"
#include "storage/row_cache.h"

namespace godwit {

struct StatusOptions {
  std::int64_t ttl_ms = 24LL * 3600 * 1000;
  std::int64_t max_clock_skew_ms = 300'000;  // how far the time in an id may be from the server's clock
  std::uint32_t posts_per_day = 100;         // of one user; 0 is no limit
  std::int64_t view_interval_ms = 1'000;     // between two pushes of how many have seen a status
  std::size_t cached_users = 1'000'000;      // per worker
  StatusUser::Options user;
};

// Values of the wire.
enum class StatusAudience : std::uint8_t { as_set = 0, except = 1, only = 2 };

struct NewStatus {
  UserId author;
  DeviceId device;
  MessageId id;
  std::string payload;
  StatusAudience audience = StatusAudience::as_set;
  std::vector<UserId> users;  // see `audience`
};

struct PostedStatus {
  std::int64_t posted_ms = 0;
  std::int64_t expires_ms = 0;
  std::uint32_t viewers = 0;
};

struct OpenedStatus {
  FeedEntry reference;
  bool muted = false;
  DeviceId device;
  std::string payload;
};

struct StatusViewsPage {
  std::uint32_t count = 0;
  std::vector<StatusViewed> views;  // in order of id
  bool more = false;
};

class StatusService;

// What the service needs of the rest of the process; wired by the router. All but `at` is about users of this
// worker, and runs on it.
struct StatusWiring {
  Worker& worker;
  const PartitionMap& map;
  const Clock& clock;
  const Store& store;
  ReaderPool& readers;
  RecordWriter& writer;
  // Who may see what the author posts, ascending.
  std::function<void(UserId author, StatusAudience audience, std::vector<UserId> users,
                     std::function<void(std::vector<UserId>)>)> viewers;
  // Whether the user blocks the other.
  std::function<void(UserId user, UserId other, std::function<void(bool)>)> blocks;
  // Of a user who is connected, else nobody: those of the authors (ascending) who are contacts and not blocked.
  std::function<std::vector<UserId>(UserId viewer, std::vector<UserId> authors)> followed;
  // Of a user who is connected, else false: whether the user tells others what they read, and so may know of others.
  std::function<bool(UserId user)> tells_views;
  std::function<bool(UserId user)> online;
  // An encoded ServerFrame to all devices of the user; may be lost.
  std::function<void(UserId user, std::string_view frame)> push;
  // The service on the worker of the user, on that worker.
  std::function<void(UserId user, std::function<void(StatusService&)>)> at;
};

// A status is decided and kept by its author's worker; the record names who may see it, whose workers put references
// to it into their feeds. Its content is read from the author's when it is opened.
//
// A post to many viewers is applied in slices of so many per turn, and those who are online are told in slices:
// others have their turn in between. A viewer whom something else concerns meanwhile is reached first.
//
// Owner: one worker; everything on its thread, each call on the worker of the user it names first. Replies come on
// some worker, exactly once: for changes after their commit. One error stands for all statuses that are not there or
// not for the caller: status_not_found.
class StatusService {
 public:
  template <class T>
  using Reply = std::function<void(const Result<T>&)>;

  StatusService(StatusWiring wiring, const StatusOptions& options, Metrics& metrics);

  // The same id again is answered as the first time. message_id_expired, too_large, rate_limited, audience_empty,
  // storage_unavailable.
  void post(NewStatus status, Reply<PostedStatus> reply);
  void remove(UserId author, const MessageId& id, Reply<Unit> reply);
  // Before the account goes: removes all posts and takes no more, until reopen().
  void remove_all(UserId author, Reply<Unit> reply);
  void reopen(UserId author) { closing_.erase(author); }
  // too_large beyond StatusUser::kMaxMuted.
  void mute(UserId user, UserId author, bool lift, Reply<Unit> reply);

  // Of a connected user.
  void list(UserId viewer, const FeedRequest& request, std::function<void(const FeedPage&)> reply);
  void get(UserId viewer, UserId author, const MessageId& id, Reply<OpenedStatus> reply);
  // `shown`: the author may know.
  void view(UserId viewer, UserId author, const MessageId& id, bool shown, Reply<Unit> reply);
  // Who has seen a post, with an id beyond `after`.
  void views(UserId author, const MessageId& id, UserId after, std::size_t limit, Reply<StatusViewsPage> reply);
  void with_user(UserId user, std::function<void(StatusUser&)> fn) { users_.with(user, std::move(fn)); }

  // A committed record that concerns this worker; also at recovery.
  void applied(const RecordPtr& record);
  // Before the records of the turn are handed over: what is due by time.
  void end_turn();
  // Everything committed is in the rows afterwards.
  void finish_fan_outs();

  RowCache<UserId, StatusUser>& users() { return users_; }

 private:
  using Name = std::pair<UserId, MessageId>;
  // A post on its way to the journal, and who waits for it.
  struct Deciding {
    RecordPtr record;
    std::vector<Reply<PostedStatus>> repeats;
  };
  // A record on its way to viewers.
  struct FanOut {
    RecordPtr record;
    std::vector<UserId> viewers;  // ascending; reached before `next`
    std::size_t next = 0;
    std::vector<UserId> online;  // of those reached
  };
  // Something to be told to users who are online.
  struct News {
    std::string frame;  // encoded
    UserId author;
    std::uint64_t lsn = 0;
    bool removed = false;
  };
  struct Telling {
    std::shared_ptr<const News> news;
    std::vector<UserId> viewers;
    std::size_t next = 0;
  };
  struct Counting {
    std::int64_t at_ms = 0;  // steady
    Name name;
  };

  std::shared_ptr<Record> new_record() const;
  // Hands a record to the journal; `done` runs on this worker.
  void write(RecordPtr record, std::function<void(Errc)> done);
  bool mine(UserId user) const { return wiring_.map.worker(user) == wiring_.worker.index(); }

  bool answer_repeat(const StatusUser& author, const MessageId& id, const Reply<PostedStatus>& reply);
  Status admit(const StatusUser& author, const MessageId& id) const;
  std::vector<MessageId> deciding_of(UserId author) const;
  void decide(StatusUser& author, NewStatus& status, const std::vector<UserId>& viewers,
              const Reply<PostedStatus>& reply);
  void remove_any(UserId author, const MessageId& id, Reply<Unit> reply);
  void remove_next(UserId author, std::shared_ptr<std::vector<MessageId>> ids, Reply<Unit> reply);
  void write_removal(UserId author, const MessageId& id, const google::protobuf::RepeatedField<std::uint64_t>& viewers,
                     Reply<Unit> reply);
  void take_away_from_blocked();

  // fan_out.cc
  void fan_out(const RecordPtr& record, const google::protobuf::RepeatedField<std::uint64_t>& viewers);
  void fan_out_some(std::size_t budget);
  void fan_out_later();
  void reach_some(FanOut& step, std::size_t count);
  void reach(FanOut& step, UserId viewer);
  // What was committed before reaches the user.
  void reach_now(UserId user);
  void apply(UserId user, const RecordPtr& record);
  void tell(FanOut& step);
  void tell_some();
  void tell_one(const StatusUser& viewer, const News& news);
  static std::shared_ptr<const News> news_of(const Record& record);

  // views.cc
  // On the author's worker: completes what the viewer's knows.
  void open(UserId viewer, OpenedStatus status, Reply<OpenedStatus> reply);
  void count_changed(const Name& name);
  void tell_count(const Name& name);
  void tell_due_counts();

  const StatusWiring wiring_;
  const StatusOptions options_;
  RowCache<UserId, StatusUser> users_;
  std::map<Name, Deciding> deciding_;
  std::set<Name> removing_;
  std::set<std::pair<UserId, Name>> viewing_;  // viewer, what: on their way to the journal
  std::set<UserId> closing_;
  std::deque<std::pair<UserId, UserId>> blocked_;  // author, viewer who is to lose what there is
  std::deque<FanOut> fan_outs_;
  bool fanning_out_ = false;  // the rest of fan_outs_ is for a later turn
  std::deque<Telling> telling_;
  std::size_t to_tell_ = 0;  // users in telling_
  bool telling_later_ = false;
  std::map<Name, bool> counted_;  // told within the interval; whether it has changed since
  std::deque<Counting> counts_due_;

  Counter& posted_;
  Counter& repeated_;
  Counter& removed_;
  Counter& references_;
  Gauge& references_waiting_;
  Counter& news_;
  Counter& news_dropped_;
  Gauge& news_waiting_;
  Counter& pages_;
  Counter& opened_;
  Counter& views_;
  Counter& view_counts_;
};

}  // namespace godwit

// Two workers with their calls, without threads: what is meant for the other worker waits until settle().
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "base/random.h"
#include "call/call_service.h"
#include "godwit.pb.h"

namespace godwit {

// Users live on worker `id % 2`; chats on worker 0.
inline constexpr UserId kAnn{10};
inline constexpr UserId kBob{11};
inline constexpr UserId kCat{12};
inline constexpr CallParty kAnnPhone{kAnn, DeviceId(1)};
inline constexpr CallParty kAnnDesk{kAnn, DeviceId(2)};
inline constexpr CallParty kBobPhone{kBob, DeviceId(1)};
inline constexpr CallParty kBobDesk{kBob, DeviceId(2)};
inline constexpr CallParty kCatPhone{kCat, DeviceId(1)};

class CallFixture : public ::testing::Test {
 protected:
  CallFixture() {
    init_crypto();
    group_ = ChatId::from(random_bytes(16));
    for (const UserId user : {kAnn, kBob, kCat}) {
      accounts_[user].exists = true;
      accounts_[user].devices = {DeviceId(1), DeviceId(2)};
      members_.insert(user);
    }
    restart();
  }

  void restart() {
    services_.clear();
    under_way_ = 0;
    for (unsigned i = 0; i < 2; ++i) services_.push_back(std::make_unique<CallService>(wiring(i), options_, metrics_));
  }

  CallWiring wiring(unsigned index) {
    const auto at = [this](unsigned target, std::function<void(CallService&)> fn) {
      if (target == worker_) return fn(*services_[target]);
      posted_.emplace_back(target, std::move(fn));
    };
    return CallWiring{
        clock_,
        under_way_,
        [at](UserId user, std::function<void(CallService&)> fn) { at(user.value % 2, std::move(fn)); },
        [at](const ChatId&, std::function<void(CallService&)> fn) { at(0, std::move(fn)); },
        [this, index](UserId user) {
          EXPECT_EQ(user.value % 2, index);
          std::vector<DeviceId> devices;
          for (const CallParty& party : connected_) {
            if (party.user == user) devices.push_back(party.device);
          }
          return devices;
        },
        [this, index](const CallParty& party, std::string_view bytes) {
          EXPECT_EQ(party.user.value % 2, index);
          if (!connected_.contains(party)) return;
          v1::ServerFrame frame;
          EXPECT_TRUE(frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
          pushed_[party].push_back(frame);
        },
        [this](UserId callee, UserId, std::function<void(const Callee&)> reply) { reply(accounts_[callee]); },
        [this](WakeUp wake) { wakes_.push_back(std::move(wake)); },
        [this](const ChatId& chat, UserId user, std::function<void(const ChatStanding&)> reply) {
          ChatStanding standing = standing_;
          standing.member = chat == group_ && members_.contains(user);
          reply(standing);
        },
        [this](CallEntry entry, std::function<void(const Status&)> reply) {
          records_.push_back(entry);
          if (held_records_ && entry.begins) {
            held_.push_back(std::move(reply));
          } else {
            reply(entry.begins ? record_answer_ : Status(Unit{}));
          }
        }};
  }

  // Tasks that were posted, and what they post.
  void settle() {
    while (!posted_.empty()) {
      auto [target, fn] = std::move(posted_.front());
      posted_.pop_front();
      worker_ = target;
      fn(*services_[target]);
    }
    worker_ = 0;
  }
  template <class F>
  void on(unsigned worker, F fn) {
    worker_ = worker;
    fn(*services_[worker]);
    worker_ = 0;
  }

  void connect(const CallParty& party) {
    connected_.insert(party);
    on(party.user.value % 2, [&](CallService& s) { s.devices().device_live(party.user, party.device); });
    settle();
  }
  void disconnect(const CallParty& party) {
    connected_.erase(party);
    on(party.user.value % 2, [&](CallService& s) { s.devices().device_gone(party.user, party.device); });
    settle();
  }
  void connect_all() {
    for (const CallParty& party : {kAnnPhone, kAnnDesk, kBobPhone, kBobDesk, kCatPhone}) connect(party);
  }
  void pass(std::int64_t ms) {
    clock_.advance(ms);
    for (unsigned i = 0; i < 2; ++i) on(i, [](CallService& s) { s.tick(); });
    settle();
  }

  // Of two users there is one chat.
  static ChatId chat_of(UserId a, UserId b) {
    std::string id(16, '\0');
    id[0] = static_cast<char>(std::min(a, b).value);
    id[1] = static_cast<char>(std::max(a, b).value);
    return ChatId::from(id);
  }
  MessageId new_id() { return make_message_id(clock_.wall_ms()); }

  using Placed = std::optional<Result<CallPlacedInfo>>;
  void start_place(const CallParty& from, UserId to, const MessageId& id, std::shared_ptr<Placed> out,
                   const std::string& offer = "offer") {
    PlaceRequest request;
    request.from = from;
    request.to = to;
    request.name = {chat_of(from.user, to), id};
    request.kind = CallKind::video;
    request.offer = offer;
    request.reply = [out](const Result<CallPlacedInfo>& result) {
      EXPECT_FALSE(*out) << "answered twice";
      *out = result;
    };
    on(0, [&](CallService& s) { s.place(std::move(request)); });
  }
  Result<CallPlacedInfo> place(const CallParty& from, UserId to, const MessageId& id, const std::string& offer = "offer") {
    auto out = std::make_shared<Placed>();
    start_place(from, to, id, out, offer);
    settle();
    EXPECT_TRUE(*out);
    return out->value_or(Result<CallPlacedInfo>(Errc::internal));
  }

  using Answer = std::optional<Result<std::string>>;
  CallRequest request(const CallParty& from, UserId peer, const MessageId& id, std::shared_ptr<Answer> out) {
    CallRequest made;
    made.from = from;
    made.group = !peer;
    made.name = {peer ? chat_of(from.user, peer) : group_, id};
    made.reply = [out](const Result<std::string>& result) {
      EXPECT_FALSE(*out) << "answered twice";
      *out = result;
    };
    return made;
  }
  template <class F>
  Errc ask(const CallParty& from, UserId peer, const MessageId& id, F fn) {
    auto out = std::make_shared<Answer>();
    on(0, [&](CallService& s) { fn(s, request(from, peer, id, out)); });
    settle();
    EXPECT_TRUE(*out) << "not answered";
    if (!*out) return Errc::internal;
    if (!**out) return (*out)->error().code;
    state_.Clear();
    EXPECT_TRUE(state_.ParseFromString((*out)->value()));
    return Errc::ok;
  }
  Errc ring(const CallParty& from, UserId peer, const MessageId& id) {
    return ask(from, peer, id, [](CallService& s, CallRequest r) { s.ring(std::move(r)); });
  }
  Errc answer(const CallParty& from, UserId peer, const MessageId& id, const std::string& text = "answer") {
    return ask(from, peer, id, [&](CallService& s, CallRequest r) { s.answer(std::move(r), text); });
  }
  Errc end(const CallParty& from, UserId peer, const MessageId& id, CallEnd reason = CallEnd::hung_up) {
    return ask(from, peer, id, [&](CallService& s, CallRequest r) { s.end(std::move(r), reason); });
  }
  Errc resume(const CallParty& from, UserId peer, const MessageId& id) {
    return ask(from, peer, id, [](CallService& s, CallRequest r) { s.resume(std::move(r)); });
  }
  Errc get(const CallParty& from, UserId peer) {
    return ask(from, peer, {}, [](CallService& s, CallRequest r) { s.get(std::move(r)); });
  }
  Errc signal(const CallParty& from, UserId peer, const MessageId& id, const std::string& text, CallParty to = {}) {
    v1::ServerFrame frame;
    frame.mutable_call_signaled()->set_from(from.user.value);
    frame.mutable_call_signaled()->add_payloads(text);
    return ask(from, peer, id, [&](CallService& s, CallRequest r) { s.signal(std::move(r), to, frame.SerializeAsString()); });
  }
  void start_join(const CallParty& from, const MessageId& id, std::shared_ptr<Answer> out, const std::string& token = {}) {
    const CallRequest made = request(from, {}, id, out);
    on(0, [&](CallService& s) { s.join({from, made.name, CallKind::audio, token, made.reply}); });
  }
  Errc join(const CallParty& from, const MessageId& id, const std::string& token = {}) {
    return ask(from, {}, id, [&](CallService& s, CallRequest r) { s.join({from, r.name, CallKind::audio, token, r.reply}); });
  }

  // What was pushed to a device since the last call.
  std::vector<v1::ServerFrame> take(const CallParty& party) { return std::exchange(pushed_[party], {}); }
  // As text: "offered", "changed PHASE REASON", "signaled TEXT", "state N".
  std::vector<std::string> heard(const CallParty& party) {
    std::vector<std::string> texts;
    for (const v1::ServerFrame& frame : take(party)) {
      if (frame.has_call_offered()) texts.push_back("offered " + frame.call_offered().offer());
      if (frame.has_call_signaled()) texts.push_back("signaled " + frame.call_signaled().payloads(0));
      if (frame.has_call_state()) {
        texts.push_back("state " + v1::CallPhase_Name(frame.call_state().phase()) + " " +
                        std::to_string(frame.call_state().participants_size()));
      }
      if (!frame.has_call_changed()) continue;
      std::string text = "changed " + v1::CallPhase_Name(frame.call_changed().phase());
      if (frame.call_changed().reason() != v1::CALL_GOES_ON) text += " " + v1::CallEndReason_Name(frame.call_changed().reason());
      texts.push_back(text);
    }
    return texts;
  }
  v1::CallRecord record(std::size_t index) {
    v1::CallRecord record;
    EXPECT_LT(index, records_.size());
    if (index >= records_.size()) return record;
    EXPECT_TRUE(record.ParseFromString(records_[index].record));
    return record;
  }
  void talk(const MessageId& id) {
    ASSERT_TRUE(place(kAnnPhone, kBob, id));
    ASSERT_EQ(answer(kBobPhone, kAnn, id), Errc::ok);
    for (const CallParty& party : {kAnnPhone, kBobPhone, kBobDesk}) take(party);
  }
  double gauge(const std::string& name) { return metrics_.gauge(name, "x").Value(); }

  ManualClock clock_;
  Metrics metrics_;
  CallOptions options_;
  std::atomic<std::int64_t> under_way_{0};
  std::vector<std::unique_ptr<CallService>> services_;
  unsigned worker_ = 0;
  std::deque<std::pair<unsigned, std::function<void(CallService&)>>> posted_;
  std::set<CallParty> connected_;
  std::map<CallParty, std::vector<v1::ServerFrame>> pushed_;
  std::map<UserId, Callee> accounts_;
  ChatStanding standing_;
  std::set<UserId> members_;
  ChatId group_;
  std::vector<WakeUp> wakes_;
  std::vector<CallEntry> records_;
  Status record_answer_ = Unit{};
  bool held_records_ = false;
  std::vector<std::function<void(const Status&)>> held_;
  v1::CallState state_;
};

}  // namespace godwit

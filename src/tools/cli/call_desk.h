// Calls, as `call`, `calls` and `chat` place, take and show them. There is no sound: what the programs of two
// phones would negotiate is made up, and everything else is as it would be.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "tools/cli/call_book.h"
#include "tools/cli/command_session.h"
#include "tools/cli/news.h"

namespace godwit::cli {

class CallDesk {
 public:
  // `hint` tells how to answer what rings. `session` and `news` outlive it.
  CallDesk(CommandSession& session, News& news, std::string hint);

  // Calls a user, or joins the call of a group and begins it when there is none. Throws CommandError.
  void place(const Conversation& with, v1::CallKind kind);
  // The call that rings, or the one named. Throws CommandError.
  void answer();
  void decline(v1::CallEndReason reason);
  // The call that this device is in. Throws CommandError.
  void hang_up();
  // The same on the way out, also when a signal has come: bounded to a second, and never throws.
  void leave();

  // Shows what a push says of calls; false when it says nothing of them. Throws CommandError.
  bool take(const v1::ServerFrame& push);
  // Goes on with the call after the connection was lost. May be called by handlers.
  void resume();

  // The call that this device is in, or has placed.
  const KnownCall* own() const { return book_.own(); }
  bool rings() { return book_.ringing(KnownCall::Time::clock::now()) != nullptr; }
  // Of the last call that this device was in.
  v1::CallEndReason last_end() const { return last_end_; }
  // How many calls have been answered here and are over.
  std::uint64_t ended() const { return ended_; }

 private:
  void require_free() const;
  void join(const Conversation& group, v1::CallKind kind);
  void take_up(KnownCall call);
  void end(const KnownCall& call, v1::CallEndReason reason);
  void send_candidates(const KnownCall& call);
  void greet_others();
  void signal(const KnownCall& call, v1::CallSignalKind kind, const std::vector<std::string>& payloads,
              RosterChange::Seat to);
  void show(const KnownCall& call);
  void show_ring(const KnownCall& call);
  void show_end(const KnownCall& call);
  void show_roster(const KnownCall& call, const RosterChange& change);
  void take_offer(const v1::CallOffered& offer);
  void take_change(const v1::CallChanged& change);
  void take_state(const v1::CallState& state);
  void take_signal(const v1::CallSignaled& signaled);
  std::string name_of(const KnownCall& call) { return session_.chat_name(call.chat); }
  std::string names_of(const std::vector<RosterChange::Seat>& seats);
  void say(const std::string& text, const char* event, const KnownCall& call,
           const nlohmann::ordered_json& more = nlohmann::ordered_json::object());

  CommandSession& session_;
  News& news_;
  const std::string hint_;
  CallBook book_;
  v1::CallEndReason last_end_ = v1::CALL_GOES_ON;
  std::uint64_t ended_ = 0;
};

}  // namespace godwit::cli

// One session that asks one thing after the other and waits for each answer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "godwit.pb.h"
#include "tools/bench/session.h"

namespace godwit::bench {

// Used on the shard's thread within phases, which it drives. Must outlive the shard's last turn, as all
// sessions; once it has logged out, another session may use the account.
class Requester final : public SessionUser {
 public:
  Requester(Shard& shard, Account& account, std::size_t number);

  // Throws std::runtime_error when that takes longer than half a minute.
  void log_in();
  void log_out() { session_.stop(); }
  // The reply. Repeats what the server puts off; throws std::runtime_error when it refuses for good, when the
  // connection breaks, or after half a minute.
  v1::ServerFrame call(v1::ClientFrame frame);
  // How long the last call() took that was not put off: from writing to having read the reply, nanoseconds.
  std::int64_t took_ns() const { return took_ns_; }

 private:
  void on_reply(Session&, const v1::ServerFrame& frame) override;
  void on_refused(Session&, std::uint64_t request_id, const Error& error) override;
  void on_dropped(Session&, std::uint32_t) override { dropped_ = true; }

  Shard& shard_;
  Session session_;
  std::uint64_t request_ = 2;  // after those of the login
  std::unique_ptr<v1::ServerFrame> reply_;
  std::unique_ptr<Error> error_;
  bool dropped_ = false;
  std::int64_t took_ns_ = 0;
};

}  // namespace godwit::bench

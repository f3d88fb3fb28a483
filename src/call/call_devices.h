// What of calls is at the devices of a worker's users: what rings, and which calls a device is in.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/metrics.h"
#include "call/call.h"
#include "call/call_wiring.h"

namespace godwit {

// A call on its way to the callee's devices.
struct CallOffer {
  CallName name;
  CallParty from;
  UserId to;
  CallKind kind = CallKind::audio;
  std::string offer;
  std::int64_t ring_until_ms = 0;  // by the steady clock
  ChatStanding standing;           // of the callee in the chat
};

// What became of it. `error` other than ok: there is no such call.
struct CallRung {
  Errc error = Errc::ok;
  bool silent = false;  // the callee blocks the caller
  bool busy = false;    // too much rings there already
  std::uint32_t devices = 0;
};

// Signals and steps of a call go to a device through here, so that what passes while its connection is gone is
// kept in order: the one place that knows whether there is one.
//
// Owner: one worker, that of the users. Bounds: options.max_ringing offers a user, kMaxCalls calls a device,
// options.max_buffered_bytes of signals a device and call.
class CallDevices {
 public:
  static constexpr std::size_t kMaxCalls = 16;

  CallDevices(const CallWiring& wiring, const CallOptions& options, Metrics& metrics);

  // Rings all the callee's devices, and those that connect until stop(). `reply` on this worker.
  void ring(CallOffer offer, std::function<void(const CallRung&)> reply);
  // It rings no longer. `frame` goes to the callee's devices but `except`; empty: they know.
  void stop(UserId callee, const MessageId& id, const std::string& frame, DeviceId except = {});

  // The device is in the call, on its present connection: `reply` is told, then comes `kept`, then what was
  // kept here.
  void enter(const CallParty& party, const CallName& name, std::vector<std::string> kept,
             const std::function<void()>& reply);
  // It is no longer; `frame` is the last that it gets of it, if not empty.
  void leave(const CallParty& party, const CallName& name, const std::string& frame);
  // Passes a frame on. A signal is refused (`overloaded`) when too much waits for the device already.
  // call_not_found when the device is in no such call.
  enum class What : std::uint8_t {
    signal,  // kept for a device that is away, within the bound
    step,    // kept always: there are few
    state    // not kept: it will ask
  };
  Status deliver(const CallParty& party, const CallName& name, std::string frame, What what);

  // May the device take part in one more call?
  bool has_room(const CallParty& party) const;

  // Sessions: the device has a connection now, or had one until now.
  void device_live(UserId user, DeviceId device);
  void device_gone(UserId user, DeviceId device);

  bool empty() const { return rings_.empty() && devices_.empty(); }

 private:
  struct InCall {
    CallName name;
    bool here = false;  // on the device's present connection
    std::vector<std::string> kept;
    std::size_t kept_bytes = 0;
  };
  struct PartyHash {
    std::size_t operator()(const CallParty& party) const {
      return std::hash<UserId>()(party.user) + std::hash<DeviceId>()(party.device);
    }
  };
  void rung(CallOffer offer, const Callee& callee, const std::function<void(const CallRung&)>& reply);
  bool connected(const CallParty& party) const;
  InCall* find(const CallParty& party, const CallName& name);
  std::string offered_frame(const CallOffer& offer) const;
  void wake(const CallOffer& offer, const Callee& callee, const std::vector<DeviceId>& connected) const;
  void release_kept(InCall& call);

  const CallWiring& wiring_;
  const CallOptions& options_;
  std::unordered_map<UserId, std::vector<CallOffer>> rings_;
  std::unordered_map<CallParty, std::vector<InCall>, PartyHash> devices_;
  Counter& offers_;
  Gauge& buffered_;
};

}  // namespace godwit

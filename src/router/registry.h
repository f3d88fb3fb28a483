// Which devices are connected on a worker.
#pragma once

#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/token_bucket.h"
#include "chat/receipts.h"
#include "godwit/close_reason.h"
#include "godwit/ids.h"
#include "inbox/inbox.h"

namespace godwit {

// A connected device, as the router sees it. Implemented by Session, which stands above.
class Subscriber {
 public:
  virtual ~Subscriber() = default;
  virtual DeviceId device() const = 0;
  // The last inbox position that was sent to it on this connection.
  virtual std::uint64_t sent() const = 0;
  // The inbox has new committed entries.
  virtual void on_entries() = 0;
  // Positions in a chat have moved.
  virtual void on_mark(const Mark& mark) = 0;
  // Members of a group have received or read what the user sent.
  virtual void on_receipts(const ReceiptUpdate& update) = 0;
  // Something that is not of the inbox: an encoded ServerFrame, sent as it is. What is `droppable` is left out
  // while the device reads too slowly.
  virtual void on_push(std::string_view frame, bool droppable) = 0;
  // It reads too slowly: what is droppable would be left out now.
  virtual bool congested() const { return false; }
  // When something was received of it last, by the steady clock.
  virtual std::int64_t heard_ms() const { return 0; }
  // The connection must end: the device was revoked, the account deleted, or the device came back elsewhere.
  virtual void on_ejected(CloseReason reason) = 0;
};

// Owner: one worker. Bound: one subscriber per device of an account.
class Registry {
 public:
  using Devices = boost::container::small_vector<Subscriber*, 1>;
  struct User {
    Devices devices;
    TokenBucket requests;   // of all the user's devices together
    bool notified = false;  // in this batch of records already
  };

  // A subscriber of the same device is ejected as `replaced`.
  void add(UserId user, Subscriber& subscriber);
  void remove(UserId user, Subscriber& subscriber);
  User* find(UserId user);
  // Null when the device is not connected.
  Subscriber* find(UserId user, DeviceId device);
  bool online(UserId user, DeviceId device);
  void eject(UserId user, DeviceId device, CloseReason reason);
  void eject_all(UserId user, CloseReason reason);

  std::size_t users() const { return users_.size(); }

 private:
  boost::unordered_flat_map<UserId, User, std::hash<UserId>> users_;
};

}  // namespace godwit

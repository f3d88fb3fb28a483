// Devices that wait to be linked, on the worker of the link's id.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

#include "session/anchor.h"

namespace godwit {

struct LinkOfferEntry {
  std::string device_key;
  std::string device_name;
  std::int64_t expires_ms = 0;  // monotonic
  std::string network;          // whose it is, PeerInfo::network
  AnchorPtr waiting;
};

// Owner: one worker. Bound: kMaxOffers, and kMaxOfNetwork of them from one network, which cannot push out those of all
// others; the oldest makes room. In memory: a restart ends all offers.
class LinkBoard {
 public:
  static constexpr std::size_t kMaxOffers = 10'000;
  static constexpr std::size_t kMaxOfNetwork = 1'000;

  void add(const std::string& link_id, LinkOfferEntry offer);
  // The offer, which is then used up; nothing when there is none, it has expired, or it was made with
  // another key.
  std::optional<LinkOfferEntry> take(const std::string& link_id, const std::string& device_key, std::int64_t now_ms);
  void remove(const std::string& link_id);

 private:
  using Order = std::list<std::string>;  // ids, the oldest first
  struct Offer {
    LinkOfferEntry entry;
    Order::iterator place;
    Order::iterator place_of_network;
  };
  std::unordered_map<std::string, Offer> offers_;
  Order order_;
  std::unordered_map<std::string, Order> of_network_;
};

}  // namespace godwit

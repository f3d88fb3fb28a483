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
  AnchorPtr waiting;
};

// Owner: one worker. Bound: kMaxOffers; the oldest makes room. In memory: a restart ends all offers.
class LinkBoard {
 public:
  static constexpr std::size_t kMaxOffers = 10'000;

  void add(const std::string& link_id, LinkOfferEntry offer);
  // The offer, which is then used up; nothing when there is none, it has expired, or it was made with
  // another key.
  std::optional<LinkOfferEntry> take(const std::string& link_id, const std::string& device_key, std::int64_t now_ms);
  void remove(const std::string& link_id);

 private:
  struct Offer {
    LinkOfferEntry entry;
    std::list<std::string>::iterator place;
  };
  std::unordered_map<std::string, Offer> offers_;
  std::list<std::string> order_;
};

}  // namespace godwit

#include "session/link_board.h"

namespace godwit {

void LinkBoard::add(const std::string& link_id, LinkOfferEntry offer) {
  if (offers_.size() >= kMaxOffers) {
    offers_.erase(order_.front());
    order_.pop_front();
  }
  offers_.insert_or_assign(link_id, std::move(offer));
  order_.push_back(link_id);
}

std::optional<LinkOfferEntry> LinkBoard::take(const std::string& link_id, const std::string& device_key,
                                              std::int64_t now_ms) {
  const auto it = offers_.find(link_id);
  if (it == offers_.end() || it->second.device_key != device_key) return std::nullopt;
  LinkOfferEntry offer = std::move(it->second);
  offers_.erase(it);
  std::erase(order_, link_id);
  if (offer.expires_ms < now_ms) return std::nullopt;
  return offer;
}

}  // namespace godwit

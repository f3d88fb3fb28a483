#include "session/link_board.h"

#include <utility>

namespace godwit {

void LinkBoard::add(const std::string& link_id, LinkOfferEntry offer) {
  if (offers_.size() >= kMaxOffers) remove(std::string(order_.front()));
  offers_.insert_or_assign(link_id, Offer{std::move(offer), order_.insert(order_.end(), link_id)});
}

std::optional<LinkOfferEntry> LinkBoard::take(const std::string& link_id, const std::string& device_key,
                                              std::int64_t now_ms) {
  const auto it = offers_.find(link_id);
  if (it == offers_.end() || it->second.entry.device_key != device_key) return std::nullopt;
  LinkOfferEntry offer = std::move(it->second.entry);
  remove(link_id);
  if (offer.expires_ms < now_ms) return std::nullopt;
  return offer;
}

void LinkBoard::remove(const std::string& link_id) {
  const auto it = offers_.find(link_id);
  if (it == offers_.end()) return;
  order_.erase(it->second.place);
  offers_.erase(it);
}

}  // namespace godwit

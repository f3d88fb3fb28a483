#include "session/link_board.h"

#include <utility>

namespace godwit {

void LinkBoard::add(const std::string& link_id, LinkOfferEntry offer) {
  if (const auto known = of_network_.find(offer.network); known != of_network_.end() && known->second.size() >= kMaxOfNetwork) {
    remove(std::string(known->second.front()));
  }
  if (offers_.size() >= kMaxOffers) remove(std::string(order_.front()));
  Order& of_network = of_network_[offer.network];
  offers_.insert_or_assign(link_id, Offer{std::move(offer), order_.insert(order_.end(), link_id),
                                          of_network.insert(of_network.end(), link_id)});
}

std::optional<LinkOfferEntry> LinkBoard::take(const std::string& link_id, const std::string& device_key,
                                              std::int64_t now_ms) {
  const auto it = offers_.find(link_id);
  if (it == offers_.end() || it->second.entry.device_key != device_key) return std::nullopt;
  LinkOfferEntry offer = it->second.entry;
  remove(link_id);
  if (offer.expires_ms < now_ms) return std::nullopt;
  return offer;
}

void LinkBoard::remove(const std::string& link_id) {
  const auto it = offers_.find(link_id);
  if (it == offers_.end()) return;
  order_.erase(it->second.place);
  const auto of_network = of_network_.find(it->second.entry.network);
  of_network->second.erase(it->second.place_of_network);
  if (of_network->second.empty()) of_network_.erase(of_network);
  offers_.erase(it);
}

}  // namespace godwit

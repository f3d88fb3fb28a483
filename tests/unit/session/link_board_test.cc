#include "session/link_board.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

LinkOfferEntry offer_of(const std::string& network) {
  return {"key", "phone", 1'000, network, nullptr};
}

TEST(LinkBoardTest, One_network_pushes_out_its_own_offers_alone) {
  LinkBoard board;
  board.add("quiet", offer_of("2001:db8:1::"));
  for (std::size_t i = 0; i <= LinkBoard::kMaxOfNetwork; ++i) board.add("busy " + std::to_string(i), offer_of("10.0.0.1"));
  EXPECT_FALSE(board.take("busy 0", "key", 0));
  EXPECT_TRUE(board.take("busy 1", "key", 0));
  EXPECT_TRUE(board.take("busy " + std::to_string(LinkBoard::kMaxOfNetwork), "key", 0));
  EXPECT_TRUE(board.take("quiet", "key", 0));
}

TEST(LinkBoardTest, Of_all_the_oldest_makes_room) {
  LinkBoard board;
  for (std::size_t i = 0; i <= LinkBoard::kMaxOffers; ++i) board.add(std::to_string(i), offer_of(std::to_string(i)));
  EXPECT_FALSE(board.take("0", "key", 0));
  EXPECT_TRUE(board.take("1", "key", 0));
}

TEST(LinkBoardTest, Offer_is_taken_once_in_time_and_by_its_key) {
  LinkBoard board;
  board.add("a", offer_of("10.0.0.1"));
  EXPECT_FALSE(board.take("a", "another key", 0));
  EXPECT_TRUE(board.take("a", "key", 1'000));
  EXPECT_FALSE(board.take("a", "key", 1'000));
  board.add("b", offer_of("10.0.0.1"));
  EXPECT_FALSE(board.take("b", "key", 1'001));
  board.add("c", offer_of("10.0.0.1"));
  board.remove("c");
  EXPECT_FALSE(board.take("c", "key", 0));
}

}  // namespace
}  // namespace godwit

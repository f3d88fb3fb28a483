#include <gtest/gtest.h>

#include "base/random.h"
#include "tools/cli/payload_crypto.h"

namespace godwit::cli {
namespace {

const UserId kWriter(0x1111222233334444);
const UserId kReader(0x9999888877776666);
const UserId kOther(3);

class PayloadCrypto : public testing::Test {
 protected:
  // Deriving a key is slow by design, so all tests share two.
  static const ChatKey& alice() {
    static const ChatKey key = ChatKey::of_pair("correct horse", kWriter, kReader);
    return key;
  }
  static const ChatKey& bob() {
    static const ChatKey key = ChatKey::of_pair("correct horse", kReader, kWriter);
    return key;
  }
  static void SetUpTestSuite() { init_crypto(); }

  const ChatKey& alice_ = alice();
  const ChatKey& bob_ = bob();
  const MessageId id_ = make_message_id(1'700'000'000'000);
};

TEST_F(PayloadCrypto, both_sides_of_a_pair_read_each_other) {
  EXPECT_EQ(bob_.open(alice_.seal("hello", kWriter, id_), kWriter, id_), "hello");
  EXPECT_EQ(alice_.open(bob_.seal("hi", kReader, id_), kReader, id_), "hi");
}

TEST_F(PayloadCrypto, sizes_around_the_padding_block_round_trip_and_hide_the_length) {
  for (const std::size_t n : {0, 1, 62, 63, 64, 65, 127, 128, 5000}) {
    const std::string text(n, '\x80');  // what padding begins with must not confuse it
    const std::string payload = alice_.seal(text, kWriter, id_);
    EXPECT_EQ(payload.size(), sealed_size(n));
    EXPECT_EQ((payload.size() - 1 - 24 - 16) % 64, 0U);
    EXPECT_EQ(bob_.open(payload, kWriter, id_), text) << n;
  }
  EXPECT_EQ(sealed_size(1), sealed_size(63));
}

TEST_F(PayloadCrypto, same_text_twice_gives_different_payloads) {
  EXPECT_NE(alice_.seal("hello", kWriter, id_), alice_.seal("hello", kWriter, id_));
}

TEST_F(PayloadCrypto, any_changed_byte_is_noticed) {
  const std::string payload = alice_.seal("hello", kWriter, id_);
  for (std::size_t i = 0; i < payload.size(); ++i) {
    std::string changed = payload;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(bob_.open(changed, kWriter, id_)) << i;
  }
}

TEST_F(PayloadCrypto, any_shortened_payload_is_refused) {
  const std::string payload = alice_.seal("hello", kWriter, id_);
  for (std::size_t n = 0; n < payload.size(); ++n)
    EXPECT_FALSE(bob_.open(payload.substr(0, n), kWriter, id_)) << n;
  EXPECT_FALSE(bob_.open(payload + "x", kWriter, id_));
}

TEST_F(PayloadCrypto, payload_presented_as_another_senders_or_another_message_is_refused) {
  const std::string payload = alice_.seal("hello", kWriter, id_);
  EXPECT_FALSE(bob_.open(payload, kReader, id_));
  EXPECT_FALSE(bob_.open(payload, kWriter, make_message_id(1'700'000'000'000)));
}

TEST_F(PayloadCrypto, members_of_a_group_read_each_other_and_no_other_group) {
  const GroupSecret secret = GroupSecret::derive("correct horse");
  const GroupSecret same = GroupSecret::derive("correct horse");
  const GroupSecret other = GroupSecret::derive("incorrect horse");
  const ChatId club = ChatId::from("0123456789abcdef");
  const ChatId choir = ChatId::from("fedcba9876543210");
  const std::string payload = secret.key_of(club).seal("hello", kWriter, id_);
  EXPECT_EQ(same.key_of(club).open(payload, kWriter, id_), "hello");
  EXPECT_FALSE(same.key_of(club).open(payload, kReader, id_)) << "another sender";
  EXPECT_FALSE(same.key_of(choir).open(payload, kWriter, id_));
  EXPECT_FALSE(other.key_of(club).open(payload, kWriter, id_));
  EXPECT_FALSE(alice_.open(payload, kWriter, id_));
}

TEST_F(PayloadCrypto, name_of_a_group_is_read_under_the_same_passphrase_only) {
  const GroupSecret secret = GroupSecret::derive("correct horse");
  const std::string sealed = secret.seal_name("club");
  EXPECT_EQ(GroupSecret::derive("correct horse").open_name(sealed), "club");
  EXPECT_FALSE(GroupSecret::derive("incorrect horse").open_name(sealed));
  EXPECT_FALSE(secret.open_name("club")) << "a name that was not sealed";
  EXPECT_EQ(sealed.find("club"), std::string::npos);
}

TEST_F(PayloadCrypto, another_passphrase_or_another_pair_cannot_read) {
  const std::string payload = alice_.seal("hello", kWriter, id_);
  EXPECT_FALSE(ChatKey::of_pair("incorrect horse", kWriter, kReader).open(payload, kWriter, id_));
  EXPECT_FALSE(ChatKey::of_pair("correct horse", kWriter, kOther).open(payload, kWriter, id_));
}

}  // namespace
}  // namespace godwit::cli

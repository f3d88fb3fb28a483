// The archive of an account: its parts, its cursors, and what is in it.
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "session/account_export.h"
#include "session_fixture.h"

namespace godwit {
namespace {

class ExportTest : public SessionTest {
 protected:
  ExportTest() { options_.export_interval_ms = 0; }

  v1::ServerFrame part(Device& d, const std::string& cursor = {}) {
    v1::ClientFrame frame;
    frame.mutable_export_account()->set_cursor(cursor);
    return request(d, frame);
  }

  // All lines; `parts_` counts the parts.
  std::vector<std::string> archive(Device& d, std::string cursor = {}) {
    std::string text;
    for (parts_ = 1; parts_ < 100; ++parts_) {
      const auto reply = part(d, cursor);
      EXPECT_TRUE(reply.has_export_part()) << reply.ShortDebugString();
      EXPECT_LE(reply.export_part().lines().size(), kExportPartBytes);
      text += reply.export_part().lines();
      cursor = reply.export_part().next();
      if (cursor.empty()) break;
    }
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }

  static std::size_t count(const std::vector<std::string>& lines, const std::string& text) {
    return static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.find(text) != std::string::npos;
    }));
  }
  static std::size_t kind(const std::vector<std::string>& lines, const std::string& name) {
    return count(lines, "{\"kind\":\"" + name + "\",");
  }

  // Bob's device acknowledges everything, so that the chat has a row among the marks of both.
  void talk(Device& ann, Device& bob, int messages, const std::string& payload) {
    for (int i = 0; i < messages; ++i) {
      ASSERT_TRUE(request(ann, message(bob, payload)).has_sent());
      delivered(bob, 1);
      ack(bob, last_seq_);
    }
    ASSERT_TRUE(await(ann, [](const auto& f) { return f.has_watermarks(); }));
    ASSERT_TRUE(checkpointer_->run_once());
  }

  int parts_ = 0;
};

TEST_F(ExportTest, An_archive_has_all_that_there_is) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  v1::ClientFrame frame;
  auto& contact = *frame.mutable_change_contacts()->add_add();
  contact.set_user_id(bob.user.value);
  contact.set_note("a friend");
  ASSERT_TRUE(request(ann, frame).has_done());
  frame.Clear();
  frame.mutable_block()->set_user_id(join("cat").user.value);
  ASSERT_TRUE(request(ann, frame).has_done());
  frame.Clear();
  frame.mutable_set_privacy()->set_ask_first(true);
  ASSERT_TRUE(request(ann, frame).has_privacy());
  talk(ann, bob, 3, "hello");

  const auto lines = archive(ann);
  EXPECT_EQ(parts_, 1);
  EXPECT_EQ(kind(lines, "account"), 1u);
  EXPECT_EQ(count(lines, "\"handle\":\"ann\""), 1u);
  EXPECT_EQ(kind(lines, "device"), 1u);
  EXPECT_EQ(kind(lines, "cursor"), 1u);
  EXPECT_EQ(kind(lines, "privacy"), 1u);
  EXPECT_EQ(count(lines, "\"askFirst\":true"), 1u);
  EXPECT_EQ(kind(lines, "block"), 1u);
  EXPECT_EQ(kind(lines, "contact"), 1u);
  EXPECT_EQ(count(lines, "\"note\":\"YSBmcmllbmQ=\""), 1u);
  EXPECT_EQ(kind(lines, "chat"), 1u);
  EXPECT_EQ(kind(lines, "message"), 3u);
  EXPECT_EQ(count(lines, "\"payload\":\"aGVsbG8=\""), 3u);
  for (const std::string& line : lines) {
    google::protobuf::Struct json;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(line, &json).ok()) << line;
  }
}

TEST_F(ExportTest, A_long_archive_comes_in_parts_without_loss_or_repetition) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  std::uint64_t next = 1;
  for (int i = 0; i < 2; ++i) {
    v1::ClientFrame frame;
    for (int k = 0; k < 600; ++k) {
      auto& contact = *frame.mutable_change_contacts()->add_add();
      contact.set_user_id(next++);
      contact.set_note(std::string(256, 'n'));
    }
    ASSERT_TRUE(request(ann, frame).has_done());
  }
  talk(ann, bob, 20, std::string(60'000, 'x'));
  const auto lines = archive(ann);
  EXPECT_GT(parts_, 7);
  EXPECT_EQ(kind(lines, "contact"), 1'200u);
  EXPECT_EQ(kind(lines, "message"), 20u);
  EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()).size(), lines.size());
}

TEST_F(ExportTest, An_archive_goes_on_after_a_restart) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  talk(ann, bob, 10, std::string(60'000, 'x'));
  const auto whole = archive(ann);
  auto reply = part(ann);
  const std::string begun = reply.export_part().lines();
  const std::string cursor = reply.export_part().next();
  ASSERT_FALSE(cursor.empty());
  auto key = std::move(ann.key);
  const std::string token = ann.token;
  restart();
  Device& again = connect();
  again.key = std::move(key);
  again.token = token;
  ASSERT_TRUE(hello(again).has_welcome());
  const auto rest = archive(again, cursor);
  EXPECT_EQ(static_cast<std::size_t>(std::count(begun.begin(), begun.end(), '\n')) + rest.size(), whole.size());
}

TEST_F(ExportTest, What_was_hidden_from_the_user_is_left_out) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  talk(bob, ann, 1, "seen");
  talk(ann, bob, 1, "an answer");
  v1::ClientFrame frame;
  frame.mutable_block()->set_user_id(bob.user.value);
  ASSERT_TRUE(request(ann, frame).has_done());
  ASSERT_TRUE(request(bob, message(ann, "unseen")).has_sent());
  ASSERT_TRUE(checkpointer_->run_once());
  EXPECT_EQ(kind(archive(ann), "message"), 2u);
  EXPECT_EQ(kind(archive(bob), "message"), 3u);
}

TEST_F(ExportTest, Cursors_of_others_and_forged_ones_are_refused) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  ExportCursor theirs;
  theirs.user = bob.user;
  EXPECT_EQ(code(part(ann, theirs.encode())), v1::invalid_argument);
  ExportCursor own;
  own.user = ann.user;
  std::string bytes = own.encode();
  EXPECT_EQ(ExportCursor::decode(bytes, ann.user)->section, ExportCursor::Section::account);
  EXPECT_EQ(code(part(ann, bytes.substr(1))), v1::invalid_argument);
  bytes[1] = 99;
  EXPECT_EQ(code(part(ann, bytes)), v1::invalid_argument);
  EXPECT_EQ(code(part(ann, std::string(34, '\xff'))), v1::invalid_argument);
}

// A cursor that names a chat of others must not open it.
TEST_F(ExportTest, A_cursor_into_a_chat_of_others_shows_nothing_of_it) {
  Device& ann = join("ann");
  Device& bob = join("bob");
  Device& cat = join("cat");
  talk(bob, cat, 2, "secret");
  ExportCursor cursor;
  cursor.user = ann.user;
  cursor.section = ExportCursor::Section::messages;
  cursor.chat = direct_chat_id(bob.user, cat.user);
  const auto reply = part(ann, cursor.encode());
  ASSERT_TRUE(reply.has_export_part());
  EXPECT_EQ(reply.export_part().lines(), "");
  EXPECT_EQ(reply.export_part().next(), "");
}

TEST_F(ExportTest, A_chat_without_a_peer_is_told_and_its_messages_are_not) {
  const UserId user(1);
  const ChatId group = direct_chat_id(UserId(7), UserId(8));
  store::LogEntry entry;
  entry.set_envelope(v1::Envelope().SerializeAsString());
  CheckpointRows rows;
  rows.put(Column::mark, mark_key(router_->map().partition(user), user, group), store::MarkRow().SerializeAsString());
  rows.put(Column::chat_log, log_key(router_->map().partition(group), group, ChatSeq(1)), entry.SerializeAsString());
  ASSERT_TRUE(store_->commit(std::move(rows), Lsn(1)));
  ExportSource source;
  source.from.user = user;
  source.from.section = ExportCursor::Section::chats;
  const ExportPart made = make_export_part(*store_, router_->map(), source);
  EXPECT_EQ(std::count(made.lines.begin(), made.lines.end(), '\n'), 1);
  EXPECT_NE(made.lines.find("\"kind\":\"chat\""), std::string::npos);
  EXPECT_FALSE(made.next);
}

TEST_F(ExportTest, Many_blocks_are_told_in_order_over_several_parts) {
  ExportSource source;
  source.from.user = UserId(1);
  for (std::uint64_t i = 10'000; i > 0; --i) source.blocked.push_back(UserId(0x8000000000000000 + i));
  std::size_t lines = 0;
  std::size_t parts = 0;
  for (bool more = true; more && parts < 10; ++parts) {
    const ExportPart made = make_export_part(*store_, router_->map(), source);
    EXPECT_LE(made.lines.size(), kExportPartBytes);
    lines += static_cast<std::size_t>(std::count(made.lines.begin(), made.lines.end(), '\n'));
    more = made.next.has_value();
    if (more) source.from = *ExportCursor::decode(made.next->encode(), UserId(1));
  }
  EXPECT_EQ(lines, 10'000u + 2);
  EXPECT_EQ(parts, 2u);
}

class ExportIntervalTest : public ExportTest {
 protected:
  ExportIntervalTest() { options_.export_interval_ms = 60'000; }
};

TEST_F(ExportIntervalTest, Another_archive_is_begun_only_after_a_while) {
  Device& ann = join("ann");
  EXPECT_TRUE(part(ann).has_export_part());
  const auto refused = part(ann);
  EXPECT_EQ(code(refused), v1::rate_limited);
  EXPECT_GT(refused.error().retry_after_ms(), 50'000u);
}

}  // namespace
}  // namespace godwit

// Groups, durations, privacy settings and traces in words, and how chats are named.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "base/random.h"
#include "cli_people.h"
#include "tools/cli/chat_ref.h"
#include "tools/cli/duration.h"
#include "tools/cli/format.h"
#include "tools/cli/group_text.h"
#include "tools/cli/privacy_text.h"
#include "tools/cli/trace_text.h"

namespace godwit::cli {
namespace {

constexpr std::uint64_t kHere = 7;  // position of the event

std::string name_of(UserId user) {
  if (user == kAnn) return "ann";
  if (user == kBob) return "bob";
  if (user == kCarol) return "carol";
  return "u" + std::to_string(user.value);
}

std::string told(const v1::ChatEvent& event, UserId actor = kAnn, std::optional<std::string> name = {}) {
  return event_text(event, actor, kHere, name_of, name);
}

void add_member(v1::ChatEvent& event, UserId user, v1::Role role, std::uint64_t joined_seq) {
  v1::Member& member = *event.add_members();
  member.set_user_id(user.value);
  member.set_role(role);
  member.set_joined_seq(joined_seq);
}

TEST(chat_ref, group_id_is_read_with_and_without_its_prefix) {
  const std::string digits = hex(kGroup.view());
  EXPECT_EQ(parse_group_id(digits), kGroup);
  EXPECT_EQ(parse_group_id("group:" + digits), kGroup);
  EXPECT_EQ(format_chat(ChatRef(kGroup)), "group:" + digits);
  for (const std::string& wrong : {digits.substr(1), digits + "0", "id:" + digits, std::string("group:club"),
                                   "g" + digits.substr(1), std::string()}) {
    EXPECT_FALSE(parse_group_id(wrong)) << wrong;
  }
}

TEST(chat_ref, envelope_belongs_to_its_group_or_to_the_other_party) {
  v1::Envelope envelope;
  envelope.set_from(kBob.value);
  EXPECT_EQ(chat_of(envelope, kAnn), ChatRef(kBob));
  envelope.set_from(kAnn.value);
  envelope.set_to(kCarol.value);
  EXPECT_EQ(chat_of(envelope, kAnn), ChatRef(kCarol));
  envelope.set_chat(kGroup.str());
  EXPECT_EQ(chat_of(envelope, kAnn), ChatRef(kGroup));
  EXPECT_TRUE(chat_of(envelope, kAnn).is_group());
}

TEST(chat_ref, request_gets_either_the_peer_or_the_group) {
  v1::Read read;
  set_chat(read, kBob);
  EXPECT_EQ(read.peer(), kBob.value);
  EXPECT_TRUE(read.chat().empty());
  v1::History history;
  set_chat(history, ChatRef(kGroup));
  EXPECT_EQ(history.peer(), 0U);
  EXPECT_EQ(history.chat(), kGroup.str());
}

TEST(duration, units_are_read_and_told) {
  EXPECT_EQ(parse_duration("90"), 90U);
  EXPECT_EQ(parse_duration("90s"), 90U);
  EXPECT_EQ(parse_duration("15m"), 900U);
  EXPECT_EQ(parse_duration("12h"), 43'200U);
  EXPECT_EQ(parse_duration("1d"), 86'400U);
  EXPECT_EQ(parse_duration("2w"), 1'209'600U);
  EXPECT_EQ(parse_duration("off"), 0U);
  EXPECT_EQ(format_duration(86'400), "1 day");
  EXPECT_EQ(format_duration(5400), "90 minutes");
  EXPECT_EQ(format_duration(61), "61 seconds");
  EXPECT_EQ(format_duration(0), "0 seconds");
}

TEST(duration, anything_else_is_refused) {
  for (const char* wrong : {"", "d", "1x", "-1", "1.5h", " 1", "1 d", "4294967296", "9999999w", "one"}) {
    EXPECT_FALSE(parse_duration(wrong)) << wrong;
  }
}

TEST(group_settings, words_change_what_they_name_and_nothing_else) {
  v1::GroupSettings settings;
  settings.set_may_rename(v1::OWNER);
  EXPECT_FALSE(apply_settings({"may_post=admin", "ttl=1d"}, settings));
  EXPECT_EQ(settings.may_post(), v1::ADMIN);
  EXPECT_EQ(settings.ttl_s(), 86'400U);
  EXPECT_EQ(settings.may_rename(), v1::OWNER);
  EXPECT_EQ(settings_text(settings),
            "post: admin, add: admin, rename: owner, messages disappear after 1 day");
  EXPECT_FALSE(apply_settings({"ttl=off"}, settings));
  EXPECT_EQ(settings.ttl_s(), 0U);
}

TEST(group_settings, wrong_words_are_told) {
  v1::GroupSettings settings;
  for (const char* wrong :
       {"may_post", "may_post=", "may_post=none", "may_post=boss", "may_fly=admin", "ttl=soon", ""}) {
    EXPECT_TRUE(apply_settings({wrong}, settings)) << wrong;
  }
}

TEST(event_text, new_group_names_its_members_but_not_its_maker) {
  v1::ChatEvent event;
  event.set_created(true);
  event.set_name("sealed");
  add_member(event, kAnn, v1::OWNER, kHere);
  add_member(event, kBob, v1::MEMBER, kHere);
  add_member(event, kCarol, v1::MEMBER, kHere);
  EXPECT_EQ(told(event, kAnn, "club"), "ann created the group \"club\"; added bob and carol");
  EXPECT_EQ(told(event), "ann created the group; added bob and carol");
}

TEST(event_text, many_members_are_counted_rather_than_named) {
  v1::ChatEvent event;
  for (std::uint64_t user = 10; user < 110; ++user) add_member(event, UserId(user), v1::MEMBER, kHere);
  EXPECT_EQ(told(event), "ann added u10, u11, u12, u13 and 96 others");
}

TEST(event_text, coming_in_is_told_apart_from_getting_a_role) {
  v1::ChatEvent joined;
  add_member(joined, kBob, v1::MEMBER, kHere);
  EXPECT_EQ(told(joined, kBob), "bob joined");
  v1::ChatEvent raised;
  add_member(raised, kBob, v1::ADMIN, 2);
  EXPECT_EQ(told(raised), "ann made bob an admin");
  v1::ChatEvent lowered;
  add_member(lowered, kBob, v1::MEMBER, 2);
  EXPECT_EQ(told(lowered), "ann made bob a member");
  v1::ChatEvent handed_over;
  add_member(handed_over, kBob, v1::OWNER, 2);
  add_member(handed_over, kAnn, v1::ADMIN, 1);
  EXPECT_EQ(told(handed_over), "ann made bob the owner; became an admin");
}

TEST(event_text, going_is_told_by_how_it_came) {
  v1::ChatEvent left;
  left.add_removed(kBob.value);
  EXPECT_EQ(told(left, kBob), "bob left");
  v1::ChatEvent removed;
  removed.add_removed(kBob.value);
  removed.add_removed(kCarol.value);
  EXPECT_EQ(told(removed), "ann removed bob and carol");
  removed.add_banned(kCarol.value);
  EXPECT_EQ(told(removed), "ann removed bob; banned carol");
  v1::ChatEvent lifted;
  lifted.add_unbanned(kCarol.value);
  EXPECT_EQ(told(lifted), "ann lifted the ban of carol");
}

TEST(event_text, names_cannot_drive_the_terminal) {
  v1::ChatEvent event;
  event.set_name("sealed");
  EXPECT_EQ(told(event, kAnn, "a\x1b[2Jb").find('\x1b'), std::string::npos);
  EXPECT_EQ(told(event), "ann gave the group another name");
}

TEST(event_text, removals_timers_and_settings) {
  v1::ChatEvent removal;
  removal.set_removed_seq(5);
  EXPECT_EQ(told(removal), "ann removed message #5");
  v1::ChatEvent timer;
  timer.set_ttl_s(86'400);
  EXPECT_EQ(told(timer), "ann set the timer: messages disappear after 1 day");
  timer.set_ttl_s(0);
  EXPECT_EQ(told(timer), "ann set the timer: messages stay");
  v1::ChatEvent settings;
  settings.mutable_settings()->set_may_post(v1::ADMIN);
  EXPECT_EQ(told(settings),
            "ann changed the settings (post: admin, add: admin, rename: admin, messages stay)");
}

TEST(event_text, change_from_a_newer_server_is_not_silent) {
  EXPECT_EQ(told(v1::ChatEvent()), "ann changed something that this program does not know");
}

TEST(receipt_text, counts) {
  EXPECT_EQ(receipt_text(7, 3, 9), "delivered to 7 of 9, read by 3");
}

TEST(privacy_text, words_become_a_request_with_only_what_they_name) {
  const auto find = [](const std::string& handle) { return handle == "bob" ? kBob : kCarol; };
  const v1::SetPrivacy request =
      parse_privacy({"last_seen=contacts", "may_add_me=everyone,-bob,-carol", "ask_first=yes"}, find);
  EXPECT_EQ(request.last_seen().audience(), v1::CONTACTS);
  EXPECT_EQ(request.may_add_me().audience(), v1::EVERYONE);
  ASSERT_EQ(request.may_add_me().except_size(), 2);
  EXPECT_EQ(request.may_add_me().except(1), kCarol.value);
  EXPECT_TRUE(request.ask_first());
  EXPECT_FALSE(request.has_hide_read_receipts());
  EXPECT_FALSE(request.has_online());
  EXPECT_EQ(rule_text(request.may_add_me(), name_of), "everyone but bob and carol");
  EXPECT_EQ(rule_text(v1::PrivacyRule(), name_of), "everyone");
}

TEST(privacy_text, wrong_words_are_refused_before_anybody_is_looked_up) {
  const auto find = [](const std::string&) -> UserId { throw std::logic_error("asked"); };
  for (const char* wrong : {"last_seen", "last_seen=", "last_seen=friends", "colour=blue", "ask_first=maybe",
                            "online=everyone,bob", "online=everyone,", "online=nobody,-"}) {
    EXPECT_THROW(parse_privacy({wrong}, find), std::invalid_argument) << wrong;
  }
}

TEST(trace_text, steps_come_in_order_and_the_unknown_last) {
  const MessageId id = make_message_id(1'000'000);
  v1::MessageTrace trace;
  trace.set_chat_seq(4);
  trace.set_accepted_ms(1'000'005);
  trace.set_durable_ms(1'000'006);
  v1::RecipientTrace& bob = *trace.add_recipients();
  bob.set_user_id(kBob.value);
  bob.set_read_ms(1'000'100);
  bob.set_delivered_ms(1'000'050);
  v1::DeviceTrace& phone = *bob.add_devices();
  phone.set_device_id(1);
  phone.set_delivered(true);
  v1::DeviceTrace& laptop = *bob.add_devices();
  laptop.set_device_id(2);
  laptop.set_last_seen_ms(900'000);
  std::vector<std::string> names;
  for (const TraceStep& step : trace_steps(trace, id, name_of)) names.push_back(step.name);
  EXPECT_EQ(names, (std::vector<std::string>{"sent", "accepted", "durable", "seen", "delivered", "read",
                                             "delivered", "waiting"}));
}

TEST(trace_text, recipient_of_whom_nothing_is_known_waits) {
  v1::MessageTrace trace;
  trace.set_accepted_ms(5);
  trace.add_recipients()->set_user_id(kBob.value);
  const auto steps = trace_steps(trace, make_message_id(1), name_of);
  EXPECT_EQ(steps.back().text, "waits for bob");
}

TEST(trace_text, exact_time_has_milliseconds_and_the_width_of_the_blank) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  EXPECT_EQ(format_exact_time(1'000'007), "1970-01-01 00:16:40.007");
  EXPECT_EQ(kNoTime.size(), format_exact_time(1'000'007).size());
}

}  // namespace
}  // namespace godwit::cli

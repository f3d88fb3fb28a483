#include "tools/cli/receipt_view.h"

#include <nlohmann/json.hpp>

#include "godwit.pb.h"
#include "tools/cli/group_text.h"
#include "tools/cli/message_view.h"

namespace godwit::cli {
namespace {

constexpr std::uint32_t kPage = 1000;

void show_members(CommandSession& session, const v1::Receipts& page) {
  for (const v1::MemberReceipt& member : page.members()) {
    const std::string name = session.name_of(UserId(member.user_id()));
    const char* state = member.read() >= page.chat_seq()        ? "read"
                        : member.delivered() >= page.chat_seq() ? "delivered"
                                                                : "not yet";
    session.out().result("  " + name + ": " + state + " (delivered up to #" +
                             std::to_string(member.delivered()) + ", read up to #" +
                             std::to_string(member.read()) + ")",
                         {{"type", "member_receipt"},
                          {"user", name},
                          {"user_id", std::to_string(member.user_id())},
                          {"state", state},
                          {"delivered", member.delivered()},
                          {"read", member.read()}});
  }
}

nlohmann::ordered_json count_json(const Conversation& group, std::uint64_t chat_seq, std::uint32_t delivered,
                                  std::uint32_t read, std::uint32_t of) {
  nlohmann::ordered_json out = {{"type", "receipt_count"}, {"chat", group.name}};
  add_chat(out, group.chat);
  out["chat_seq"] = chat_seq;
  out["delivered"] = delivered;
  out["read"] = read;
  out["of"] = of;
  return out;
}

}  // namespace

void show_direct_receipts(CommandSession& session, const Conversation& with) {
  const ChatState chat = session.profile().state.chats[with.chat];
  session.out().result(with.name + ": delivered up to " + std::to_string(chat.peer_delivered) +
                           ", read up to " + std::to_string(chat.peer_read) + "; you: read up to " +
                           std::to_string(chat.own_read) + " of " + std::to_string(chat.last_chat_seq),
                       {{"type", "receipts"},
                        {"chat", with.name},
                        {"chat_user_id", std::to_string(with.chat.peer.value)},
                        {"last", chat.last_chat_seq},
                        {"delivered", chat.peer_delivered},
                        {"read", chat.peer_read},
                        {"own_delivered", chat.own_delivered},
                        {"own_read", chat.own_read}});
}

void show_group_receipts(CommandSession& session, const Conversation& group, std::uint64_t chat_seq) {
  v1::ClientFrame frame;
  v1::GetReceipts& request = *frame.mutable_get_receipts();
  request.set_chat(group.chat.group.str());
  request.set_chat_seq(chat_seq);
  request.set_limit(kPage);
  for (bool first = true;; first = false) {
    const v1::ServerFrame reply = session.call(frame, v1::ServerFrame::kReceipts, Retry::yes);
    const v1::Receipts& page = reply.receipts();
    if (first) {
      session.out().result(group.name + ": #" + std::to_string(page.chat_seq()) + " " +
                               receipt_text(page.delivered(), page.read(), page.of()),
                           count_json(group, page.chat_seq(), page.delivered(), page.read(), page.of()));
    }
    show_members(session, page);
    if (!page.more() || page.members().empty()) return;
    request.set_chat_seq(page.chat_seq());
    request.set_after(page.members(page.members_size() - 1).user_id());
  }
}

void show_receipt_count(Output& out, const Conversation& group, const v1::ReceiptCount& count) {
  out.result("  \u2713\u2713 #" + std::to_string(count.chat_seq()) + " " +
                 receipt_text(count.delivered(), count.read(), count.of()),
             count_json(group, count.chat_seq(), count.delivered(), count.read(), count.of()));
}

}  // namespace godwit::cli

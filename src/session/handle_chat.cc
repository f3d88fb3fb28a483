// Requests about the user's chats as a whole: the list, removal of messages, timers, strangers.
#include <algorithm>
#include <utility>

#include "base/random.h"
#include "chat/chat_id.h"
#include "godwit.pb.h"
#include "session/request_checks.h"
#include "session/session.h"

namespace godwit {
namespace {

constexpr std::uint32_t kChatsDefault = 100;
constexpr std::uint32_t kChatsMax = 1'000;

void fill_direct(Chat& chat, UserId user, bool shows_reads, v1::ChatInfo& out) {
  const Chat::Member& own = chat.member(user);
  const Chat::Member& other = chat.other(user);
  out.set_peer(other.user.value);
  out.set_end(chat.end());
  out.set_end_time_ms(chat.end_time_ms());
  out.set_delivered(own.delivered);
  out.set_read(own.read);
  out.set_unread(chat.end() - std::min(chat.end(), own.read));
  out.set_peer_delivered(other.delivered);
  if (shows_reads) out.set_peer_read(other.shown_read);
  out.set_ttl_s(chat.ttl_s());
  out.set_request(chat.consent_of() == user && !own.blocks);
  out.set_epoch(chat.epoch());
}

void fill_group(Chat& chat, UserId user, v1::ChatInfo& out) {
  Group& group = *chat.group();
  out.set_chat(chat.id().str());
  const Group::Member* member = group.find(user);
  if (member == nullptr) return out.set_left(true);
  const bool left = !member->present();
  const std::uint64_t end = left && !member->spans.empty() ? member->spans.back().left : chat.end();
  out.set_end(end);
  out.set_end_time_ms(left ? 0 : chat.end_time_ms());
  out.set_delivered(member->delivered);
  out.set_read(member->read);
  out.set_unread(end - std::min(end, member->read));
  out.set_left(left);
  // What became of it since is not told.
  if (left) return;
  out.set_version(group.version());
  out.set_ttl_s(group.settings().ttl_s);
  out.set_epoch(group.epoch());
}

}  // namespace

// What ListChats gathers from the workers of the chats.
struct Session::ChatList {
  std::uint64_t request_id = 0;
  v1::ServerFrame reply;
  std::size_t left = 0;
};

void Session::handle_list_chats(Request& frame) {
  const v1::ListChats& asked = frame.list_chats();
  const std::uint64_t id = frame.request_id();
  if (!asked.after().empty() && asked.after().size() != 16) {
    return answer_error(id, Error(Errc::invalid_argument, "`after` must have 16 bytes"));
  }
  const auto after = asked.after().empty() ? std::nullopt : std::optional(ChatId::from(asked.after()));
  const std::size_t limit = std::min(asked.limit() == 0 ? kChatsDefault : asked.limit(), kChatsMax);
  std::vector<ChatId> fresh;
  for (const Mark& mark : inbox_->marks()) {
    if (!after || mark.chat > *after) fresh.push_back(mark.chat);
  }
  host_->readers.post([anchor = anchor_, host = host_, user = user_, id, after, limit, fresh = std::move(fresh)]() mutable {
    // One more than asked for tells whether there are more.
    for (const Mark& mark : read_mark_page(host->store, host->router.map(), user, after, limit + 1)) {
      fresh.push_back(mark.chat);
    }
    std::sort(fresh.begin(), fresh.end());
    fresh.erase(std::unique(fresh.begin(), fresh.end()), fresh.end());
    to_session(anchor, [id, limit, chats = std::move(fresh)](Session& session) mutable {
      session.gather_chats(id, std::move(chats), limit);
    });
  });
}

void Session::gather_chats(std::uint64_t request_id, std::vector<ChatId> chats, std::size_t limit) {
  auto list = std::make_shared<ChatList>();
  list->request_id = request_id;
  auto& out = *list->reply.mutable_chats();
  if (chats.size() > limit) {
    chats.resize(limit);
    out.set_next(chats.back().str());
  }
  list->left = chats.size();
  if (chats.empty()) return answer_frame(*this, request_id, list->reply);
  const bool shows_reads = !account_->hides_read_receipts();
  for (std::size_t i = 0; i < chats.size(); ++i) out.add_chats();
  for (std::size_t i = 0; i < chats.size(); ++i) {
    host_->router.on(chats[i], [anchor = anchor_, chat = chats[i], user = user_, shows_reads, list, i](Shard& shard) {
      shard.chats().with_chat(chat, [anchor, user, shows_reads, list, i](Chat& found) {
        v1::ChatInfo info;
        if (found.group() != nullptr) {
          fill_group(found, user, info);
        } else {
          fill_direct(found, user, shows_reads, info);
        }
        to_session(anchor, [list, i, info = std::move(info)](Session& session) mutable {
          *list->reply.mutable_chats()->mutable_chats(static_cast<int>(i)) = std::move(info);
          if (--list->left == 0) answer_frame(session, list->request_id, list->reply);
        });
      });
    });
  }
}

void Session::handle_remove_message(Request& frame) {
  const v1::RemoveMessage& asked = frame.remove_message();
  const std::uint64_t id = frame.request_id();
  const auto chat = chat_of(asked.peer(), asked.chat());
  if (!chat) {
    return answer_error(id, Error(Errc::invalid_argument, "exactly one of `peer` and `chat` (16 bytes) must be set"));
  }
  if (!asked.for_everyone()) return hide_message(id, *chat, asked);
  if (!is_message_id(asked.id())) return answer_error(id, Errc::message_id_invalid);
  RemoveRequest request;
  request.chat_seq = asked.chat_seq();
  request.send = begin_send(id, asked.id(), *chat);
  request.send.to = UserId(asked.peer());
  request.send.reply = [anchor = anchor_, id](const Result<SentInfo>& result) {
    Session* session = anchor->session;
    if (session == nullptr) return;
    if (!result) return session->answer_error(id, result.error());
    session->answer_done(id);
  };
  host_->router.on(*chat, [request = std::move(request)](Shard& shard) mutable {
    shard.chats().remove(std::move(request));
  });
}

// The user's other devices learn of it like of any message.
void Session::hide_message(std::uint64_t request_id, const ChatId& chat, const v1::RemoveMessage& asked) {
  v1::ChatEvent event;
  event.set_hidden_seq(asked.chat_seq());
  event.set_hidden_peer(asked.peer());
  event.set_hidden_chat(asked.chat());
  const auto tell = [anchor = anchor_, request_id, event = event.SerializeAsString()](const Status& done) {
    to_session(anchor, [request_id, event, done](Session& session) {
      if (!done) return session.answer_error(request_id, done.error());
      if (session.state_ != State::live) return;
      SendRequest request = session.begin_send(0, make_message_id(session.host_->clock.wall_ms()).str(),
                                               direct_chat_id(session.user_, session.user_));
      request.to = session.user_;
      request.event = event;
      request.reply = [reply = session.done_reply(request_id)](const Result<SentInfo>& result) {
        reply(result ? Status(Unit{}) : Status(result.error()));
      };
      session.send_to_chat(std::move(request));
    });
  };
  host_->router.on(chat, [chat, user = user_, seq = asked.chat_seq(), tell](Shard& shard) {
    shard.chats().hide(chat, user, seq, tell);
  });
}

void Session::handle_set_timer(Request& frame) {
  const v1::SetTimer& asked = frame.set_timer();
  const std::uint64_t id = frame.request_id();
  if (!is_message_id(asked.id())) return answer_error(id, Errc::message_id_invalid);
  if (asked.peer() == 0 || asked.peer() == user_.value) {
    return answer_error(id, Error(Errc::invalid_argument, "`peer` is missing"));
  }
  if (asked.ttl_s() > kYearS) return answer_error(id, Error(Errc::invalid_argument, "`ttl_s` is more than a year"));
  SendRequest request = begin_send(id, asked.id(), direct_chat_id(user_, UserId(asked.peer())));
  request.to = UserId(asked.peer());
  v1::ChatEvent event;
  event.set_ttl_s(asked.ttl_s());
  request.event = event.SerializeAsString();
  request.reply = [anchor = anchor_, id](const Result<SentInfo>& result) {
    Session* session = anchor->session;
    if (session == nullptr) return;
    if (!result) return session->answer_error(id, result.error());
    session->answer_done(id);
  };
  send_to_chat(std::move(request));
}

void Session::handle_answer_request(Request& frame) {
  const v1::AnswerRequest& asked = frame.answer_request();
  const std::uint64_t id = frame.request_id();
  const UserId peer(asked.peer());
  if (!peer || peer == user_) return answer_error(id, Error(Errc::invalid_argument, "`peer` is missing"));
  const ChatId chat = direct_chat_id(user_, peer);
  if (asked.accept()) {
    host_->router.on(chat, [chat, user = user_, reply = done_reply(id)](Shard& shard) {
      shard.chats().give_consent(chat, user, reply);
    });
    return;
  }
  // What has come goes, then nothing more comes.
  host_->router.on(chat, [chat, peer, user = user_, anchor = anchor_, id](Shard& shard) {
    shard.chats().with_chat(chat, [&shard, chat, peer, user, anchor, id](Chat& found) {
      const auto block = [chat, peer, anchor, id](const Status& hidden) {
        to_session(anchor, [chat, peer, id, hidden](Session& session) {
          if (!hidden) return session.answer_error(id, hidden.error());
          if (session.state_ != State::live) return;
          session.host_->shard().accounts().block(session.user_, chat, peer, false, session.done_reply(id));
        });
      };
      if (found.consent_of() != user || found.request_seq() == 0) return block(Unit{});
      shard.chats().hide(chat, user, found.request_seq(), block);
    });
  });
}

}  // namespace godwit

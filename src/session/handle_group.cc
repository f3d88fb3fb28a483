// Requests about groups: making and changing them, invite links, requests to join, receipts.
#include <sodium.h>

#include <algorithm>
#include <utility>

#include "base/random.h"
#include "godwit.pb.h"
#include "session/request_checks.h"
#include "session/session.h"

namespace godwit {
namespace {

constexpr std::size_t kMaxGroupNameBytes = 1024;
constexpr int kMaxUsersPerRequest = 1'000;
constexpr std::uint32_t kMembersDefault = 200;
constexpr std::uint32_t kMembersMax = 1'000;
constexpr int kMaxBannedListed = 1'000;
constexpr std::uint32_t kLinkDefaultS = 7 * 24 * 3600;
constexpr std::size_t kSecretBytes = 16;
constexpr std::size_t kLinkIdBytes = 8;
constexpr std::string_view kLinkPrefix = "godwit-group:1:";

std::string blake2b(std::string_view bytes, std::size_t size) {
  std::string hash(size, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), size,
                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), nullptr, 0);
  return hash;
}

// A group is named by who made it and the id of the request: the same again finds the same group.
ChatId group_id(UserId creator, const std::string& message_id) {
  std::string input(reinterpret_cast<const char*>(&creator.value), sizeof creator.value);
  return ChatId::from(blake2b(input + message_id, 16));
}

std::string link_text(const ChatId& chat, std::string_view secret) {
  const std::string bytes = chat.str() + std::string(secret);
  std::string text(sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  text.pop_back();  // the terminator
  return std::string(kLinkPrefix) + text;
}

struct ParsedLink {
  ChatId chat;
  std::string secret;
};

std::optional<ParsedLink> parse_link(std::string_view text) {
  if (!text.starts_with(kLinkPrefix)) return std::nullopt;
  text.remove_prefix(kLinkPrefix.size());
  std::string bytes(16 + kSecretBytes, '\0');
  std::size_t size = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(), text.size(), nullptr,
                        &size, nullptr, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
      size != bytes.size()) {
    return std::nullopt;
  }
  return ParsedLink{ChatId::from(bytes), bytes.substr(16)};
}

bool valid_role(v1::Role role) {
  return v1::Role_IsValid(role);
}

Status check_settings(const v1::GroupSettings& settings) {
  if (!valid_role(settings.may_post()) || !valid_role(settings.may_add()) || !valid_role(settings.may_rename())) {
    return Error(Errc::invalid_argument, "unknown role");
  }
  if (settings.ttl_s() > kYearS) return Error(Errc::invalid_argument, "`ttl_s` is more than a year");
  return Unit{};
}

std::vector<UserId> to_users(const google::protobuf::RepeatedField<std::uint64_t>& ids) {
  std::vector<UserId> users;
  for (const std::uint64_t id : ids) users.push_back(UserId(id));
  std::sort(users.begin(), users.end());
  users.erase(std::unique(users.begin(), users.end()), users.end());
  return users;
}

// Without unknown fields, which count in no limit: they become part of the group's log.
std::shared_ptr<const v1::GroupSettings> known_settings(const v1::GroupSettings& asked) {
  auto settings = std::make_shared<v1::GroupSettings>(asked);
  settings->DiscardUnknownFields();
  return settings;
}

void fill_settings(const Group::Settings& settings, v1::GroupSettings* out) {
  out->set_may_post(static_cast<v1::Role>(settings.may_post));
  out->set_may_add(static_cast<v1::Role>(settings.may_add));
  out->set_may_rename(static_cast<v1::Role>(settings.may_rename));
  out->set_ttl_s(settings.ttl_s);
}

// Null when the request has none.
template <class Asked>
std::shared_ptr<v1::Commit> take_commit(Asked& asked) {
  return asked.has_commit() ? std::make_shared<v1::Commit>(std::move(*asked.mutable_commit())) : nullptr;
}

// Names the users, as devices of id 0.
Error not_added_error(const std::vector<UserId>& users, bool refused) {
  auto details = std::make_shared<ErrorDetails>();
  for (const UserId user : users) details->extra.emplace_back(user, DeviceId(0));
  Error error(refused ? Errc::refused_by_privacy : Errc::user_not_found);
  error.more = std::move(details);
  return error;
}

// A page of what `use` takes, in order of id: false skips. Tells whether there are more.
template <class Use>
bool member_page(const Group& group, UserId after, std::uint32_t limit, Use use) {
  std::uint32_t left = std::min(limit == 0 ? kMembersDefault : limit, kMembersMax);
  for (const Group::Member& member : group.members()) {
    if (member.user <= after) continue;
    if (left == 0) return true;
    if (use(member)) --left;
  }
  return false;
}

}  // namespace

void Session::check_users(std::vector<UserId> users, UseChecked next) {
  if (users.empty()) return next(*this, {});
  struct State {
    std::size_t left;
    std::vector<UserId> yes;
    std::vector<UserId> no;
    bool refused;
    UseChecked next;
  };
  auto state = std::make_shared<State>(State{users.size(), {}, {}, false, std::move(next)});
  for (const UserId user : users) {
    host_->router.on(user, [anchor = anchor_, user, by = user_, state](Shard& shard) {
      shard.accounts().with_account(user, [anchor, user, by, state](Account& account) {
        const bool exists = account.exists();
        const bool allowed = exists && account.allows(Rule::may_add_me, by);
        to_session(anchor, [user, state, exists, allowed](Session& session) {
          (allowed ? state->yes : state->no).push_back(user);
          state->refused |= exists && !allowed;
          if (--state->left == 0) state->next(session, {std::move(state->yes), std::move(state->no), state->refused});
        });
      });
    });
  }
}

void Session::change_group(std::uint64_t request_id, const std::string& message_id, const ChatId& chat,
                           GroupAction action, std::vector<UserId> not_added, std::shared_ptr<v1::Commit> commit) {
  SendRequest request = begin_send(request_id, message_id, chat);
  action.commit = commit != nullptr;
  request.action = std::make_shared<GroupAction>(std::move(action));
  if (commit != nullptr) {
    request.payload = std::move(*commit->mutable_payload());
    set_commit(request, std::move(*commit));
  }
  request.reply = [anchor = anchor_, request_id, chat, not_added = std::move(not_added)](const Result<SentInfo>& result) {
    Session* session = anchor->session;
    if (session == nullptr) return;
    if (!result) return session->answer_error(request_id, result.error());
    v1::ServerFrame& reply = session->begin(request_id);
    auto& changed = *reply.mutable_group_changed();
    changed.set_chat(chat.str());
    changed.set_chat_seq(result->chat_seq.value);
    changed.set_version(result->version);
    for (const UserId user : not_added) changed.add_not_added(user.value);
    session->answer(reply);
  };
  send_to_chat(std::move(request));
}

void Session::handle_create_group(Request& frame) {
  v1::CreateGroup& asked = *frame.mutable_create_group();
  const std::uint64_t id = frame.request_id();
  if (!is_message_id(asked.id())) return answer_error(id, Errc::message_id_invalid);
  if (asked.name().size() > kMaxGroupNameBytes || asked.members_size() > kMaxUsersPerRequest) {
    return answer_error(id, Errc::too_large);
  }
  if (const Status fine = check_settings(asked.settings()); !fine) return answer_error(id, fine.error());
  if (asked.encrypted() && asked.members_size() > 0) {
    return answer_error(id, Error(Errc::invalid_argument, "members of an encrypted group come in with a commit"));
  }
  GroupAction action;
  action.kind = GroupAction::Kind::create;
  action.encrypted = asked.encrypted();
  action.name = std::move(*asked.mutable_name());
  action.settings = known_settings(asked.settings());
  std::vector<UserId> members = to_users(asked.members());
  std::erase(members, user_);
  check_users(std::move(members), [id, message_id = asked.id(), action = std::move(action)](
                                      Session& session, CheckedUsers users) mutable {
    action.add = std::move(users.yes);
    session.change_group(id, message_id, group_id(session.user_, message_id), std::move(action), std::move(users.no));
  });
}

void Session::handle_change_group(Request& frame) {
  v1::ChangeGroup& asked = *frame.mutable_change_group();
  const std::uint64_t id = frame.request_id();
  if (!is_message_id(asked.id())) return answer_error(id, Errc::message_id_invalid);
  if (asked.chat().size() != 16) return answer_error(id, Error(Errc::invalid_argument, "`chat` must have 16 bytes"));
  const int users = asked.add_size() + asked.remove_size() + asked.ban_size() + asked.unban_size() + asked.roles_size();
  if (asked.name().size() > kMaxGroupNameBytes || users > kMaxUsersPerRequest) return answer_error(id, Errc::too_large);
  if (users == 0 && !asked.has_name() && !asked.has_settings()) {
    return answer_error(id, Error(Errc::invalid_argument, "nothing is to be changed"));
  }
  const auto commit = take_commit(asked);
  if (commit != nullptr) {
    if (const Status fine = check_commit(*commit, commit->payload()); !fine) return answer_error(id, fine.error());
  }
  GroupAction action;
  if (asked.has_name()) action.name = std::move(*asked.mutable_name());
  if (asked.has_settings()) {
    if (const Status fine = check_settings(asked.settings()); !fine) return answer_error(id, fine.error());
    action.settings = known_settings(asked.settings());
  }
  action.remove = to_users(asked.remove());
  action.ban = to_users(asked.ban());
  action.unban = to_users(asked.unban());
  for (const auto& role : asked.roles()) {
    if (!valid_role(role.role())) return answer_error(id, Error(Errc::invalid_argument, "unknown role"));
    action.roles.emplace_back(UserId(role.user_id()), static_cast<Role>(role.role()));
  }
  action.if_version = asked.if_version();
  check_users(to_users(asked.add()), [id, message_id = asked.id(), chat = ChatId::from(asked.chat()),
                                      action = std::move(action), nothing_else = users == asked.add_size(), commit](
                                         Session& session, CheckedUsers users) mutable {
    // The commit lets in all of them or none.
    if (commit != nullptr && !users.no.empty()) return session.answer_error(id, not_added_error(users.no, users.refused));
    if (users.yes.empty() && !users.no.empty() && nothing_else && !action.name && !action.settings) {
      return session.answer_error(id, users.refused ? Errc::refused_by_privacy : Errc::user_not_found);
    }
    action.add = std::move(users.yes);
    session.change_group(id, message_id, chat, std::move(action), std::move(users.no), commit);
  });
}

void Session::handle_join_group(Request& frame) {
  v1::JoinGroup& asked = *frame.mutable_join_group();
  const std::uint64_t id = frame.request_id();
  if (!is_message_id(asked.id())) return answer_error(id, Errc::message_id_invalid);
  const auto link = parse_link(asked.link());
  if (!link) return answer_error(id, Errc::invite_link_invalid);
  const auto commit = take_commit(asked);
  if (commit != nullptr) {
    if (const Status fine = check_commit(*commit, commit->payload()); !fine) return answer_error(id, fine.error());
  }
  GroupAction action;
  action.kind = GroupAction::Kind::join;
  action.link_hash = blake2b(link->secret, 32);
  change_group(id, asked.id(), link->chat, std::move(action), {}, commit);
}

void Session::handle_answer_join(Request& frame) {
  v1::AnswerJoin& asked = *frame.mutable_answer_join();
  const std::uint64_t id = frame.request_id();
  if (!is_message_id(asked.id())) return answer_error(id, Errc::message_id_invalid);
  if (asked.chat().size() != 16) return answer_error(id, Error(Errc::invalid_argument, "`chat` must have 16 bytes"));
  const auto commit = take_commit(asked);
  if (commit != nullptr) {
    if (const Status fine = check_commit(*commit, commit->payload()); !fine) return answer_error(id, fine.error());
  }
  GroupAction action;
  action.kind = GroupAction::Kind::answer_join;
  action.applicant = UserId(asked.user_id());
  action.accept = asked.accept();
  change_group(id, asked.id(), ChatId::from(asked.chat()), std::move(action), {}, commit);
}

void Session::handle_get_group_info(Request& frame) {
  const v1::GetGroupInfo& asked = frame.get_group_info();
  const std::uint64_t id = frame.request_id();
  if ((asked.peer() != 0) + !asked.chat().empty() + !asked.link().empty() != 1) {
    return answer_error(id, Error(Errc::invalid_argument, "exactly one of `peer`, `chat` and `link` must be set"));
  }
  GroupInfoRequest request;
  request.reader = user_;
  if (!asked.link().empty()) {
    const auto link = parse_link(asked.link());
    if (!link) return answer_error(id, Errc::invite_link_invalid);
    request.chat = link->chat;
    request.link_hash = blake2b(link->secret, 32);
  } else {
    const auto chat = chat_of(asked.peer(), asked.chat());
    if (!chat) return answer_error(id, Error(Errc::invalid_argument, "`chat` must have 16 bytes"));
    request.chat = *chat;
    request.direct = asked.peer() != 0;
  }
  fetch_group_info(id, std::move(request));
}

void Session::with_group(std::uint64_t request_id, const std::string& chat,
                         std::function<void(Chat&, const Group::Member&, const AnchorPtr&)> fn) {
  if (chat.size() != 16) {
    return answer_error(request_id, Error(Errc::invalid_argument, "`chat` must have 16 bytes"));
  }
  const ChatId id = ChatId::from(chat);
  host_->router.on(id, [id, request_id, user = user_, anchor = anchor_, fn = std::move(fn)](Shard& shard) {
    shard.chats().with_chat(id, [request_id, user, anchor, fn](Chat& found) {
      const Group::Member* member = found.group() != nullptr ? found.group()->present(user) : nullptr;
      if (member != nullptr) return fn(found, *member, anchor);
      to_session(anchor, [request_id](Session& session) { session.answer_error(request_id, Errc::chat_not_found); });
    });
  });
}

namespace {

// Answers from the chat's worker: `fill(reply)` there, the frame itself on the session's.
template <class Fill>
void answer_from_chat(const AnchorPtr& anchor, std::uint64_t request_id, Fill fill,
                      void (*send)(Session&, std::uint64_t, v1::ServerFrame&)) {
  auto frame = std::make_shared<v1::ServerFrame>();
  fill(*frame);
  to_session(anchor, [frame, request_id, send](Session& session) { send(session, request_id, *frame); });
}

}  // namespace

void Session::answer_frame(Session& session, std::uint64_t request_id, v1::ServerFrame& frame) {
  frame.set_request_id(request_id);
  session.answer(frame);
}

void Session::handle_get_group(Request& frame) {
  const v1::GetGroup& asked = frame.get_group();
  with_group(frame.request_id(), asked.chat(), [id = frame.request_id(), after = UserId(asked.after()),
                                                limit = asked.limit()](Chat& chat, const Group::Member& self,
                                                                       const AnchorPtr& anchor) {
    answer_from_chat(anchor, id, [&](v1::ServerFrame& reply) {
      const Group& group = *chat.group();
      auto& out = *reply.mutable_group();
      out.set_chat(chat.id().str());
      out.set_name(group.name());
      fill_settings(group.settings(), out.mutable_settings());
      out.set_version(group.version());
      out.set_epoch(group.epoch());
      out.set_encrypted(group.encrypted());
      out.set_member_count(group.count());
      out.set_chat_end(chat.end());
      out.set_more(member_page(group, after, limit, [&](const Group::Member& member) {
        if (!member.present()) return false;
        auto& added = *out.add_members();
        added.set_user_id(member.user.value);
        added.set_role(static_cast<v1::Role>(member.role));
        added.set_joined_seq(member.joined());
        return true;
      }));
      if (self.role < Role::admin) return;
      for (const Group::Member& member : group.members()) {
        if (member.banned && out.banned_size() < kMaxBannedListed) out.add_banned(member.user.value);
      }
    }, answer_frame);
  });
}

void Session::handle_get_receipts(Request& frame) {
  const v1::GetReceipts& asked = frame.get_receipts();
  const std::uint64_t id = frame.request_id();
  with_group(id, asked.chat(), [id, seq = asked.chat_seq(), after = UserId(asked.after()), limit = asked.limit(),
                                user = user_, shows_reads = !account_->hides_read_receipts()](
                                   Chat& chat, const Group::Member& self, const AnchorPtr& anchor) {
    const std::uint64_t position = seq == 0 ? chat.end() : seq;
    // Who was in it before is none of a newcomer's business.
    if (position > chat.end() || position < self.joined()) {
      return to_session(anchor, [id](Session& session) { session.answer_error(id, Errc::message_not_found); });
    }
    answer_from_chat(anchor, id, [&](v1::ServerFrame& reply) {
      const Group& group = *chat.group();
      const ReceiptCount count = group.counts(position, user);
      auto& out = *reply.mutable_receipts();
      out.set_chat(chat.id().str());
      out.set_chat_seq(position);
      out.set_delivered(count.delivered);
      if (shows_reads) out.set_read(count.read);
      out.set_of(count.of);
      out.set_more(member_page(group, after, limit, [&](const Group::Member& member) {
        if (member.user == user || !member.was_in_at(position)) return false;
        auto& added = *out.add_members();
        added.set_user_id(member.user.value);
        added.set_delivered(member.delivered);
        if (shows_reads) added.set_read(member.shown_read);
        return true;
      }));
    }, answer_frame);
  });
}

void Session::handle_make_invite_link(Request& frame) {
  const v1::MakeInviteLink& asked = frame.make_invite_link();
  const std::uint64_t id = frame.request_id();
  if (asked.chat().size() != 16) return answer_error(id, Error(Errc::invalid_argument, "`chat` must have 16 bytes"));
  if (asked.expires_s() > kYearS) return answer_error(id, Error(Errc::invalid_argument, "`expires_s` is more than a year"));
  const ChatId chat = ChatId::from(asked.chat());
  const std::string secret = random_bytes(kSecretBytes);
  NewLink made;
  made.by = user_;
  made.link.hash = blake2b(secret, 32);
  made.link.id = made.link.hash.substr(0, kLinkIdBytes);
  made.link.expires_ms =
      host_->clock.wall_ms() + 1000LL * (asked.expires_s() == 0 ? kLinkDefaultS : asked.expires_s());
  if (asked.max_uses() != 0) made.link.uses_left = asked.max_uses();
  made.link.approve = asked.approve();
  host_->router.on(chat, [chat, made, id, text = link_text(chat, secret), anchor = anchor_](Shard& shard) {
    shard.chats().make_link(chat, made, [made, id, text, anchor](const Status& done) {
      to_session(anchor, [made, id, text, done](Session& session) {
        if (!done) return session.answer_error(id, done.error());
        v1::ServerFrame& reply = session.begin(id);
        auto& link = *reply.mutable_invite_link();
        link.set_link(text);
        link.set_link_id(made.link.id);
        link.set_expires_ms(made.link.expires_ms);
        if (made.link.uses_left) link.set_uses_left(*made.link.uses_left);
        link.set_approve(made.link.approve);
        link.set_made_by(made.by.value);
        session.answer(reply);
      });
    });
  });
}

void Session::handle_revoke_invite_link(Request& frame) {
  const v1::RevokeInviteLink& asked = frame.revoke_invite_link();
  const std::uint64_t id = frame.request_id();
  if (asked.chat().size() != 16) return answer_error(id, Error(Errc::invalid_argument, "`chat` must have 16 bytes"));
  const ChatId chat = ChatId::from(asked.chat());
  host_->router.on(chat, [chat, link = asked.link_id(), user = user_, reply = done_reply(id)](Shard& shard) {
    shard.chats().revoke_link(chat, user, link, reply);
  });
}

void Session::handle_list_invite_links(Request& frame) {
  const std::uint64_t id = frame.request_id();
  with_group(id, frame.list_invite_links().chat(),
             [id, now = host_->clock.wall_ms()](Chat& chat, const Group::Member& self, const AnchorPtr& anchor) {
               if (self.role < Role::admin) {
                 return to_session(anchor, [id](Session& session) { session.answer_error(id, Errc::not_allowed); });
               }
               answer_from_chat(anchor, id, [&](v1::ServerFrame& reply) {
                 reply.mutable_invite_links();
                 for (const Group::Link& link : chat.group()->links()) {
                   if (link.expires_ms <= now || link.uses_left == std::optional(0U)) continue;
                   auto& added = *reply.mutable_invite_links()->add_links();
                   added.set_link_id(link.id);
                   added.set_expires_ms(link.expires_ms);
                   if (link.uses_left) added.set_uses_left(*link.uses_left);
                   added.set_approve(link.approve);
                   added.set_made_by(link.made_by.value);
                 }
               }, answer_frame);
             });
}

void Session::handle_list_join_requests(Request& frame) {
  const std::uint64_t id = frame.request_id();
  with_group(id, frame.list_join_requests().chat(),
             [id](Chat& chat, const Group::Member& self, const AnchorPtr& anchor) {
               if (self.role < Role::admin) {
                 return to_session(anchor, [id](Session& session) { session.answer_error(id, Errc::not_allowed); });
               }
               answer_from_chat(anchor, id, [&](v1::ServerFrame& reply) {
                 reply.mutable_join_requests();
                 for (const UserId user : chat.group()->asking()) {
                   reply.mutable_join_requests()->add_users(user.value);
                 }
               }, answer_frame);
             });
}

}  // namespace godwit

// Names for users and chats, and the keys of chats. See command_session.h.
#include <unistd.h>

#include <algorithm>

#include "godwit.pb.h"
#include "tools/cli/command_session.h"
#include "tools/cli/format.h"
#include "tools/cli/passphrase.h"
#include "tools/cli/sanitize.h"

namespace godwit::cli {
namespace {

constexpr std::uint32_t kChatsPage = 1000;
// Groups whose names are asked for one by one, when this device does not know them.
constexpr std::size_t kMostAsked = 1000;
constexpr std::size_t kMaxNameBytes = 1024;

std::optional<UserId> known_user(const Profile& profile, const std::string& name) {
  for (const auto& [user, handle] : profile.state.handles) {
    if (handle == name) return user;
  }
  return std::nullopt;
}

}  // namespace

Contact CommandSession::find_user(const std::string& name) {
  v1::ClientFrame frame;
  if (const auto id = parse_user_id(name)) {
    frame.mutable_lookup_user()->set_user_id(id->value);
  } else {
    frame.mutable_lookup_user()->set_handle(name);
  }
  const auto reply = call(frame, v1::ServerFrame::kUser, Retry::yes);
  const Contact contact{UserId(reply.user().user_id()), reply.user().handle()};
  if (!contact.user) throw CommandError(ExitCode::server, "user_not_found", "there is no such user");
  profile_.remember_handle(contact.user, contact.handle);
  return contact;
}

std::vector<Contact> CommandSession::find_users(const std::vector<std::string>& names) {
  std::vector<Contact> users;
  for (const std::string& name : names) users.push_back(find_user(name));
  return users;
}

std::string CommandSession::name_of(UserId user) {
  if (user == self() && !profile_.account->handle.empty()) return sanitize(profile_.account->handle);
  const auto known = profile_.state.handles.find(user);
  if (known != profile_.state.handles.end()) return sanitize(known->second);
  if (!client_.ready()) return format_user_id(user);
  try {
    return sanitize(find_user(format_user_id(user)).handle);
  } catch (const CommandError& e) {
    if (e.failure.exit == ExitCode::interrupted) throw;
    // A deleted account keeps its messages, but not its name.
    if (e.failure.name == "user_not_found") profile_.remember_handle(user, format_user_id(user));
    return format_user_id(user);
  }
}

std::string CommandSession::chat_name(const ChatRef& chat) {
  if (!chat.is_group()) return name_of(chat.peer);
  const auto name = group_name(chat.group);
  return name ? sanitize(*name) : format_chat(chat);
}

std::optional<std::string> CommandSession::group_name(const ChatId& group) {
  const auto known = profile_.state.groups.find(group);
  if (known == profile_.state.groups.end()) return std::nullopt;
  return open_group_name(known->second.sealed_name);
}

std::optional<std::string> CommandSession::open_group_name(const std::string& sealed) {
  const GroupSecret* secret = group_secret();
  return secret == nullptr ? std::nullopt : secret->open_name(sealed);
}

std::string CommandSession::seal_group_name(const std::string& name) {
  if (name.empty()) throw CommandError(ExitCode::usage, "usage", "an empty name");
  if (sealed_size(name.size()) > kMaxNameBytes) {
    throw CommandError(ExitCode::usage, "too_large", "the name is longer than a group's may be");
  }
  require_passphrase();
  return group_secret()->seal_name(name);
}

void CommandSession::learn_groups(const std::vector<v1::ChatInfo>& chats) {
  std::size_t asked = 0;
  for (const v1::ChatInfo& info : chats) {
    if (info.chat().size() != ChatId().bytes.size() || info.left()) continue;
    const ChatId group = ChatId::from(info.chat());
    const auto known = profile_.state.groups.find(group);
    if (known != profile_.state.groups.end() && known->second.version >= info.version()) continue;
    if (++asked > kMostAsked) return;
    v1::ClientFrame frame;
    frame.mutable_get_group()->set_chat(info.chat());
    frame.mutable_get_group()->set_limit(1);
    try {
      const v1::ServerFrame reply = call(frame, v1::ServerFrame::kGroup, Retry::yes);
      profile_.remember_group(group, reply.group().name(), reply.group().version());
    } catch (const CommandError& e) {
      // Removed from it just now.
      if (e.failure.name != "chat_not_found") throw;
    }
  }
}

void CommandSession::learn_groups() {
  learn_groups(list_chats());
}

std::vector<v1::ChatInfo> CommandSession::list_chats() {
  std::vector<v1::ChatInfo> all;
  v1::ClientFrame frame;
  frame.mutable_list_chats()->set_limit(kChatsPage);
  for (;;) {
    const v1::ServerFrame reply = call(frame, v1::ServerFrame::kChats, Retry::yes);
    all.insert(all.end(), reply.chats().chats().begin(), reply.chats().chats().end());
    if (reply.chats().next().empty() || reply.chats().chats().empty()) return all;
    frame.mutable_list_chats()->set_after(reply.chats().next());
  }
}

std::optional<ChatId> CommandSession::known_group(const std::string& name) {
  std::vector<ChatId> found;
  for (const auto& [group, known] : profile_.state.groups) {
    if (open_group_name(known.sealed_name) == name) found.push_back(group);
  }
  if (found.size() > 1) {
    throw CommandError(ExitCode::usage, "ambiguous",
                       std::to_string(found.size()) + " groups are called " + name + ": say " +
                           format_chat(ChatRef(found[0])) + ", or one of the others (`group list`)");
  }
  return found.empty() ? std::nullopt : std::optional(found[0]);
}

Conversation CommandSession::find_group(const std::string& name) {
  if (const auto id = parse_group_id(name)) return {ChatRef(*id), chat_name(ChatRef(*id))};
  const std::string plain = name.starts_with("group:") ? name.substr(6) : name;
  auto group = known_group(plain);
  if (!group && client_.ready()) {
    learn_groups();
    group = known_group(plain);
  }
  if (!group) {
    throw CommandError(ExitCode::server, "chat_not_found", "there is no group that you know as " + plain);
  }
  return {ChatRef(*group), sanitize(plain)};
}

Conversation CommandSession::find_chat(const std::string& name) {
  if (name.starts_with("group:") || parse_group_id(name)) return find_group(name);
  if (!client_.ready()) return find_chat_offline(name);
  try {
    const Contact contact = find_user(name);
    return {contact.user, sanitize(contact.handle)};
  } catch (const CommandError& e) {
    const bool nobody = e.failure.name == "user_not_found" || e.failure.name == "handle_invalid" ||
                        e.failure.name == "invalid_argument";
    if (!nobody) throw;
    // The chat with a deleted account is still there for whoever has met it.
    if (const auto id = parse_user_id(name)) return {*id, name};
    if (const auto user = known_user(profile_, name)) return {*user, sanitize(name)};
    try {
      return find_group(name);
    } catch (const CommandError& no_group) {
      if (no_group.failure.name != "chat_not_found") throw;
    }
    throw;
  }
}

// Without a connection only names seen before are known.
Conversation CommandSession::find_chat_offline(const std::string& name) {
  if (const auto id = parse_user_id(name)) return {*id, name_of(*id)};
  if (const auto user = known_user(profile_, name)) return {*user, sanitize(name)};
  if (const auto group = known_group(name)) return {ChatRef(*group), sanitize(name)};
  throw CommandError(ExitCode::usage, "user_not_found", "this device has not met " + name);
}

const std::string* CommandSession::passphrase() {
  if (!std::exchange(passphrase_sought_, true)) {
    try {
      passphrase_ = find_passphrase(context_.options.passphrase_file, ::isatty(STDIN_FILENO) == 1);
    } catch (const std::exception& e) {
      throw CommandError(ExitCode::usage, "passphrase", e.what());
    }
  }
  return passphrase_ ? &*passphrase_ : nullptr;
}

void CommandSession::require_passphrase() {
  if (passphrase() != nullptr) return;
  throw CommandError(ExitCode::usage, "no_passphrase",
                     "messages are encrypted under a passphrase shared with the other side: give it by "
                     "--passphrase-file, in GODWIT_PASSPHRASE, or at the terminal");
}

const GroupSecret* CommandSession::group_secret() {
  if (passphrase() == nullptr) return nullptr;
  if (!group_secret_) group_secret_.emplace(GroupSecret::derive(*passphrase()));
  return &*group_secret_;
}

const ChatKey* CommandSession::key_of(const ChatRef& chat) {
  if (passphrase() == nullptr) return nullptr;
  const auto known = keys_.find(chat);
  if (known != keys_.end()) return &known->second;
  ChatKey key = chat.is_group() ? group_secret()->key_of(chat.group)
                                : ChatKey::of_pair(*passphrase(), self(), chat.peer);
  return &keys_.emplace(chat, std::move(key)).first->second;
}

std::optional<ChatKey> CommandSession::status_key_of(UserId author) {
  const GroupSecret* secret = group_secret();
  if (secret == nullptr) return std::nullopt;
  return secret->status_key_of(author);
}

const ChatKey& CommandSession::require_key_of(const ChatRef& chat) {
  require_passphrase();
  return *key_of(chat);
}

}  // namespace godwit::cli

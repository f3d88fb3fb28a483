// A client as commands want it: each step waits for its outcome, and failure is an exception.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tools/cli/client.h"
#include "tools/cli/context.h"
#include "tools/cli/payload_crypto.h"

namespace godwit::v1 {
class ChatInfo;
}

namespace godwit::cli {

enum class Login : bool { none, device };
enum class Retry : bool { no, yes };

struct Contact {
  UserId user;
  std::string handle;
};

// A chat that was named by the user.
struct Conversation {
  ChatRef chat;
  std::string name;  // safe to show
};

// The server that this run talks to. Throws CommandError for addresses that are wrong or unsafe.
TransportOptions transport_options(const Context& context, const Profile& profile);

class CommandSession {
 public:
  // Events that the command leaves empty are told as remarks where the user must know of them.
  CommandSession(Context& context, Profile& profile, Login login, ClientEvents events = {});
  ~CommandSession();
  CommandSession(const CommandSession&) = delete;
  CommandSession& operator=(const CommandSession&) = delete;

  // Until --connect-timeout is over. Throws CommandError.
  void connect();
  // Closes in order, so that everything sent is received. Bounded to two seconds.
  void close();

  // The reply, which is checked to be of `kind` (v1::ServerFrame::BodyCase). With Retry::yes the request
  // survives lost connections. Throws CommandError.
  v1::ServerFrame call(const v1::ClientFrame& frame, int kind, Retry retry);

  // Until `done`; throws CommandError when the client gives up, on signals, and at the deadline, saying that
  // there was no `what`.
  void wait(const std::function<bool()>& done, Deadline deadline, const std::string& what);
  // --timeout from now.
  Deadline deadline() const;

  // By handle or "id:<number>". Throws CommandError.
  Contact find_user(const std::string& name);
  std::vector<Contact> find_users(const std::vector<std::string>& names);
  // By "group:<id>", the bare id, "group:<name>" or the name, as this device knows it. Throws CommandError.
  Conversation find_group(const std::string& name);
  // A user as above, or a group. A plain name is a user's first, so that no group can pass for a user.
  // Without a connection, only what this device has met. Throws CommandError.
  Conversation find_chat(const std::string& name);
  // All chats of the account, as the server lists them. Throws CommandError.
  std::vector<v1::ChatInfo> list_chats();
  // Asks for the names of those groups that this device does not know. Throws CommandError.
  void learn_groups(const std::vector<v1::ChatInfo>& chats);
  void learn_groups();

  // The handle, sanitised; "id:<number>" when nobody knows. May ask the server.
  std::string name_of(UserId user);
  // The same of a chat; "group:<id>" without the passphrase, or when this device does not know the name.
  std::string chat_name(const ChatRef& chat);
  // A group's name as it was written, not sanitised; nothing without the passphrase that it was sealed under.
  std::optional<std::string> open_group_name(const std::string& sealed);
  // Throws CommandError without a passphrase, and for names that are empty or too long.
  std::string seal_group_name(const std::string& name);

  // The key of the chat, or null without a passphrase. Asks for it once where there is a terminal.
  const ChatKey* key_of(const ChatRef& chat);
  // The same, but throws CommandError without a passphrase.
  const ChatKey& require_key_of(const ChatRef& chat);
  // The key of an author's statuses, or nothing without a passphrase.
  std::optional<ChatKey> status_key_of(UserId author);
  // Throws CommandError without a passphrase.
  void require_passphrase();

  UserId self() const { return profile_.account->user; }
  Client& client() { return client_; }
  Profile& profile() { return profile_; }
  Context& context() { return context_; }
  Output& out() { return context_.out; }

 private:
  ClientEvents with_defaults(ClientEvents events);
  std::optional<v1::ServerFrame> attempt(const v1::ClientFrame& frame, Deadline deadline, Failure& failure);

  // command_session_names.cc
  Conversation find_chat_offline(const std::string& name);
  std::optional<ChatId> known_group(const std::string& name);
  std::optional<std::string> group_name(const ChatId& group);
  const std::string* passphrase();
  const GroupSecret* group_secret();

  Context& context_;
  Profile& profile_;
  Client client_;
  std::map<ChatRef, ChatKey> keys_;
  std::optional<GroupSecret> group_secret_;
  std::optional<std::string> passphrase_;
  bool passphrase_sought_ = false;
};

}  // namespace godwit::cli

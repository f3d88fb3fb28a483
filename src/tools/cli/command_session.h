// A client as commands want it: each step waits for its outcome, and failure is an exception.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "tools/cli/client.h"
#include "tools/cli/context.h"
#include "tools/cli/payload_crypto.h"

namespace godwit::cli {

enum class Login : bool { none, device };
enum class Retry : bool { no, yes };

struct Contact {
  UserId user;
  std::string handle;
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
  // The handle, sanitised; "id:<number>" when nobody knows. May ask the server.
  std::string name_of(UserId user);

  // The key shared with `peer`, or null without a passphrase. Asks for it once where there is a terminal.
  const PairKey* key_with(UserId peer);
  // The same, but throws CommandError without a passphrase.
  const PairKey& require_key_with(UserId peer);

  UserId self() const { return profile_.account->user; }
  Client& client() { return client_; }
  Profile& profile() { return profile_; }
  Context& context() { return context_; }
  Output& out() { return context_.out; }

 private:
  ClientEvents with_defaults(ClientEvents events);
  std::optional<v1::ServerFrame> attempt(const v1::ClientFrame& frame, Deadline deadline, Failure& failure);

  Context& context_;
  Profile& profile_;
  Client client_;
  std::map<UserId, PairKey> keys_;
  std::optional<std::string> passphrase_;
  bool passphrase_sought_ = false;
};

}  // namespace godwit::cli

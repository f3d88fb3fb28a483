// A profile directory: one device of one account on one server, used by one process at a time.
//
//   lock            held while a godwit-cli uses the profile
//   account.json    who we are, and the device key
//   state.json      cursor, positions of each chat
//   messages.log    received and sent messages (message_store.h); messages.old.log once it was full
//   outbox/         messages not acknowledged by the server (outbox.h)
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "tools/cli/account.h"
#include "tools/cli/message_store.h"
#include "tools/cli/outbox.h"
#include "tools/cli/profile_state.h"

namespace godwit::cli {

class Profile {
 public:
  // The log is rolled over when it has grown beyond `log_bytes` and everything in it was shown.
  static constexpr std::uint64_t kLogBytes = 64 << 20;

  // Creates the directory when needed. Throws std::system_error or std::runtime_error when it cannot be used.
  explicit Profile(std::filesystem::path dir, std::uint64_t log_bytes = kLogBytes);

  const std::filesystem::path& dir() const { return dir_; }
  bool registered() const { return account && account->registered(); }

  void save_account() const;
  // Makes the messages durable, then the state that counts them.
  void save_state();
  // Appends and counts a received envelope or one that this device sent: cursor and chat position move.
  // Durable after save_state() or store().sync(). Returns the offset behind it.
  std::uint64_t record(const v1::Envelope& envelope);
  // Remembers a handle for showing it.
  void remember_handle(UserId user, std::string handle);
  // Remembers a group's name, unless a newer version of the group is known.
  void remember_group(const ChatId& group, std::string sealed_name, std::uint64_t version);
  // The payload of a message that this device has sent under this id, or nothing.
  std::optional<OutgoingMessage> find_own(const MessageId& id) const;
  // The account is gone: removes every file that the profile has made.
  void erase();

  MessageStore& store() { return *store_; }
  Outbox& outbox() { return *outbox_; }

  std::optional<Account> account;
  ProfileState state;

 private:
  void count(const v1::Envelope& envelope);
  void roll_over(std::uint64_t log_bytes);

  std::filesystem::path dir_;
  ProfileLock lock_;
  std::unique_ptr<MessageStore> store_;
  std::unique_ptr<Outbox> outbox_;
};

}  // namespace godwit::cli

// contacts list, add, remove, find.
#include <sodium.h>

#include <map>
#include <nlohmann/json.hpp>

#include "godwit.pb.h"
#include "protocol/handle.h"
#include "tools/cli/command_session.h"
#include "tools/cli/commands.h"
#include "tools/cli/sanitize.h"

namespace godwit::cli {
namespace {

constexpr std::uint32_t kPage = 1000;
// What one request may change or look for.
constexpr std::size_t kMostAtOnce = 1000;
constexpr std::size_t kHashBytes = 16;

void show_contact(CommandSession& session, UserId user) {
  const std::string name = session.name_of(user);
  session.out().result(name, {{"type", "contact"}, {"user", name}, {"user_id", std::to_string(user.value)}});
}

void require_bound(const std::vector<std::string>& names) {
  if (names.size() <= kMostAtOnce) return;
  throw CommandError(ExitCode::usage, "too_large", "at most 1000 at once");
}

std::string hash_of(const std::string& handle, const std::string& key) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(key.data()), key.size());
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(handle.data()), handle.size());
  std::string hash(crypto_auth_hmacsha256_BYTES, '\0');
  crypto_auth_hmacsha256_final(&state, reinterpret_cast<unsigned char*>(hash.data()));
  return hash.substr(0, kHashBytes);
}

v1::FoundContacts ask(CommandSession& session, const std::map<std::string, std::string>& hashes) {
  v1::ClientFrame frame;
  frame.mutable_find_contacts();
  for (const auto& [hash, handle] : hashes) frame.mutable_find_contacts()->add_hashes(hash);
  return session.call(frame, v1::ServerFrame::kFoundContacts, Retry::yes).found_contacts();
}

}  // namespace

ExitCode run_contacts_list(Context& context) {
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  v1::ClientFrame frame;
  frame.mutable_list_contacts()->set_limit(kPage);
  for (bool more = true; more;) {
    const v1::ServerFrame reply = session.call(frame, v1::ServerFrame::kContacts, Retry::yes);
    const v1::Contacts& page = reply.contacts();
    for (const v1::Contact& contact : page.contacts()) show_contact(session, UserId(contact.user_id()));
    more = page.more() && !page.contacts().empty();
    if (more) frame.mutable_list_contacts()->set_after(page.contacts(page.contacts_size() - 1).user_id());
  }
  session.close();
  return ExitCode::ok;
}

ExitCode run_contacts_change(Context& context, const std::vector<std::string>& names, bool add) {
  require_bound(names);
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  v1::ClientFrame frame;
  v1::ChangeContacts& request = *frame.mutable_change_contacts();
  const std::vector<Contact> users = session.find_users(names);
  for (const Contact& user : users) {
    if (add) {
      request.add_add()->set_user_id(user.user.value);
    } else {
      request.add_remove(user.user.value);
    }
  }
  session.call(frame, v1::ServerFrame::kDone, Retry::yes);
  session.close();
  for (const Contact& user : users) {
    context.out.result(sanitize(user.handle) + (add ? " is a contact" : " is no contact any more"),
                       {{"type", add ? "contact_added" : "contact_removed"},
                        {"user", user.handle},
                        {"user_id", std::to_string(user.user.value)}});
  }
  return ExitCode::ok;
}

// The server learns hashes, not handles. It is asked for the key of the hashes first.
ExitCode run_contacts_find(Context& context, const std::vector<std::string>& handles) {
  require_bound(handles);
  const auto profile = open_account(context);
  CommandSession session(context, *profile, Login::device);
  session.connect();
  const std::string key = ask(session, {}).hash_key();
  std::map<std::string, std::string> by_hash;
  for (const std::string& handle : handles) {
    const auto canonical = canonical_handle(handle);
    if (!canonical) throw CommandError(ExitCode::usage, "handle_invalid", "not a handle: " + handle);
    by_hash[hash_of(*canonical, key)] = handle;
  }
  const v1::FoundContacts answer = ask(session, by_hash);
  if (answer.hash_key() != key) {
    throw CommandError(ExitCode::server, "key_changed", "the server was started anew meanwhile: try again");
  }
  for (const v1::FoundContact& found : answer.found()) {
    const auto known = by_hash.find(found.hash());
    if (known == by_hash.end()) continue;
    context.out.result(
        sanitize(known->second) + " is user " + std::to_string(found.user_id()),
        {{"type", "found_contact"}, {"handle", known->second}, {"user_id", std::to_string(found.user_id())}});
  }
  session.close();
  return ExitCode::ok;
}

}  // namespace godwit::cli

// Requests about who the user is to others: privacy, contacts, contact discovery, the names of devices, blocks.
#include <algorithm>
#include <utility>

#include "godwit.pb.h"
#include "session/account_wire.h"
#include "session/request_checks.h"
#include "session/session.h"

namespace godwit {
namespace {

constexpr int kMaxContactsInRequest = 1'000;
constexpr std::uint32_t kContactsPage = 200;
constexpr std::uint32_t kMaxContactsPage = 1'000;
constexpr int kMaxHashes = 1'000;

}  // namespace

void Session::handle_set_privacy(Request& frame) {
  const std::uint64_t id = frame.request_id();
  const auto changed = privacy_change(frame.set_privacy());
  if (!changed) return answer_error(id, changed.error());
  host_->shard().accounts().set_privacy(user_, *changed, [anchor = anchor_, id](const Result<Unit>& done) {
    to_session(anchor, [id, done](Session& session) {
      if (!done) return session.answer_error(id, done.error());
      session.answer_privacy(id);
    });
  });
}

void Session::handle_get_privacy(Request& frame) {
  answer_privacy(frame.request_id());
}

void Session::answer_privacy(std::uint64_t request_id) {
  if (state_ != State::live) return;
  v1::ServerFrame& reply = begin(request_id);
  privacy_to_wire(account_->privacy(), *reply.mutable_privacy());
  answer(reply);
}

void Session::handle_change_contacts(Request& frame) {
  v1::ChangeContacts& asked = *frame.mutable_change_contacts();
  const std::uint64_t id = frame.request_id();
  if (asked.add_size() > kMaxContactsInRequest || asked.remove_size() > kMaxContactsInRequest) {
    return answer_error(id, Error(Errc::too_large, "at most 1,000 contacts in one request"));
  }
  store::ContactsChanged changed;
  for (v1::Contact& contact : *asked.mutable_add()) {
    if (contact.note().size() > Contacts::kMaxNoteBytes) return answer_error(id, Errc::too_large);
    if (contact.user_id() == 0 || contact.user_id() == user_.value) {
      return answer_error(id, Error(Errc::invalid_argument, "`user_id` must be that of another user"));
    }
    auto& added = *changed.add_added();
    added.set_user(contact.user_id());
    added.set_note(std::move(*contact.mutable_note()));
  }
  *changed.mutable_removed() = asked.remove();
  host_->shard().accounts().change_contacts(user_, std::move(changed), done_reply(id));
}

void Session::handle_list_contacts(Request& frame) {
  const v1::ListContacts& asked = frame.list_contacts();
  const std::uint32_t limit = asked.limit() == 0 ? kContactsPage : std::min(asked.limit(), kMaxContactsPage);
  ContactsPage page = account_->contacts().page(UserId(asked.after()), limit);
  host_->readers.post([anchor = anchor_, host = host_, user = user_, id = frame.request_id(),
                       page = std::move(page)]() mutable {
    read_notes(host->store, host->router.map(), user, page);
    to_session(anchor, [id, page = std::move(page)](Session& session) {
      v1::ServerFrame& reply = session.begin(id);
      auto& contacts = *reply.mutable_contacts();
      contacts.set_more(page.more);
      for (const ContactEntry& entry : page.entries) {
        auto& contact = *contacts.add_contacts();
        contact.set_user_id(entry.user.value);
        contact.set_note(*entry.note);
      }
      session.answer(reply);
    });
  });
}

// A FindContacts on its way through the workers; only the session's worker writes to it.
struct Session::Finding {
  std::uint64_t request_id = 0;
  std::vector<std::string> hashes;  // constant once the workers have it
  std::vector<UserId> found;        // in the order of `hashes`
  std::size_t open = 0;
};

void Session::handle_find_contacts(Request& frame) {
  v1::FindContacts& asked = *frame.mutable_find_contacts();
  const std::uint64_t id = frame.request_id();
  if (asked.hashes_size() > kMaxHashes) return answer_error(id, Error(Errc::too_large, "at most 1,000 hashes"));
  for (const std::string& hash : asked.hashes()) {
    if (hash.size() != kContactHashBytes) {
      return answer_error(id, Error(Errc::invalid_argument, "a hash must have 16 bytes"));
    }
  }
  const auto taken =
      host_->shard().accounts().take_lookups(*account_, static_cast<std::uint32_t>(asked.hashes_size()));
  if (!taken) return answer_error(id, taken.error());
  if (*taken != 0) return answer_error(id, Error(Errc::rate_limited, "no more contact lookups for now", *taken));
  auto finding = std::make_shared<Finding>();
  finding->request_id = id;
  finding->hashes.assign(std::make_move_iterator(asked.mutable_hashes()->begin()),
                         std::make_move_iterator(asked.mutable_hashes()->end()));
  find_contacts(finding);
}

// Each hash leads to the worker that knows its account, and that to the account, which says whether the user
// may find it.
void Session::find_contacts(const std::shared_ptr<Finding>& finding) {
  const std::size_t count = finding->hashes.size();
  finding->found.resize(count);
  finding->open = count + 1;
  const auto done = [anchor = anchor_, finding](std::size_t i, UserId user) {
    to_session(anchor, [finding, i, user](Session& session) {
      if (i < finding->found.size()) finding->found[i] = user;
      if (--finding->open != 0) return;
      v1::ServerFrame& reply = session.begin(finding->request_id);
      auto& contacts = *reply.mutable_found_contacts();
      contacts.set_hash_key(session.host_->store.discovery_key());
      for (std::size_t k = 0; k < finding->found.size(); ++k) {
        if (!finding->found[k]) continue;
        auto& contact = *contacts.add_found();
        contact.set_hash(finding->hashes[k]);
        contact.set_user_id(finding->found[k].value);
      }
      session.host_->probe.contacts_found.Increment(contacts.found_size());
      session.answer(reply);
    });
  };
  for (std::size_t i = 0; i < count; ++i) {
    host_->router.on(std::string_view(finding->hashes[i]),
                     [router = &host_->router, finding, i, done, asker = user_](Shard& shard) {
      shard.accounts().find_by_hash(finding->hashes[i], [router, i, done, asker](UserId user) {
        if (!user) return done(i, UserId());
        router->on(user, [user, i, done, asker](Shard& owner) {
          owner.accounts().with_account(user, [i, done, asker](Account& account) {
            done(i, account.allows(Rule::profile, asker) ? account.user() : UserId());
          });
        });
      });
    });
  }
  done(count, UserId());
}

void Session::handle_rename_device(Request& frame) {
  const v1::RenameDevice& asked = frame.rename_device();
  if (asked.name().size() > kMaxNameBytes) return answer_error(frame.request_id(), Errc::too_large);
  host_->shard().accounts().rename_device(user_, DeviceId(asked.device_id()), asked.name(),
                                          done_reply(frame.request_id()));
}

void Session::handle_list_blocks(Request& frame) {
  v1::ServerFrame& reply = begin(frame.request_id());
  auto& blocks = *reply.mutable_blocks();
  for (const UserId user : account_->blocked()) blocks.add_users(user.value);
  answer(reply);
}

}  // namespace godwit

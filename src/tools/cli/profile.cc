#include "tools/cli/profile.h"

#include <algorithm>

#include "godwit.pb.h"

namespace godwit::cli {
namespace {

constexpr std::chrono::milliseconds kLockPatience{3000};

std::filesystem::path prepared(std::filesystem::path dir) {
  make_private_dir(dir);
  return dir;
}

}  // namespace

Profile::Profile(std::filesystem::path dir, std::uint64_t log_bytes)
    : dir_(prepared(std::move(dir))), lock_(dir_ / "lock", kLockPatience) {
  account = load_account(dir_ / "account.json");
  state = load_state(dir_ / "state.json");
  store_ = std::make_unique<MessageStore>(dir_ / "messages.log", state.log_offset);
  outbox_ = std::make_unique<Outbox>(dir_ / "outbox");
  // A smaller file than the state counts: it was rolled over just before a crash.
  if (state.log_offset > store_->size()) state.log_offset = 0;
  if (state.printed_offset > store_->size()) state.printed_offset = 0;
  store_->scan(state.log_offset, [this](const v1::Envelope& envelope, std::uint64_t) {
    count(envelope);
    return true;
  });
  state.log_offset = store_->size();
  roll_over(log_bytes);
}

void Profile::roll_over(std::uint64_t log_bytes) {
  if (store_->size() <= log_bytes || state.printed_offset < store_->size()) return;
  save_state();
  store_.reset();
  std::filesystem::rename(dir_ / "messages.log", dir_ / "messages.old.log");
  store_ = std::make_unique<MessageStore>(dir_ / "messages.log", 0);
  state.log_offset = 0;
  state.printed_offset = 0;
  save_state();
}

void Profile::count(const v1::Envelope& envelope) {
  if (envelope.seq() != 0) state.cursor = std::max(state.cursor.value_or(0), envelope.seq());
  if (!account) return;
  const ChatRef ref = chat_of(envelope, account->user);
  ChatState& chat = state.chats[ref];
  chat.last_chat_seq = std::max(chat.last_chat_seq, envelope.chat_seq());
  if (ref.is_group() && envelope.event().has_name()) {
    remember_group(ref.group, envelope.event().name(), envelope.event().version());
  }
}

std::uint64_t Profile::record(const v1::Envelope& envelope) {
  const std::uint64_t end = store_->append(envelope);
  count(envelope);
  return end;
}

void Profile::save_account() const {
  if (account) cli::save_account(dir_ / "account.json", *account);
}

void Profile::save_state() {
  store_->sync();
  state.log_offset = store_->size();
  cli::save_state(dir_ / "state.json", state);
}

void Profile::remember_handle(UserId user, std::string handle) {
  if (state.handles.size() < kMaxHandles || state.handles.contains(user))
    state.handles[user] = std::move(handle);
}

void Profile::remember_group(const ChatId& group, std::string sealed_name, std::uint64_t version) {
  const auto known = state.groups.find(group);
  if (known == state.groups.end() && state.groups.size() >= kMaxGroups) return;
  if (known != state.groups.end() && known->second.version > version) return;
  state.groups[group] = {std::move(sealed_name), version};
}

std::optional<OutgoingMessage> Profile::find_own(const MessageId& id) const {
  if (const OutgoingMessage* waiting = outbox_->find(id)) return *waiting;
  std::optional<OutgoingMessage> found;
  store_->scan(0, [&](const v1::Envelope& e, std::uint64_t) {
    const bool match = account && e.from() == account->user.value && e.id() == id.view();
    if (match) found = OutgoingMessage{id, chat_of(e, account->user), e.payload(), e.ttl_s(), e.relates_to()};
    return !match;
  });
  return found;
}

void Profile::erase() {
  for (const char* name : {"account.json", "state.json", "messages.log", "messages.old.log", "outbox"}) {
    std::filesystem::remove_all(dir_ / name);
  }
  sync_dir(dir_);
  account.reset();
  state = {};
  store_ = std::make_unique<MessageStore>(dir_ / "messages.log", 0);
  outbox_ = std::make_unique<Outbox>(dir_ / "outbox");
}

}  // namespace godwit::cli

#include "tools/cli/outbox.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <stdexcept>
#include <vector>

#include "godwit.pb.h"
#include "tools/cli/private_file.h"

namespace godwit::cli {
namespace {

OutgoingMessage read_message(const std::filesystem::path& file) {
  v1::Send send;
  const auto bytes = read_private_file(file);
  if (!bytes || !send.ParseFromString(*bytes) || send.id().size() != 16 ||
      (send.to() == 0) == send.chat().empty() || (!send.chat().empty() && send.chat().size() != 16)) {
    throw std::runtime_error(file.string() + " is damaged; remove it to go on without that message");
  }
  const ChatRef to = send.chat().empty() ? ChatRef(UserId(send.to())) : ChatRef(ChatId::from(send.chat()));
  return {MessageId(MessageId::from(send.id())), to, send.payload(), send.ttl_s(), send.relates_to()};
}

}  // namespace

v1::Send to_request(const OutgoingMessage& message) {
  v1::Send send;
  send.set_id(message.id.str());
  if (message.to.is_group()) {
    send.set_chat(message.to.group.str());
  } else {
    send.set_to(message.to.peer.value);
  }
  send.set_payload(message.payload);
  send.set_ttl_s(message.ttl_s);
  send.set_relates_to(message.relates_to);
  return send;
}

Outbox::Outbox(std::filesystem::path dir, std::size_t max_messages)
    : dir_(std::move(dir)), max_messages_(max_messages) {
  make_private_dir(dir_);
  std::vector<std::uint64_t> found;
  for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
    const std::string name = entry.path().filename().string();
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc{} && end == name.data() + name.size()) found.push_back(number);
  }
  std::sort(found.begin(), found.end());
  for (const std::uint64_t number : found) {
    messages_.push_back(read_message(path_of(number)));
    numbers_.push_back(number);
    next_number_ = number + 1;
  }
}

std::filesystem::path Outbox::path_of(std::uint64_t number) const {
  return dir_ / std::to_string(number);
}

bool Outbox::add(const OutgoingMessage& message) {
  if (messages_.size() >= max_messages_) return false;
  write_private_file(path_of(next_number_), to_request(message).SerializeAsString());
  messages_.push_back(message);
  numbers_.push_back(next_number_++);
  return true;
}

void Outbox::remove(const MessageId& id) {
  const auto found =
      std::find_if(messages_.begin(), messages_.end(), [&](const auto& m) { return m.id == id; });
  if (found == messages_.end()) return;
  const auto number = numbers_.begin() + (found - messages_.begin());
  // Not synced: when the removal is lost, the message is sent again and recognised by its id.
  std::filesystem::remove(path_of(*number));
  numbers_.erase(number);
  messages_.erase(found);
}

const OutgoingMessage* Outbox::find(const MessageId& id) const {
  const auto found =
      std::find_if(messages_.begin(), messages_.end(), [&](const auto& m) { return m.id == id; });
  return found == messages_.end() ? nullptr : &*found;
}

}  // namespace godwit::cli

// Commits of group encryption (RFC 9420): one ends an epoch, lets devices in, and leaves what others need to join.
#include <algorithm>
#include <utility>

#include "chat/chat_service.h"
#include "godwit.pb.h"

namespace godwit {
namespace {

constexpr std::size_t kTokenBytes = 64 * 1024;

Error stale(std::vector<DeviceName> extra) {
  auto details = std::make_shared<ErrorDetails>();
  details->extra = std::move(extra);
  Error error(Errc::device_list_stale);
  error.more = std::move(details);
  return error;
}

}  // namespace

// The first commit of an epoch holds the chat until it is committed; so of several there is never more than one that
// passes here.
Status ChatService::check_epoch(const Chat& chat, const SendRequest& request) {
  if (!request.ends_epoch || *request.ends_epoch == chat.epoch()) return Unit{};
  auto details = std::make_shared<ErrorDetails>();
  details->epoch = chat.epoch();
  Error error(Errc::stale_epoch);
  error.more = std::move(details);
  return error;
}

std::uint32_t ChatService::commit_tokens(const SendRequest& request) {
  if (request.commit == nullptr) return 0;
  const CommitParts& parts = *request.commit;
  const std::size_t bytes =
      request.payload.size() + parts.group_info.size() + parts.ratchet_tree.size() + parts.for_joiners.size();
  return static_cast<std::uint32_t>(bytes / kTokenBytes);
}

bool ChatService::admit_joins(Chat& chat, SendRequest& request, const std::function<bool(UserId)>& is_in) {
  if (request.commit == nullptr || request.commit->joins.empty() || request.joins_known) return true;
  const std::vector<DeviceName>& joins = request.commit->joins;
  std::vector<DeviceName> outside;
  std::copy_if(joins.begin(), joins.end(), std::back_inserter(outside),
               [&](const DeviceName& device) { return !is_in(device.first); });
  if (!outside.empty()) {
    answer(request, stale(std::move(outside)));
    return false;
  }
  const std::vector<DeviceName> wanted = joins;
  const ChatId id = chat.id();
  if (!hold(chat, std::move(request))) return false;
  wiring_.find_gone_devices(wanted, [this, id](std::vector<DeviceName> gone) mutable {
    // Loaded still: a chat that is held is never idle.
    chats_.with(id, [this, gone = std::move(gone)](Chat& again) mutable { found_joins(again, std::move(gone)); });
  });
  return false;
}

void ChatService::found_joins(Chat& chat, std::vector<DeviceName> gone) {
  if (gone.empty()) {
    held_.first(chat.id()).joins_known = true;
  } else {
    answer(held_.take_first(chat.id()), stale(std::move(gone)));
  }
  resume(chat, false);
}

void ChatService::add_commit(const SendRequest& request, store::MessageAppended& message, EnvelopeExtras& extras) {
  if (!request.ends_epoch) return;
  extras.ends_epoch = request.ends_epoch;
  message.set_ends_epoch(*request.ends_epoch);
  if (request.commit == nullptr) return;
  message.set_group_info(request.commit->group_info);
  message.set_ratchet_tree(request.commit->ratchet_tree);
  if (request.commit->joins.empty()) return;
  extras.per_device = request.commit->for_joiners;
  message.set_per_device(true);
}

void ChatService::hold_for(Chat& chat, ChatSeq seq) {
  chat.changing_seq = seq.value;
  chat.held = true;
}

void ChatService::group_info(const GroupInfoRequest& request,
                             std::function<void(const Result<GroupInfoResult>&)> reply) {
  chats_.with(request.chat, [this, request, reply = std::move(reply)](Chat& chat) {
    if (request.direct) {
      // Only the two can name it.
    } else if (chat.group() == nullptr) {
      return reply(request.link_hash.empty() ? Errc::chat_not_found : Errc::invite_link_invalid);
    } else if (request.link_hash.empty()) {
      if (chat.group()->present(request.reader) == nullptr) return reply(Errc::chat_not_found);
    } else {
      const Status may = chat.group()->may_come_in(request.reader, request.link_hash, wiring_.clock.wall_ms());
      if (!may) return reply(may.error());
    }
    const RecordPtr& fresh = chat.group_info();
    if (fresh == nullptr) return read_group_info(chat.id(), chat.epoch(), reply);
    const auto& message = fresh->body.message();
    reply(GroupInfoResult{chat.epoch(), message.group_info(), message.ratchet_tree()});
  });
}

void ChatService::read_group_info(const ChatId& id, std::uint64_t epoch,
                                  std::function<void(const Result<GroupInfoResult>&)> reply) {
  if (epoch == 0) return reply(GroupInfoResult{});
  wiring_.readers.post([this, id, epoch, reply = std::move(reply)] {
    GroupInfoResult result{epoch, {}, {}};
    const auto row = wiring_.store.get(Column::group_info, chat_key(wiring_.map.partition(id), id));
    store::GroupInfoRow stored;
    if (row && stored.ParseFromString(*row)) {
      result.epoch = stored.epoch();
      result.group_info = std::move(*stored.mutable_group_info());
      result.ratchet_tree = std::move(*stored.mutable_ratchet_tree());
    }
    wiring_.worker.post([reply, result = std::move(result)]() mutable { reply(std::move(result)); });
  });
}

}  // namespace godwit

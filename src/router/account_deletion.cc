#include "router/account_deletion.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/random.h"
#include "inbox/page.h"

namespace godwit {
namespace {

struct Deletion {
  Router& router;
  const Clock& clock;
  const UserId user;
  const DeviceId by;
  const std::function<void(const Status&)> done;
  bool other_devices = false;
  std::vector<ChatId> groups = {};  // still to be left
};
using DeletionPtr = std::shared_ptr<Deletion>;

void remove_rest(const DeletionPtr& deletion) {
  Shard& shard = deletion->router.shard_of(deletion->user);
  shard.statuses().remove_all(deletion->user, [&shard, deletion](const Status& removed) {
    if (!removed) return deletion->done(removed);
    shard.accounts().erase(deletion->user, [&shard, deletion](const Status& erased) {
      if (!erased) shard.statuses().reopen(deletion->user);
      deletion->done(erased);
    });
  });
}

void leave_next_group(const DeletionPtr& deletion) {
  if (deletion->groups.empty()) return remove_rest(deletion);
  SendRequest request;
  request.id = make_message_id(deletion->clock.wall_ms());
  request.chat = deletion->groups.back();
  deletion->groups.pop_back();
  request.from = deletion->user;
  request.device = deletion->by;
  request.copy_to_sender = deletion->other_devices;
  request.reply_worker = deletion->router.map().worker(deletion->user);
  GroupAction action;
  action.remove = {deletion->user};
  request.action = std::make_shared<GroupAction>(std::move(action));
  request.reply = [deletion](const Result<SentInfo>& left) {
    const bool gone = !left && left.error().code == Errc::chat_not_found;  // left already
    if (!left && !gone) return deletion->done(left.error());
    leave_next_group(deletion);
  };
  deletion->router.on(request.chat, [request = std::move(request)](Shard& shard) mutable {
    shard.chats().send(std::move(request));
  });
}

}  // namespace

void delete_account(Router& router, const Store& store, ReaderPool& readers, const Clock& clock, UserId user, DeviceId by,
                    std::function<void(const Status&)> done) {
  auto deletion = std::make_shared<Deletion>(Deletion{router, clock, user, by, std::move(done)});
  Shard& shard = router.shard_of(user);
  shard.accounts().with_account(user, [&shard, &router, &store, &readers, deletion](Account& account) {
    if (!account.exists()) return deletion->done(Errc::user_not_found);
    deletion->other_devices = account.devices().size() > (deletion->by ? 1 : 0);
    shard.inboxes().with(deletion->user, [&shard, &router, &store, &readers, deletion](Inbox& inbox) {
      for (const Mark& mark : inbox.marks()) {
        if (!mark.peer) deletion->groups.push_back(mark.chat);
      }
      readers.post([&shard, &router, &store, deletion] {
        std::vector<ChatId>& groups = deletion->groups;
        for (const Mark& mark : read_marks(store, router.map(), deletion->user, 0)) {
          if (!mark.peer && !mark.left) groups.push_back(mark.chat);
        }
        std::sort(groups.begin(), groups.end());
        groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
        shard.worker().post([deletion] { leave_next_group(deletion); });
      });
    });
  });
}

}  // namespace godwit

// What statuses are told of accounts and connections. Connected users have their account in memory.
#include "router/status_viewers.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "router/shard.h"

namespace godwit {
namespace {

void sort(std::vector<UserId>& users) {
  std::sort(users.begin(), users.end());
}

std::vector<UserId> without(const std::vector<UserId>& users, const std::vector<UserId>& those) {
  std::vector<UserId> left;
  std::set_difference(users.begin(), users.end(), those.begin(), those.end(), std::back_inserter(left));
  return left;
}

std::vector<UserId> followed_of(const Account& account, const std::vector<UserId>& authors) {
  std::vector<UserId> followed;
  for (const UserId author : authors) {
    if (account.contacts().contains(author)) followed.push_back(author);
  }
  for (const UserId user : account.blocked()) {
    const auto it = std::lower_bound(followed.begin(), followed.end(), user);
    if (it != followed.end() && *it == user) followed.erase(it);
  }
  return followed;
}

}  // namespace

std::vector<UserId> status_viewers(const Account& account, StatusAudience audience, std::vector<UserId> users) {
  if (!account.exists()) return {};
  const PrivacyRule& rule = account.privacy().rule(Rule::status);
  if (audience == StatusAudience::as_set && rule.audience == Audience::nobody) return {};
  std::vector<UserId> viewers = account.contacts().ids();
  sort(users);
  if (audience == StatusAudience::as_set) {
    viewers = without(viewers, rule.except);
  } else if (audience == StatusAudience::except) {
    viewers = without(viewers, users);
  } else {
    users.erase(std::unique(users.begin(), users.end()), users.end());
    std::vector<UserId> chosen;
    std::set_intersection(viewers.begin(), viewers.end(), users.begin(), users.end(), std::back_inserter(chosen));
    viewers = std::move(chosen);
  }
  std::vector<UserId> blocked = account.blocked();
  sort(blocked);
  return without(viewers, blocked);
}

StatusWiring Shard::wire_statuses() {
  return {wiring_.worker, wiring_.map, wiring_.clock, wiring_.store, wiring_.readers, writer_,
          [this](UserId author, StatusAudience audience, std::vector<UserId> users,
                 std::function<void(std::vector<UserId>)> reply) {
            accounts_.with_account(author, [audience, users = std::move(users),
                                            reply = std::move(reply)](Account& account) mutable {
              reply(status_viewers(account, audience, std::move(users)));
            });
          },
          [this](UserId user, UserId other, std::function<void(bool)> reply) {
            accounts_.with_account(user, [other, reply = std::move(reply)](Account& account) {
              reply(account.blocks(other));
            });
          },
          [this](UserId viewer, const std::vector<UserId>& authors) {
            const Account* account = accounts_.accounts().find(viewer);
            return account != nullptr ? followed_of(*account, authors) : std::vector<UserId>();
          },
          [this](UserId user) {
            const Account* account = registry_.find(user) != nullptr ? accounts_.accounts().find(user) : nullptr;
            return account != nullptr && !account->hides_read_receipts();
          },
          [this](UserId user) { return registry_.find(user) != nullptr; },
          [this](UserId user, std::string_view frame) { push(user, frame); },
          [this](UserId user, std::function<void(StatusService&)> fn) {
            on(user, [fn = std::move(fn)](Shard& shard) { fn(shard.statuses()); });
          }};
}

}  // namespace godwit

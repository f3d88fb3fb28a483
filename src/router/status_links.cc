#include "router/status_links.h"

#include <algorithm>
#include <iterator>
#include <utility>

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

// Connected users have their account in memory.
Account* account_of(AccountService& accounts, UserId user) {
  return accounts.accounts().find(user);
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

void link_statuses(StatusWiring& wiring, AccountService& accounts, Registry& registry) {
  wiring.viewers = [&accounts](UserId author, StatusAudience audience, std::vector<UserId> users,
                               std::function<void(std::vector<UserId>)> reply) {
    accounts.with_account(author, [audience, users = std::move(users), reply = std::move(reply)](Account& account) mutable {
      reply(status_viewers(account, audience, std::move(users)));
    });
  };
  wiring.blocks = [&accounts](UserId user, UserId other, std::function<void(bool)> reply) {
    accounts.with_account(user, [other, reply = std::move(reply)](Account& account) { reply(account.blocks(other)); });
  };
  wiring.followed = [&accounts](UserId viewer, const std::vector<UserId>& authors) {
    const Account* account = account_of(accounts, viewer);
    return account != nullptr ? followed_of(*account, authors) : std::vector<UserId>();
  };
  wiring.tells_views = [&accounts, &registry](UserId user) {
    const Account* account = registry.find(user) != nullptr ? account_of(accounts, user) : nullptr;
    return account != nullptr && !account->hides_read_receipts();
  };
  wiring.online = [&registry](UserId user) { return registry.find(user) != nullptr; };
  wiring.push = [&registry](UserId user, std::string_view frame) {
    Registry::User* online = registry.find(user);
    if (online == nullptr) return;
    for (Subscriber* device : online->devices) device->on_push(frame, true);
  };
}

}  // namespace godwit

// Commits as requests bring them, and what they leave for devices that join by themselves.
#include <algorithm>
#include <utility>

#include "godwit.pb.h"
#include "session/session.h"

namespace godwit {
namespace {

constexpr int kMaxJoins = 8'000;
constexpr std::size_t kTokenBytes = 64 * 1024;

}  // namespace

Status Session::check_commit(const v1::Commit& commit, const std::string& payload) const {
  if (payload.empty()) return Error(Errc::invalid_argument, "the commit is empty");
  for (const std::string* part : {&payload, &commit.group_info(), &commit.ratchet_tree(), &commit.welcome()}) {
    if (part->size() > host_->options().max_commit_bytes) return Errc::too_large;
  }
  if (commit.joins_size() > kMaxJoins) return Errc::too_large;
  if (commit.welcome().empty() != (commit.joins_size() == 0)) {
    return Error(Errc::invalid_argument, "`welcome` and `joins` go together");
  }
  return Unit{};
}

std::uint32_t Session::take_bytes(std::size_t bytes) {
  return take_tokens(static_cast<std::uint32_t>(bytes / kTokenBytes));
}

std::uint32_t Session::take_tokens(std::uint32_t tokens) {
  if (tokens == 0) return 0;
  const SessionOptions& options = host_->options();
  const std::int64_t now = host_->clock.steady_ms();
  const auto take = [&](TokenBucket& bucket, const Rate& rate) {
    return bucket.take(now, rate.per_s, rate.burst, std::min(tokens, rate.burst));
  };
  std::uint32_t wait = take(requests_, options.device_requests);
  if (auto* user = host_->shard().registry().find(user_); wait == 0 && user != nullptr) {
    wait = take(user->requests, options.user_requests);
  }
  return wait;
}

void Session::set_commit(SendRequest& request, v1::Commit commit) {
  auto parts = std::make_shared<CommitParts>();
  for (const auto& device : commit.joins()) {
    parts->joins.emplace_back(UserId(device.user_id()), DeviceId(device.device_id()));
  }
  std::sort(parts->joins.begin(), parts->joins.end());
  parts->joins.erase(std::unique(parts->joins.begin(), parts->joins.end()), parts->joins.end());
  v1::Envelope for_joiners;
  for_joiners.set_welcome(std::move(*commit.mutable_welcome()));
  // Made anew: each device once, and no unknown fields, which count in no limit.
  for (const auto& [user, device] : parts->joins) {
    auto& joining = *for_joiners.add_joins();
    joining.set_user_id(user.value);
    joining.set_device_id(device.value);
  }
  parts->for_joiners = for_joiners.SerializeAsString();
  parts->group_info = std::move(*commit.mutable_group_info());
  parts->ratchet_tree = std::move(*commit.mutable_ratchet_tree());
  request.ends_epoch = commit.ends_epoch();
  request.commit = std::move(parts);
}

// One at a time, and as many tokens as the largest has: it may be megabytes.
void Session::fetch_group_info(std::uint64_t request_id, GroupInfoRequest request) {
  if (fetching_info_) {
    return answer_error(request_id, Error(Errc::too_many_requests_open, "one GroupInfo at a time"));
  }
  if (const std::uint32_t wait = take_bytes(2ULL * host_->options().max_commit_bytes); wait != 0) {
    return answer_error(request_id, Error(Errc::rate_limited, {}, wait));
  }
  fetching_info_ = true;
  const bool direct = request.direct;
  host_->router.on(request.chat, [request = std::move(request), request_id, direct, anchor = anchor_](Shard& shard) {
    shard.chats().group_info(request, [request_id, direct, chat = request.chat, anchor](const Result<GroupInfoResult>& result) {
      to_session(anchor, [request_id, direct, chat, result](Session& session) {
        session.fetching_info_ = false;
        if (!result) return session.answer_error(request_id, result.error());
        v1::ServerFrame& reply = session.begin(request_id);
        auto& out = *reply.mutable_group_info();
        out.set_epoch(result->epoch);
        out.set_group_info(result->group_info);
        out.set_ratchet_tree(result->ratchet_tree);
        if (!direct) out.set_chat(chat.str());
        session.answer(reply);
      });
    });
  });
}

}  // namespace godwit

// Requests about keys for end-to-end encryption: publish, claim, how many are left.
#include <set>
#include <utility>

#include "godwit.pb.h"
#include "session/key_log_wire.h"
#include "session/session.h"
#include "storage/keys.h"

namespace godwit {
namespace {

constexpr int kMaxClaimedUsers = 1'000;
constexpr int kMaxClaimedDevices = 8'000;

Result<KeyClaim> claim_of(const v1::ClaimKeys& asked) {
  if (asked.users_size() == 0) return Error(Errc::invalid_argument, "`users` is empty");
  if (asked.users_size() > kMaxClaimedUsers) return Error(Errc::too_large, "at most 1,000 users in one request");
  if (asked.only_size() > kMaxClaimedDevices) return Error(Errc::too_large, "at most 8,000 devices in one request");
  KeyClaim claim;
  claim.prekeys = asked.prekeys();
  claim.key_packages = asked.key_packages();
  std::set<std::uint64_t> seen;
  for (const std::uint64_t user : asked.users()) {
    if (seen.insert(user).second) claim.users.push_back(UserId(user));
  }
  claim.only_some = asked.only_size() > 0;
  for (const v1::DeviceRef& device : asked.only()) {
    claim.only.emplace(UserId(device.user_id()), DeviceId(device.device_id()));
  }
  return claim;
}

}  // namespace

void Session::handle_publish_keys(Request& frame) {
  const std::uint64_t id = frame.request_id();
  if (publishing_) return answer_error(id, Error(Errc::too_many_requests_open, "one publication of keys at a time"));
  publishing_ = true;
  host_->shard().keys().publish(user_, device_, std::move(*frame.mutable_publish_keys()),
                                [anchor = anchor_, id](const Result<v1::KeyStock>& stock) {
    to_session(anchor, [id, stock](Session& session) {
      session.publishing_ = false;
      if (!stock) return session.answer_error(id, stock.error());
      v1::ServerFrame& reply = session.begin(id);
      *reply.mutable_key_stock() = *stock;
      session.answer(reply);
    });
  });
}

void Session::handle_get_key_stock(Request& frame) {
  host_->shard().keys().stock(user_, device_, [anchor = anchor_, id = frame.request_id()](const v1::KeyStock& stock) {
    to_session(anchor, [id, stock](Session& session) {
      v1::ServerFrame& reply = session.begin(id);
      *reply.mutable_key_stock() = stock;
      session.answer(reply);
    });
  });
}

void Session::handle_claim_keys(Request& frame) {
  const v1::ClaimKeys& asked = frame.claim_keys();
  const std::uint64_t id = frame.request_id();
  if (claiming_) return answer_error(id, Error(Errc::too_many_requests_open, "one claim at a time"));
  auto claim = claim_of(asked);
  if (!claim) return answer_error(id, claim.error());
  // Known before anything is taken.
  if (asked.log_size() > host_->router.key_log().size()) {
    return answer_error(id, Error(Errc::invalid_argument, "the log has fewer entries than `log_size`"));
  }
  claim->claimer = user_;
  claim->device = device_;
  // As text, bytes take a third more.
  claim->max_bytes = link_.peer().text ? host_->options().max_claim_bytes / 4 * 3 : host_->options().max_claim_bytes;
  claiming_ = true;
  host_->shard().keys().claim(std::move(*claim), [anchor = anchor_, id, log_size = asked.log_size()](
                                                     const Result<ClaimedPtr>& claimed) {
    to_session(anchor, [id, log_size, claimed](Session& session) {
      if (claimed) return session.prove_claimed(id, log_size, *claimed);
      session.claiming_ = false;
      session.answer_error(id, claimed.error());
    });
  });
}

// The head and the proof are of the log as it is after the keys were taken.
void Session::prove_claimed(std::uint64_t request_id, std::uint64_t log_size, ClaimedPtr claimed) {
  std::vector<std::uint64_t> indices;
  for (const v1::UserKeys& user : claimed->keys.users()) {
    if (user.version() != 0) indices.push_back(user.log_index());
  }
  host_->router.on(kKeyLogName, [anchor = anchor_, request_id, log_size, claimed = std::move(claimed),
                                 indices = std::move(indices)](Shard& shard) mutable {
    shard.key_log().prove(std::move(indices), log_size, [anchor, request_id, claimed](const Result<KeyLogProof>& proof) {
      to_session(anchor, [request_id, claimed, proof](Session& session) {
        session.claiming_ = false;
        if (!proof) return session.answer_error(request_id, proof.error());
        v1::ServerFrame frame;
        auto& told = *frame.mutable_claimed_keys();
        told = std::move(claimed->keys);
        head_to_wire(proof->head, *told.mutable_head());
        hashes_to_wire(proof->hashes, *told.mutable_proof());
        answer_frame(session, request_id, frame);
      });
    });
  });
}

}  // namespace godwit

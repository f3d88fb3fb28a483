// Requests about the key log: GetTreeHead, ListKeyLog. It lives on one worker; what a session asks is posted there.
#include <algorithm>
#include <utility>

#include "godwit.pb.h"
#include "session/key_log_wire.h"
#include "session/session.h"

namespace godwit {
namespace {

constexpr std::uint32_t kPage = 100;
// Entries that cost one token of the rates: those of one user are read one by one.
constexpr std::uint32_t kTokenEntries = 64;

}  // namespace

void Session::handle_get_tree_head(Request& frame) {
  auto reply = [anchor = anchor_, id = frame.request_id()](const Result<KeyLogProof>& proof) {
    to_session(anchor, [id, proof](Session& session) {
      if (!proof) return session.answer_error(id, proof.error());
      v1::ServerFrame& answer = session.begin(id);
      head_to_wire(proof->head, *answer.mutable_tree_head());
      session.answer(answer);
    });
  };
  host_->router.on(kKeyLogName, [since = frame.get_tree_head().log_size(), reply = std::move(reply)](Shard& shard) {
    shard.key_log().prove({}, since, reply);
  });
}

void Session::handle_list_key_log(Request& frame) {
  const v1::ListKeyLog& asked = frame.list_key_log();
  const std::uint64_t id = frame.request_id();
  if (listing_log_) return answer_error(id, Error(Errc::too_many_requests_open, "one page of the key log at a time"));
  const std::uint32_t limit = std::min(asked.limit() == 0 ? kPage : asked.limit(), KeyLog::kMaxPageEntries);
  if (const std::uint32_t wait = take_tokens(limit / kTokenEntries); wait != 0) {
    return answer_error(id, Error(Errc::rate_limited, {}, wait));
  }
  listing_log_ = true;
  const KeyLogRequest request{asked.from(), limit, UserId(asked.user_id()), asked.log_size()};
  auto reply = [anchor = anchor_, id](const Result<KeyLogPage>& page) {
    to_session(anchor, [id, page](Session& session) {
      session.listing_log_ = false;
      if (!page) return session.answer_error(id, page.error());
      v1::ServerFrame& answer = session.begin(id);
      v1::KeyLogPage& wire = *answer.mutable_key_log_page();
      for (const KeyLogEntryPtr& entry : page->entries) entry_to_wire(*entry, *wire.add_entries());
      wire.set_more(page->more);
      head_to_wire(page->proof.head, *wire.mutable_head());
      hashes_to_wire(page->proof.hashes, *wire.mutable_proof());
      session.answer(answer);
    });
  };
  host_->router.on(kKeyLogName, [request, reply = std::move(reply)](Shard& shard) {
    shard.key_log().list(request, reply);
  });
}

}  // namespace godwit

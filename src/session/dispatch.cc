// The requests there are, what each presupposes, and who handles it.
#include <algorithm>
#include <array>

#include "godwit.pb.h"
#include "session/large_frame.h"
#include "session/session.h"

namespace godwit {
namespace {

using Body = v1::ClientFrame;
// What may exceed kSmallFrameBytes: content, and lists of thousands.
constexpr std::array kMayBeLarge = {
    Body::kSend,       Body::kChangeGroup,    Body::kJoinGroup,     Body::kAnswerJoin, Body::kSetPrivacy,
    Body::kPlaceCall,  Body::kChangeContacts, Body::kWatchPresence, Body::kPostStatus, Body::kAnswerCall,
    Body::kSignalCall, Body::kPublishKeys,    Body::kClaimKeys};

bool may_be_large(int body) {
  return std::find(kMayBeLarge.begin(), kMayBeLarge.end(), body) != kMayBeLarge.end();
}

}  // namespace

struct Dispatch {
  using Handler = void (Session::*)(v1::ClientFrame&);
  struct Row {
    Body::BodyCase body;
    bool before_hello;  // in state greeting; all but Hello, Register and LinkBegin also when live
    bool when_live;
    bool counted;       // against the rates; what only frees resources is not
    Handler handler;
  };
  // In order of field number.
  static constexpr std::array kTable = {
      Row{Body::kHello, true, false, true, &Session::handle_hello},
      Row{Body::kSend, false, true, true, &Session::handle_send},
      Row{Body::kAck, false, true, false, &Session::handle_ack},
      Row{Body::kRead, false, true, true, &Session::handle_read},
      Row{Body::kPing, true, true, true, &Session::handle_ping},
      Row{Body::kHistory, false, true, true, &Session::handle_history},
      Row{Body::kAckGap, false, true, true, &Session::handle_ack_gap},
      Row{Body::kRegister, true, false, true, &Session::handle_register},
      Row{Body::kRequestCode, true, false, true, &Session::handle_request_code},
      Row{Body::kRefreshToken, true, true, true, &Session::handle_refresh_token},
      Row{Body::kLinkBegin, true, false, true, &Session::handle_link_begin},
      Row{Body::kLinkApprove, false, true, true, &Session::handle_link_approve},
      Row{Body::kListDevices, false, true, true, &Session::handle_list_devices},
      Row{Body::kRevokeDevice, false, true, true, &Session::handle_revoke_device},
      Row{Body::kDeleteAccount, false, true, true, &Session::handle_delete_account},
      Row{Body::kLookupUser, false, true, true, &Session::handle_lookup_user},
      Row{Body::kBlock, false, true, true, &Session::handle_block},
      Row{Body::kCreateGroup, false, true, true, &Session::handle_create_group},
      Row{Body::kChangeGroup, false, true, true, &Session::handle_change_group},
      Row{Body::kGetGroup, false, true, true, &Session::handle_get_group},
      Row{Body::kMakeInviteLink, false, true, true, &Session::handle_make_invite_link},
      Row{Body::kRevokeInviteLink, false, true, true, &Session::handle_revoke_invite_link},
      Row{Body::kListInviteLinks, false, true, true, &Session::handle_list_invite_links},
      Row{Body::kJoinGroup, false, true, true, &Session::handle_join_group},
      Row{Body::kListJoinRequests, false, true, true, &Session::handle_list_join_requests},
      Row{Body::kAnswerJoin, false, true, true, &Session::handle_answer_join},
      Row{Body::kGetReceipts, false, true, true, &Session::handle_get_receipts},
      Row{Body::kListChats, false, true, true, &Session::handle_list_chats},
      Row{Body::kRemoveMessage, false, true, true, &Session::handle_remove_message},
      Row{Body::kSetTimer, false, true, true, &Session::handle_set_timer},
      Row{Body::kTraceMessage, false, true, true, &Session::handle_trace_message},
      Row{Body::kAnswerRequest, false, true, true, &Session::handle_answer_request},
      Row{Body::kSetPrivacy, false, true, true, &Session::handle_set_privacy},
      Row{Body::kGetPrivacy, false, true, true, &Session::handle_get_privacy},
      Row{Body::kChangeContacts, false, true, true, &Session::handle_change_contacts},
      Row{Body::kListContacts, false, true, true, &Session::handle_list_contacts},
      Row{Body::kFindContacts, false, true, true, &Session::handle_find_contacts},
      Row{Body::kRenameDevice, false, true, true, &Session::handle_rename_device},
      Row{Body::kListBlocks, false, true, true, &Session::handle_list_blocks},
      Row{Body::kExportAccount, false, true, true, &Session::handle_export_account},
      Row{Body::kSetPresence, false, true, true, &Session::handle_set_presence},
      Row{Body::kWatchPresence, false, true, true, &Session::handle_watch_presence},
      Row{Body::kTyping, false, true, true, &Session::handle_typing},
      Row{Body::kPlaceCall, false, true, true, &Session::handle_place_call},
      Row{Body::kRingCall, false, true, true, &Session::handle_ring_call},
      Row{Body::kAnswerCall, false, true, true, &Session::handle_answer_call},
      Row{Body::kSignalCall, false, true, true, &Session::handle_signal_call},
      Row{Body::kEndCall, false, true, true, &Session::handle_end_call},
      Row{Body::kResumeCall, false, true, true, &Session::handle_resume_call},
      Row{Body::kJoinCall, false, true, true, &Session::handle_join_call},
      Row{Body::kGetCall, false, true, true, &Session::handle_get_call},
      Row{Body::kGetIceServers, false, true, true, &Session::handle_get_ice_servers},
      Row{Body::kPostStatus, false, true, true, &Session::handle_post_status},
      Row{Body::kListStatuses, false, true, true, &Session::handle_list_statuses},
      Row{Body::kGetStatus, false, true, true, &Session::handle_get_status},
      Row{Body::kViewStatus, false, true, true, &Session::handle_view_status},
      Row{Body::kRemoveStatus, false, true, true, &Session::handle_remove_status},
      Row{Body::kMuteStatus, false, true, true, &Session::handle_mute_status},
      Row{Body::kListStatusViews, false, true, true, &Session::handle_list_status_views},
      Row{Body::kListOwnStatuses, false, true, true, &Session::handle_list_own_statuses},
      Row{Body::kPublishKeys, false, true, true, &Session::handle_publish_keys},
      Row{Body::kClaimKeys, false, true, true, &Session::handle_claim_keys},
      Row{Body::kGetKeyStock, false, true, true, &Session::handle_get_key_stock},
      Row{Body::kGetTreeHead, false, true, true, &Session::handle_get_tree_head},
      Row{Body::kListKeyLog, false, true, true, &Session::handle_list_key_log},
      Row{Body::kGetGroupInfo, false, true, true, &Session::handle_get_group_info},
  };
};

// The size comes first: with little sent again and again nobody is to gain, whatever is wrong with it.
bool Session::admit_large(std::string_view bytes) {
  const bool text = link_.peer().text;
  const std::optional<FrameOutline> seen = text ? outline_of_json(bytes) : outline_of(bytes);
  const std::uint32_t wait = take_bytes(bytes.size());
  if (!seen) {
    bad_frame("not a ClientFrame");
    return false;
  }
  const bool fits = seen->parts <= kMaxFrameParts && (text || may_be_large(seen->body));
  if (wait == 0 && fits) return true;
  if (seen->request_id != 0) ++open_requests_;
  refuse(seen->request_id, wait != 0 ? Error(Errc::rate_limited, {}, wait) : Error(Errc::too_large));
  return false;
}

void Session::dispatch(Request& frame, bool large) {
  const auto row = std::find_if(Dispatch::kTable.begin(), Dispatch::kTable.end(),
                                [&](const Dispatch::Row& r) { return r.body == frame.body_case(); });
  const std::uint64_t id = frame.request_id();
  if (id != 0) ++open_requests_;
  if (row == Dispatch::kTable.end()) return answer_error(id, Errc::unknown_request);
  const bool allowed = state_ == State::greeting ? row->before_hello : state_ == State::live && row->when_live;
  if (!allowed) {
    answer_error(id, Errc::wrong_state);
    if (++bad_frames_ >= 64) close(CloseReason::bad_frames);
    return;
  }
  if (large && !may_be_large(row->body)) return refuse(id, Errc::too_large);
  if (const Status admitted = admit(frame, row->counted); !admitted) return refuse(id, admitted.error());
  refused_in_a_row_ = 0;
  (this->*row->handler)(frame);
}

Status Session::admit(const Request& frame, bool counted) {
  const SessionOptions& options = host_->options();
  if (open_requests_ > options.max_open_requests) return Errc::too_many_requests_open;
  if (!counted) return Unit{};
  const std::int64_t now = host_->clock.steady_ms();
  std::uint32_t wait = requests_.take(now, options.device_requests.per_s, options.device_requests.burst);
  if (wait == 0 && state_ == State::live && options.user_requests.per_s != 0) {
    if (auto* user = host_->shard().registry().find(user_)) {
      wait = user->requests.take(now, options.user_requests.per_s, options.user_requests.burst);
    }
  }
  if (wait == 0 && options.address_requests.per_s != 0) {
    wait = host_->addresses.of(link_.peer().network)
               .requests.take(now, options.address_requests.per_s, options.address_requests.burst);
  }
  if (wait == 0) return Unit{};
  return Error(Errc::rate_limited, {}, wait);
}

}  // namespace godwit

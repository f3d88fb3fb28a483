// One authenticated device connection, from the challenge to the close.
#pragma once

#include <array>
#include <boost/intrusive/list_hook.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "auth/proof.h"
#include "base/fifo.h"
#include "base/token_bucket.h"
#include "godwit/ids.h"
#include "godwit/result.h"
#include "inbox/page.h"
#include "router/registry.h"
#include "session/anchor.h"
#include "session/link.h"
#include "session/session_host.h"

namespace godwit {

struct ExportSource;

// States, in order; each goes only to the next, or to closed:
//
//   greeting   the challenge is sent; registration, linking, refreshing and Hello are possible
//   entering   Hello is being checked; the connection moves to the worker of the user's partition
//   live       requests are served; the inbox is delivered
//   closed
//
// Delivery has one rule (delivery.cc): what follows `sent_` in the inbox is sent while the credit window and
// the output budget allow, from the tail when it is there, else from the store. Being live or catching up is
// nothing but where the next entry happens to be, and a slow device costs nobody anything.
//
// Owner: the worker of its connection. Bounds: open requests, unacknowledged envelopes and bytes, unsent
// output; when one is reached, requests are answered with an error and delivery waits.
class Session final : public LinkUser,
                      public Subscriber,
                      public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Session(Link& link, SessionHost& host);
  ~Session() override;

  // LinkUser
  void on_open() override;
  void on_message(std::span<char> payload) override;
  void on_drained() override;
  void on_closed(CloseReason reason) override;

  // Subscriber
  DeviceId device() const override { return device_; }
  std::uint64_t sent() const override { return sent_; }
  void on_entries() override { deliver(); }
  void on_mark(const Mark& mark) override;
  void on_receipts(const ReceiptUpdate& update) override;
  void on_push(std::string_view frame, bool droppable) override;
  bool congested() const override;
  std::int64_t heard_ms() const override { return heard_ms_; }
  void on_ejected(CloseReason reason) override;

  // Tells the client to reconnect elsewhere, then closes.
  void drain();

  // The device is here: notes it with the account, which tells the store now and then. `noted_at_ms` is when
  // the host looked last, by the steady clock.
  void note_seen();
  std::int64_t noted_at_ms = 0;

 private:
  friend struct Dispatch;
  enum class State : std::uint8_t { greeting, entering, live, closed };
  // What was delivered and is not acknowledged, oldest first.
  struct Unacked {
    std::uint64_t seq = 0;
    ChatId chat;
    std::uint64_t chat_seq = 0;  // 0 for what is not acknowledged to its chat: the user's own messages
    std::uint32_t bytes = 0;
  };
  using Request = v1::ClientFrame;

  // dispatch.cc: what a frame above kSmallFrameBytes has to pass before it is parsed: tokens by its size, and an outline
  // that can be a request's. False when it was refused.
  bool admit_large(std::string_view bytes);
  // Checks what the table says of the request, then calls its handler.
  void dispatch(Request& frame, bool large);
  Status admit(const Request& frame, bool counted);

  // Handlers, one per request. Each answers exactly once, now or later.
  void handle_hello(Request& frame);
  void handle_send(Request& frame);
  void handle_ack(Request& frame);
  void handle_read(Request& frame);
  void handle_ping(Request& frame);
  void handle_history(Request& frame);
  void handle_ack_gap(Request& frame);
  void handle_register(Request& frame);
  void handle_request_code(Request& frame);
  void handle_refresh_token(Request& frame);
  void handle_link_begin(Request& frame);
  void handle_link_approve(Request& frame);
  void handle_list_devices(Request& frame);
  void handle_revoke_device(Request& frame);
  void handle_delete_account(Request& frame);
  void handle_lookup_user(Request& frame);
  void handle_block(Request& frame);
  void handle_create_group(Request& frame);
  void handle_change_group(Request& frame);
  void handle_get_group(Request& frame);
  void handle_make_invite_link(Request& frame);
  void handle_revoke_invite_link(Request& frame);
  void handle_list_invite_links(Request& frame);
  void handle_join_group(Request& frame);
  void handle_list_join_requests(Request& frame);
  void handle_answer_join(Request& frame);
  void handle_get_receipts(Request& frame);
  void handle_list_chats(Request& frame);
  void handle_remove_message(Request& frame);
  void handle_set_timer(Request& frame);
  void handle_answer_request(Request& frame);
  void handle_trace_message(Request& frame);
  void handle_set_privacy(Request& frame);
  void handle_get_privacy(Request& frame);
  void handle_change_contacts(Request& frame);
  void handle_list_contacts(Request& frame);
  void handle_find_contacts(Request& frame);
  void handle_rename_device(Request& frame);
  void handle_list_blocks(Request& frame);
  void handle_export_account(Request& frame);
  void handle_set_presence(Request& frame);
  void handle_watch_presence(Request& frame);
  void handle_typing(Request& frame);
  void handle_place_call(Request& frame);
  void handle_ring_call(Request& frame);
  void handle_answer_call(Request& frame);
  void handle_signal_call(Request& frame);
  void handle_end_call(Request& frame);
  void handle_resume_call(Request& frame);
  void handle_join_call(Request& frame);
  void handle_get_call(Request& frame);
  void handle_get_ice_servers(Request& frame);
  void handle_post_status(Request& frame);
  void handle_list_statuses(Request& frame);
  void handle_get_status(Request& frame);
  void handle_view_status(Request& frame);
  void handle_remove_status(Request& frame);
  void handle_mute_status(Request& frame);
  void handle_list_status_views(Request& frame);
  void handle_list_own_statuses(Request& frame);
  void handle_publish_keys(Request& frame);
  void handle_claim_keys(Request& frame);
  void handle_get_key_stock(Request& frame);
  void handle_get_tree_head(Request& frame);
  void handle_list_key_log(Request& frame);
  void handle_get_group_info(Request& frame);

  // handle_message.cc
  // The chat that `peer` or `chat` names, exactly one of which must be set.
  std::optional<ChatId> chat_of(std::uint64_t peer, const std::string& chat) const;
  Status check_send(const v1::Send& send) const;
  // A request of this device, with the id and what is the same for all; answered by `answer_sent`.
  SendRequest begin_send(std::uint64_t request_id, const std::string& message_id, const ChatId& chat) const;
  void send_to_chat(SendRequest request);

  // handle_commit.cc
  // What is wrong with a commit by itself. `payload` is the commit message.
  Status check_commit(const v1::Commit& commit, const std::string& payload) const;
  static void set_commit(SendRequest& request, v1::Commit commit);
  // Takes tokens from the rates of the device and the user, beside the request's own; else the milliseconds to wait.
  std::uint32_t take_tokens(std::uint32_t tokens);
  // The same, a token for every 64 KiB.
  std::uint32_t take_bytes(std::size_t bytes);
  void fetch_group_info(std::uint64_t request_id, GroupInfoRequest request);

  // handle_chat.cc
  struct ChatList;
  void gather_chats(std::uint64_t request_id, std::vector<ChatId> chats, std::size_t limit);
  void hide_message(std::uint64_t request_id, const ChatId& chat, const v1::RemoveMessage& asked);

  // handle_trace.cc
  struct Tracing;
  void trace_recipients(const std::shared_ptr<Tracing>& tracing);

  // handle_group.cc
  // Which of the users there are and want to be added.
  struct CheckedUsers {
    std::vector<UserId> yes;
    std::vector<UserId> no;
    bool refused = false;  // one of `no` does not want to be
  };
  using UseChecked = std::function<void(Session&, CheckedUsers)>;
  void check_users(std::vector<UserId> users, UseChecked next);
  void change_group(std::uint64_t request_id, const std::string& message_id, const ChatId& chat, GroupAction action,
                    std::vector<UserId> not_added, std::shared_ptr<v1::Commit> commit = nullptr);
  // On the chat's worker with the group, when the user is in it; else the request is answered with an error.
  void with_group(std::uint64_t request_id, const std::string& chat,
                  std::function<void(Chat&, const Group::Member&, const AnchorPtr&)> fn);

  // handle_hello.cc
  struct Entering;
  void enter(const std::shared_ptr<Entering>& hello);
  void enter_account(const std::shared_ptr<Entering>& hello, Account& account);
  void enter_inbox(const std::shared_ptr<Entering>& hello, Inbox& inbox);
  void refuse_hello(std::uint64_t request_id, const Error& error);

  // handle_device.cc
  SessionHost* board_of(const std::string& link_id) const;
  void end_offer();

  // handle_account.cc
  struct Registering;
  std::uint32_t take_registration();
  static void register_account(Router& router, const AnchorPtr& anchor, const std::shared_ptr<Registering>& request);
  void find_registered(const std::shared_ptr<Registering>& request);
  void registered(const std::shared_ptr<Registering>& request, const Result<UserId>& user, DeviceId device);
  void register_external(const std::shared_ptr<Registering>& request);

  // handle_privacy.cc
  struct Finding;
  void find_contacts(const std::shared_ptr<Finding>& finding);
  void answer_privacy(std::uint64_t request_id);

  // handle_presence.cc
  struct Watching;
  void join_presence(PresenceState state, std::uint32_t keepalive_s);
  void note_heard();
  void watch_presence(const std::shared_ptr<Watching>& watching);

  // handle_call.cc
  CallReply call_reply(std::uint64_t request_id) const;
  // Nothing when the request was answered: it names no call.
  std::optional<CallRequest> call_request(std::uint64_t request_id, const std::string& call, std::uint64_t peer,
                                          const std::string& chat);
  // On the worker of the chat.
  void to_call(const ChatId& chat, std::function<void(CallService&)> fn);
  // May the device begin or join one more call now?
  Status admit_call();

  // handle_export.cc
  std::int64_t begin_export();
  void make_export(std::uint64_t request_id, ExportSource source);

  // handle_keys.cc
  void prove_claimed(std::uint64_t request_id, std::uint64_t log_size, ClaimedPtr claimed);

  // delivery.cc
  void deliver();
  void deliver_from_tail();
  bool credit_left() const;
  void read_from_store(std::uint64_t first, std::uint64_t last);
  void deliver_page(InboxPage& page, std::uint64_t first);
  void tell_gap(std::uint64_t from, std::uint64_t to);
  void send_marks_since(std::uint64_t cursor);
  void send_mark(const Mark& mark);
  void acknowledge(std::uint64_t cursor);

  std::string_view nonce() const { return {nonce_.data(), nonce_.size()}; }

  // Answers. `begin` gives the worker's frame to fill, for request `request_id` (0 for a push).
  v1::ServerFrame& begin(std::uint64_t request_id);
  void send(const v1::ServerFrame& frame);
  void send_encoded(std::string_view frame);
  // As begin + send, and the request is no longer open.
  void answer(const v1::ServerFrame& frame);
  void answer_done(std::uint64_t request_id);
  static void answer_frame(Session& session, std::uint64_t request_id, v1::ServerFrame& frame);
  void answer_error(std::uint64_t request_id, const Error& error);
  // The same, for what is not even looked at; too many of these in a row end the connection.
  void refuse(std::uint64_t request_id, const Error& error);
  // For handlers that answer later with Done or an error.
  std::function<void(const Result<Unit>&)> done_reply(std::uint64_t request_id);
  void bad_frame(std::string_view why);
  void close(CloseReason reason);
  void leave();

  // Constant.
  Link& link_;
  // Change when the connection moves to another worker.
  AnchorPtr anchor_;
  std::string link_offer_;  // its id; empty: none
  SessionHost* host_;
  // Of the connection.
  State state_ = State::greeting;
  bool reading_ = false;        // a page is on its way from the store
  bool first_page_ = true;      // none was read on this connection yet
  bool exporting_ = false;      // a part of an archive is on its way from the store
  bool publishing_ = false;     // keys are being verified or stored
  bool claiming_ = false;       // keys of others are being gathered
  bool listing_log_ = false;    // a page of the key log is on its way from the store
  bool fetching_info_ = false;  // a GroupInfo is on its way
  bool caught_up_told_ = false;
  bool marks_missed_ = false;   // a mark was dropped for want of output budget
  std::uint8_t failed_hellos_ = 0;
  std::uint8_t bad_frames_ = 0;
  std::uint16_t open_requests_ = 0;
  std::uint32_t refused_in_a_row_ = 0;
  TokenBucket requests_;
  TokenBucket signals_;  // of calls
  std::array<char, auth::kNonceBytes> nonce_{};  // what proofs on this connection sign
  // Of the device, once live.
  UserId user_;
  DeviceId device_;
  Account* account_ = nullptr;  // pinned
  Inbox* inbox_ = nullptr;      // pinned
  std::uint64_t sent_ = 0;      // the last inbox position delivered here
  std::uint64_t acked_ = 0;     // the last one acknowledged here; a device that lost its state begins anew
  std::uint64_t gap_to_ = 0;    // not 0: delivery waits for AckGap
  std::uint32_t unacked_bytes_ = 0;
  Fifo<Unacked> unacked_;
  std::int64_t heard_ms_ = 0;   // when something was received last, by the steady clock
  std::uint32_t presence_ttl_ms_ = 0;
  TokenBucket typing_;
};

}  // namespace godwit

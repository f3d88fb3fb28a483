#include "session/account_export.h"

#include <algorithm>
#include <limits>

#include "godwit.pb.h"
#include "protocol/codec.h"
#include "session/account_wire.h"
#include "storage/keys.h"
#include "storage/log_reader.h"
#include "store.pb.h"

namespace godwit {
namespace {

using Section = ExportCursor::Section;

constexpr char kCursorVersion = 1;
constexpr std::size_t kCursorBytes = 2 + 8 + 16 + 8;
constexpr std::uint64_t kEnd = std::numeric_limits<std::uint64_t>::max() - 1;
// Rows of chats and messages that a part looks at, shown or not: tens of milliseconds.
constexpr std::size_t kMaxVisits = 10'000;

std::string quoted(std::uint64_t number) {
  return "\"" + std::to_string(number) + "\"";
}

// One part in the making. Each write_* goes on where the cursor stands and is true when its section is complete.
class PartWriter {
 public:
  PartWriter(const Store& store, const PartitionMap& map, ExportSource source)
      : store_(store), map_(map), source_(std::move(source)), cursor_(source_.from) {}

  ExportPart run() {
    const bool complete = section(Section::account, &PartWriter::write_account) &&
                          section(Section::blocks, &PartWriter::write_blocks) &&
                          section(Section::contacts, &PartWriter::write_contacts) &&
                          section(Section::chats, &PartWriter::write_chats) &&
                          section(Section::messages, &PartWriter::write_messages) &&
                          section(Section::statuses, &PartWriter::write_statuses) &&
                          section(Section::muted, &PartWriter::write_muted) &&
                          section(Section::keys, &PartWriter::write_keys);
    ExportPart part{std::move(lines_), std::nullopt};
    if (!complete) part.next = cursor_;
    return part;
  }

 private:
  bool section(Section which, bool (PartWriter::*write)()) {
    if (cursor_.section > which) return true;
    if (cursor_.section < which) {
      cursor_ = {};
      cursor_.user = source_.from.user;
      cursor_.section = which;
    }
    return (this->*write)();
  }

  // False, and nothing is written, when the line belongs into the next part.
  bool line(std::string_view kind, const std::string& members) {
    const std::string text = "{\"kind\":\"" + std::string(kind) + "\"," + members + "}\n";
    if (!lines_.empty() && lines_.size() + text.size() > kExportPartBytes) return false;
    lines_ += text;
    return true;
  }

  // Bounded by the limits of an account: always fits.
  bool write_account() {
    v1::User user;
    user.set_user_id(cursor_.user.value);
    user.set_handle(source_.handle);
    line("account", "\"user\":" + to_json(user) +
                        ",\"createdMs\":" + quoted(static_cast<std::uint64_t>(source_.created_ms)));
    for (const DeviceInfo& info : source_.devices) {
      v1::Device device;
      device_to_wire(info, device);
      line("device", "\"device\":" + to_json(device));
    }
    for (const auto& [device, cursor] : source_.cursors) {
      line("cursor", "\"deviceId\":" + std::to_string(device.value) + ",\"cursor\":" + quoted(cursor));
    }
    v1::Privacy privacy;
    privacy_to_wire(source_.privacy, privacy);
    line("privacy", "\"privacy\":" + to_json(privacy));
    return true;
  }

  bool write_blocks() {
    std::sort(source_.blocked.begin(), source_.blocked.end());
    auto it = std::upper_bound(source_.blocked.begin(), source_.blocked.end(), UserId(cursor_.last));
    for (; it != source_.blocked.end(); ++it) {
      if (!line("block", "\"userId\":" + quoted(it->value))) return false;
      cursor_.last = it->value;
    }
    return true;
  }

  bool write_contacts() {
    // A page of them is in the source; where there are more, they are in the next part's.
    const UserId last = source_.contacts.entries.empty() ? UserId() : source_.contacts.entries.back().user;
    read_notes(store_, map_, cursor_.user, source_.contacts);
    v1::Contact contact;
    for (const ContactEntry& entry : source_.contacts.entries) {
      contact.set_user_id(entry.user.value);
      contact.set_note(*entry.note);
      if (!line("contact", "\"contact\":" + to_json(contact))) return false;
      cursor_.last = entry.user.value;
    }
    if (!source_.contacts.more) return true;
    cursor_.last = last.value;
    return false;
  }

  // Visits the user's chats from `first` on until `visit` returns false. True when it never did.
  template <class F>
  bool for_chats(const ChatId& first, F visit) {
    const Partition partition = map_.partition(cursor_.user);
    const std::string prefix = user_key(partition, cursor_.user);
    bool complete = true;
    store::MarkRow row;
    store_.scan(Column::mark, mark_key(partition, cursor_.user, first), prefix_end(prefix), false,
                [&](std::string_view key, std::string_view value) {
                  const ChatId chat = ChatId::from(key.substr(prefix.size()));
                  if (!row.ParseFromArray(value.data(), static_cast<int>(value.size()))) return true;
                  complete = visit(chat, row);
                  return complete;
                });
    return complete;
  }

  bool write_chats() {
    return for_chats(cursor_.chat, [&](const ChatId& chat, const store::MarkRow& row) {
      if (chat == cursor_.chat) return true;  // the last one of the part before
      if (++visits_ > kMaxVisits) return false;
      v1::ChatInfo info;
      info.set_peer(row.peer());
      if (row.peer() == 0) info.set_chat(chat.str());
      info.set_delivered(row.own().delivered());
      info.set_read(row.own().read());
      info.set_peer_delivered(row.other().delivered());
      info.set_peer_read(row.other().read());
      if (!line("chat", "\"chat\":" + to_json(info))) return false;
      cursor_.chat = chat;
      return true;
    });
  }

  bool write_messages() {
    return for_chats(cursor_.chat, [&](const ChatId& chat, const store::MarkRow& row) {
      if (chat != cursor_.chat) {
        cursor_.chat = chat;
        cursor_.last = 0;
      }
      if (++visits_ > kMaxVisits) return false;
      return write_log(chat, row.peer());
    });
  }

  bool write_statuses() {
    v1::OwnStatus status;
    for (const StatusPost& post : source_.statuses) {
      if (static_cast<std::uint64_t>(post.posted_ms) <= cursor_.last) continue;
      own_status_to_wire(post, source_.privacy.hide_read_receipts, status);
      if (!line("status", "\"status\":" + to_json(status))) return false;
      cursor_.last = static_cast<std::uint64_t>(post.posted_ms);
    }
    return true;
  }

  bool write_muted() {
    const auto& muted = source_.muted_authors;
    for (auto it = std::upper_bound(muted.begin(), muted.end(), UserId(cursor_.last)); it != muted.end(); ++it) {
      if (!line("status_muted", "\"userId\":" + quoted(it->value))) return false;
      cursor_.last = it->value;
    }
    return true;
  }

  // Public keys, as they are told to others.
  bool write_keys() {
    for (const DeviceKeySet& device : source_.keys) {
      if (place_of_keys(device.id, 0) > cursor_.chat) {
        v1::DeviceKeys told;
        device_keys_to_wire(device, told);
        if (!line("keys", "\"keys\":" + to_json(told))) return false;
        cursor_.chat = place_of_keys(device.id, 0);
        cursor_.last = 0;
      }
      for (const KeyKind kind : kKeyKinds) {
        if (!write_one_time(device, kind)) return false;
      }
    }
    return true;
  }

  bool write_one_time(const DeviceKeySet& device, KeyKind kind) {
    const auto number = static_cast<std::uint8_t>(kind);
    const ChatId place = place_of_keys(device.id, number);
    if (place < cursor_.chat) return true;
    for (const KeySeries::Left& left : device.of(kind).left) {
      if (place == cursor_.chat && left.seq <= cursor_.last) continue;
      if (++visits_ > kMaxVisits) return false;
      const auto unstored = source_.unstored_keys.find({device.id, kind, left.seq});
      const auto key = unstored != source_.unstored_keys.end()
                           ? std::optional(unstored->second)
                           : store_.get(Column::key_stock, key_stock_key(map_.partition(cursor_.user), cursor_.user,
                                                                         device.id, number, left.seq));
      v1::DeviceKeys told;
      told.set_device_id(device.id.value);
      if (key) one_time_to_wire(kind, *key, told);
      if (key && !line("one_time_key", "\"keys\":" + to_json(told))) return false;
      cursor_.chat = place;
      cursor_.last = left.seq;
    }
    return true;
  }

  // The cursor holds it in place of a chat.
  static ChatId place_of_keys(DeviceId device, std::uint8_t kind) {
    ChatId place;
    for (std::size_t i = 0; i < 4; ++i) place.bytes[i] = static_cast<std::uint8_t>(device.value >> (24 - 8 * i));
    place.bytes[4] = kind;
    return place;
  }

  // What of a chat's log the user may see.
  struct View {
    std::uint64_t first = 1;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> spans;  // groups: when the user was in it
    std::vector<std::uint64_t> hidden;                           // removed by the user

    bool shows(std::uint64_t seq) const {
      if (std::find(hidden.begin(), hidden.end(), seq) != hidden.end()) return false;
      return spans.empty() || std::any_of(spans.begin(), spans.end(), [&](const auto& span) {
               return span.first <= seq && (span.second == 0 || seq <= span.second);
             });
    }
  };

  std::optional<View> view_of(const ChatId& chat, std::uint64_t peer) {
    const Partition partition = map_.partition(chat);
    View view;
    if (peer == 0) {
      const auto stored = store_.get(Column::member, member_key(partition, chat, cursor_.user));
      store::MemberRow member;
      if (!stored || !member.ParseFromString(*stored) || member.spans().empty()) return std::nullopt;
      for (const auto& span : member.spans()) view.spans.emplace_back(span.joined(), span.left());
      view.first = view.spans.front().first;
      view.hidden.assign(member.hidden().begin(), member.hidden().end());
      return view;
    }
    const auto stored = store_.get(Column::chat, chat_key(partition, chat));
    store::ChatRow row;
    if (!stored || !row.ParseFromString(*stored)) return std::nullopt;
    const auto& own = row.low_member() == cursor_.user.value ? row.low() : row.high();
    view.hidden.assign(own.hidden().begin(), own.hidden().end());
    return view;
  }

  bool write_log(const ChatId& chat, std::uint64_t peer) {
    const auto view = view_of(chat, peer);
    if (!view) return true;
    bool complete = true;
    read_log(store_, map_, chat, std::max(cursor_.last + 1, view->first), kEnd, false, source_.now_ms,
             [&](std::uint64_t seq, const store::LogEntry& entry) {
               complete = ++visits_ <= kMaxVisits && (!view->shows(seq) || write_message(peer, entry));
               if (complete) cursor_.last = seq;
               return complete;
             });
    return complete;
  }

  bool write_message(std::uint64_t peer, const store::LogEntry& entry) {
    v1::Envelope envelope;
    if (entry.hidden_from() == cursor_.user.value || !envelope.ParseFromString(entry.envelope())) return true;
    auto& payloads = *envelope.mutable_device_payloads();
    payloads.erase(std::remove_if(payloads.begin(), payloads.end(),
                                  [&](const v1::DevicePayload& p) { return p.user_id() != cursor_.user.value; }),
                   payloads.end());
    const auto& joins = envelope.joins();
    if (std::none_of(joins.begin(), joins.end(),
                     [&](const v1::DeviceRef& device) { return device.user_id() == cursor_.user.value; })) {
      envelope.clear_welcome();
    }
    envelope.clear_joins();
    return line("message", "\"peer\":" + quoted(peer) + ",\"timeMs\":" +
                               quoted(static_cast<std::uint64_t>(entry.time_ms())) +
                               ",\"envelope\":" + to_json(envelope));
  }

  const Store& store_;
  const PartitionMap& map_;
  ExportSource source_;
  ExportCursor cursor_;
  std::string lines_;
  std::size_t visits_ = 0;
};

}  // namespace

std::string ExportCursor::encode() const {
  std::string bytes{kCursorVersion, static_cast<char>(section)};
  const auto add = [&](std::uint64_t number) {
    for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(number >> shift));
  };
  add(user.value);
  bytes.append(chat.view());
  add(last);
  return bytes;
}

std::optional<ExportCursor> ExportCursor::decode(std::string_view bytes, UserId user) {
  if (bytes.size() != kCursorBytes || bytes[0] != kCursorVersion) return std::nullopt;
  ExportCursor cursor;
  cursor.section = static_cast<Section>(bytes[1]);
  cursor.user = UserId(seq_of_key(bytes.substr(0, 10)));
  cursor.chat = ChatId::from(bytes.substr(10, 16));
  cursor.last = seq_of_key(bytes);
  if (cursor.section > Section::keys || cursor.user != user) return std::nullopt;
  return cursor;
}

ExportPart make_export_part(const Store& store, const PartitionMap& map, ExportSource source) {
  return PartWriter(store, map, std::move(source)).run();
}

}  // namespace godwit

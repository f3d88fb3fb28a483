#include "storage/log_reader.h"

#include "protocol/codec.h"
#include "storage/keys.h"

namespace godwit {

void expire(store::LogEntry& entry, std::int64_t now_ms) {
  if (entry.expires_ms() == 0 || entry.expires_ms() > now_ms) return;
  entry.set_envelope(without_content(entry.envelope(), GoneReason::expired));
  entry.clear_expires_ms();
}

void read_log(const Store& store, const PartitionMap& map, const ChatId& chat, std::uint64_t first, std::uint64_t last,
              bool reverse, std::int64_t now_ms,
              const std::function<bool(std::uint64_t seq, store::LogEntry& entry)>& visit) {
  const Partition partition = map.partition(chat);
  store::LogEntry entry;
  store.scan(Column::chat_log, log_key(partition, chat, ChatSeq(first)), log_key(partition, chat, ChatSeq(last + 1)),
             reverse, [&](std::string_view key, std::string_view value) {
               if (!entry.ParseFromArray(value.data(), static_cast<int>(value.size()))) return true;
               expire(entry, now_ms);
               return visit(seq_of_key(key), entry);
             });
}

}  // namespace godwit

#include "session/key_log_wire.h"

#include "godwit.pb.h"

namespace godwit {

void head_to_wire(const TreeHead& head, v1::TreeHead& wire) {
  wire.set_size(head.size);
  wire.set_root(head.root.data(), head.root.size());
  wire.set_time_ms(head.time_ms);
  wire.set_signature(head.signature);
  hashes_to_wire(head.consistency, *wire.mutable_consistency());
}

void hashes_to_wire(const std::vector<TreeHash>& hashes, google::protobuf::RepeatedPtrField<std::string>& wire) {
  wire.Reserve(static_cast<int>(hashes.size()));
  for (const TreeHash& hash : hashes) wire.Add()->assign(hash.begin(), hash.end());
}

void entry_to_wire(const KeyLogEntry& entry, v1::KeyLogEntry& wire) {
  wire.set_index(entry.index);
  wire.set_user_id(entry.user.value);
  wire.set_version(entry.version);
  wire.set_time_ms(entry.time_ms);
  wire.set_previous(entry.previous);
  for (const KeyLogDevice& one : entry.devices) {
    v1::KeyLogDevice& device = *wire.add_devices();
    device.set_device_id(one.device.value);
    device.set_device_key(one.device_key);
    device.set_identity_key(one.identity_key);
  }
}

}  // namespace godwit

// The key log as clients are told of it.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <string>
#include <vector>

#include "transparency/key_log.h"

namespace godwit {

namespace v1 {
class TreeHead;
class KeyLogEntry;
}  // namespace v1

void head_to_wire(const TreeHead& head, v1::TreeHead& wire);
void hashes_to_wire(const std::vector<TreeHash>& hashes, google::protobuf::RepeatedPtrField<std::string>& wire);
void entry_to_wire(const KeyLogEntry& entry, v1::KeyLogEntry& wire);

}  // namespace godwit

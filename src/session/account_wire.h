// Accounts as clients are told of them.
#pragma once

#include "account/account.h"
#include "godwit/result.h"
#include "status/status_user.h"

namespace godwit {

namespace v1 {
class Device;
class OwnStatus;
class Privacy;
class SetPrivacy;
}  // namespace v1

// Without what depends on the moment: `online` and `current`.
void device_to_wire(const DeviceInfo& info, v1::Device& device);
void privacy_to_wire(const PrivacySettings& settings, v1::Privacy& wire);
// Who hides what they read does not learn who has seen it.
void own_status_to_wire(const StatusPost& post, bool hides_read_receipts, v1::OwnStatus& wire);
// What a SetPrivacy changes. invalid_argument for an audience that there is not or the user id 0, too_large for
// too many exceptions.
Result<store::PrivacySettings> privacy_change(const v1::SetPrivacy& asked);

}  // namespace godwit

/** Who let a device into an account, back to the one that opened it. */
import type { DeviceKeys, UserKeys } from "../../gen/godwit_pb.js";
import { equal } from "../bytes.js";
import { approvedBy, deviceProved } from "./entries.js";
import type { KnownDevice } from "./user-rows.js";

/**
 * Which devices count. Approvals are followed from the first device on; approvers may be revoked by now, and are then in
 * `former`.
 */
export async function confirm(told: UserKeys, former: KnownDevice[]): Promise<KnownDevice[]> {
  const proved: DeviceKeys[] = [];
  for (const device of told.devices) if (await deviceProved(told.userId, device)) proved.push(device);
  const trusted = new Map<number, Uint8Array>(former.map((device) => [device.deviceId, device.deviceKey]));
  // The device that opened the account has no approver, and there is one only.
  const first = proved.filter((device) => device.approvedBy === 0).sort((a, b) => a.deviceId - b.deviceId)[0];
  const firstKnown = former.find((device) => device.approvedBy === 0 && device.counts);
  const counts = new Set<number>();
  if (first && (!firstKnown || (firstKnown.deviceId === first.deviceId && equal(firstKnown.deviceKey, first.deviceKey)))) {
    counts.add(first.deviceId);
    trusted.set(first.deviceId, first.deviceKey);
  }
  for (let again = true; again; ) {
    again = false;
    for (const device of proved) {
      const approver = trusted.get(device.approvedBy);
      if (counts.has(device.deviceId) || device.approvedBy === 0 || !approver) continue;
      if (!(await approvedBy(told.userId, device, approver))) continue;
      counts.add(device.deviceId);
      trusted.set(device.deviceId, device.deviceKey);
      again = true;
    }
  }
  return told.devices.map((device) => ({
    deviceId: device.deviceId, deviceKey: device.deviceKey, identityKey: device.identityKey, approvedBy: device.approvedBy,
    counts: counts.has(device.deviceId),
  }));
}

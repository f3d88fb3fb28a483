/** Entries of the key log, and what the keys of a device must prove. */
import type { DeviceKeys, KeyLogEntry } from "../../gen/godwit_pb.js";
import { be32, be64, concat, labelled } from "../bytes.js";
import { verify } from "../device-keys.js";
import { leafHash } from "./merkle.js";

/** What an entry says of a user. */
export type Entry = Pick<KeyLogEntry, "userId" | "version" | "timeMs" | "previous"> & {
  devices: Array<Pick<DeviceKeys, "deviceId" | "deviceKey" | "identityKey">>;
};

/** The leaf's hash of an entry (KeyLogEntry). */
export function entryHash(entry: Entry): Uint8Array {
  const devices = entry.devices.flatMap((device) => [be32(device.deviceId), device.deviceKey, device.identityKey]);
  return leafHash(
    labelled("log-entry", be64(entry.userId), be64(entry.version), be64(entry.timeMs), be64(entry.previous), be32(entry.devices.length), concat(...devices)),
  );
}

/** Whether an entry can be hashed: fixed lengths, devices in order, each once. */
export function wellFormed(entry: Entry): boolean {
  return entry.devices.every(
    (device, i) =>
      device.deviceKey.length === 32 && device.identityKey.length === 32 && (i === 0 || entry.devices[i - 1]!.deviceId < device.deviceId),
  );
}

/** Whether device key and identity key of a device take each other for their own (PublishKeys). */
export async function deviceProved(userId: bigint, device: DeviceKeys): Promise<boolean> {
  const who = concat(be64(userId), be32(device.deviceId));
  return (
    (await verify(device.identityKey, labelled("identity", device.deviceKey, who), device.identitySignature)) &&
    (await verify(device.deviceKey, labelled("device-identity", device.identityKey, who), device.deviceSignature))
  );
}

/** Whether the holder of `approver` let `device` into the account (LinkApprove). */
export function approvedBy(userId: bigint, device: DeviceKeys, approver: Uint8Array): Promise<boolean> {
  return verify(approver, labelled("link-approve", device.approvalLinkId, device.deviceKey, be64(userId)), device.approvalSignature);
}

/** What is kept of a user's keys, and how. */
import { be32, be64, concat, readBe32, readBe64 } from "../bytes.js";

export interface KnownDevice {
  deviceId: number;
  deviceKey: Uint8Array;
  identityKey: Uint8Array;
  /** 0: the first of the account. */
  approvedBy: number;
  /** It is the user's as far as this device can prove (directory.ts). */
  counts: boolean;
}

export interface KnownUser {
  /** See UserKeys; `hash` is the leaf's. */
  version: bigint;
  logIndex: bigint;
  hash: Uint8Array;
  /** Of which log these are (Heads.generation). Those of another say nothing of this one, and count as never looked up. */
  generation: number;
  /** When it was looked up, milliseconds since the Unix epoch. */
  fetchedMs: number;
  /** The user's safety number was compared, and their keys have not changed since. */
  verified: boolean;
  /** Now. */
  devices: KnownDevice[];
  /** Counted once. */
  former: KnownDevice[];
  /** Were in the log, and no more is known of them. */
  logged: KnownDevice[];
}

const kFormat = 1;
const kDeviceBytes = 73;

function encodeDevices(devices: KnownDevice[]): Uint8Array {
  const encoded = devices.map((device) =>
    concat(be32(device.deviceId), device.deviceKey, device.identityKey, be32(device.approvedBy), Uint8Array.of(device.counts ? 1 : 0)),
  );
  return concat(be32(devices.length), ...encoded);
}

export function encodeUser(user: KnownUser): Uint8Array {
  return concat(
    Uint8Array.of(kFormat, user.verified ? 1 : 0), be64(user.version), be64(user.logIndex), be64(BigInt(user.fetchedMs)), user.hash,
    encodeDevices(user.devices), encodeDevices(user.former), encodeDevices(user.logged), be32(user.generation),
  );
}

/** Undefined: of a format that is not known; it is then looked up anew. */
export function decodeUser(bytes: Uint8Array): KnownUser | undefined {
  if (bytes[0] !== kFormat) return undefined;
  let at = 58;
  const devices = (): KnownDevice[] => {
    const count = readBe32(bytes, at);
    at += 4;
    return Array.from({ length: count }, () => {
      const from = at;
      at += kDeviceBytes;
      return {
        deviceId: readBe32(bytes, from), deviceKey: bytes.slice(from + 4, from + 36), identityKey: bytes.slice(from + 36, from + 68),
        approvedBy: readBe32(bytes, from + 68) | 0, counts: bytes[from + 72] === 1,
      };
    });
  };
  return {
    verified: bytes[1] === 1, version: readBe64(bytes, 2), logIndex: readBe64(bytes, 10), fetchedMs: Number(readBe64(bytes, 18)),
    hash: bytes.slice(26, 58), devices: devices(), former: devices(), logged: devices(),
    // Rows of versions that knew of one log only end before it.
    generation: at < bytes.length ? readBe32(bytes, at) : 0,
  };
}

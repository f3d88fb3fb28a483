/**
 * Safety numbers: what two users compare to know that nobody is between them. 30 digits for each of them, from their id and
 * the identity keys of all their devices that count, hashed many times, so that looking for other keys with the same digits
 * costs accordingly; the smaller first, so that both see the same.
 */
import { sha512 } from "@noble/hashes/sha2.js";
import type { E2eHost, SafetyNumber } from "./api.js";
import { be64, compare, concat, equal, utf8 } from "./bytes.js";
import type { Directory } from "./transparency/directory.js";
import type { KnownUser } from "./transparency/user-rows.js";

const kFormat = 1;
const kRounds = 5200;
const kFingerprintBytes = 30;
/** A safety number is shown for keys that were looked up this lately, milliseconds. */
const kFreshMs = 60_000;

/** The fingerprint of a user, 30 bytes. */
export function fingerprint(userId: bigint, identityKeys: Uint8Array[]): Uint8Array {
  const keys = concat(...identityKeys.slice().sort(compare));
  let hash: Uint8Array = concat(utf8("godwit/safety-number"), Uint8Array.of(kFormat), be64(userId), keys);
  for (let i = 0; i < kRounds; i++) hash = sha512(concat(hash, keys));
  return hash.slice(0, kFingerprintBytes);
}

/** 30 digits: five of every five bytes. */
export function digits(print: Uint8Array): string {
  let text = "";
  for (let at = 0; at < print.length; at += 5) {
    const number = print.subarray(at, at + 5).reduce((value, byte) => value * 256 + byte, 0);
    text += String(number % 100_000).padStart(5, "0");
  }
  return text;
}

export class SafetyNumbers {
  constructor(
    private readonly host: E2eHost,
    private readonly directory: Directory,
  ) {}

  async of(userId: bigint): Promise<SafetyNumber> {
    const { own, theirs, user } = await this.prints(userId);
    return {
      digits: [digits(own), digits(theirs)].sort().join(""),
      qr: concat(Uint8Array.of(kFormat), be64(this.host.userId), own, be64(userId), theirs),
      verified: user?.verified ?? false,
    };
  }

  /** What the other one shows has them first and us second. */
  async verify(userId: bigint, qr: Uint8Array): Promise<boolean> {
    const { own, theirs } = await this.prints(userId);
    const expected = concat(Uint8Array.of(kFormat), be64(userId), theirs, be64(this.host.userId), own);
    if (!equal(expected, qr)) return false;
    await this.directory.setVerified(userId, true);
    return true;
  }

  private async prints(userId: bigint) {
    await this.directory.refresh([this.host.userId, userId], kFreshMs);
    const user = await this.directory.known(userId);
    return {
      own: fingerprint(this.host.userId, keysOf(await this.directory.known(this.host.userId))),
      theirs: fingerprint(userId, keysOf(user)),
      user,
    };
  }
}

function keysOf(user: KnownUser | undefined): Uint8Array[] {
  return (user?.devices ?? []).filter((device) => device.counts).map((device) => device.identityKey);
}

/**
 * Invite links of encrypted groups. The server makes a link and so could use it; therefore what is passed on has a second
 * part, which the server is never told: a key that members can compute from the group's secret and the link's id. Who comes
 * in by the link proves to know it, and members are told of anybody who does not.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { Device } from "./api.js";
import { be32, be64, concat, equal, utf8 } from "./bytes.js";

const kIdBytes = 8;
const kKeyBytes = 16;
const kSeparator = "~";

function keyOf(secret: Uint8Array, linkId: Uint8Array): Uint8Array {
  return hmac(sha256, secret, concat(utf8("godwit/invite-link"), linkId)).slice(0, kKeyBytes);
}

function proofOf(key: Uint8Array, linkId: Uint8Array, chat: Uint8Array, device: Device, identityKey: Uint8Array): Uint8Array {
  return hmac(sha256, key, concat(linkId, chat, be64(device.userId), be32(device.deviceId), identityKey));
}

/** What to pass on: `link` as the server made it, and the members' part. */
export function extendLink(secret: Uint8Array, link: string, linkId: Uint8Array): string {
  const hidden = concat(linkId, keyOf(secret, linkId));
  return link + kSeparator + btoa(String.fromCharCode(...hidden)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The server's part of a link, and the members' part, if it has one. */
export function splitLink(extended: string): { link: string; hidden: Uint8Array | undefined } {
  const [link = "", text] = extended.trim().split(kSeparator);
  try {
    const hidden = text && Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
    return { link, hidden: hidden && hidden.length === kIdBytes + kKeyBytes ? hidden : undefined };
  } catch {
    return { link, hidden: undefined };
  }
}

/** What goes into the authenticated data of the external commit of who comes in. */
export function proveLink(hidden: Uint8Array, chat: Uint8Array, device: Device, identityKey: Uint8Array): Uint8Array {
  const linkId = hidden.subarray(0, kIdBytes);
  return concat(linkId, proofOf(hidden.subarray(kIdBytes), linkId, chat, device, identityKey));
}

/** Whether the one who came in had a link that a member made. */
export function provesLink(secret: Uint8Array, proof: Uint8Array, chat: Uint8Array, device: Device, identityKey: Uint8Array): boolean {
  const linkId = proof.subarray(0, kIdBytes);
  return linkId.length === kIdBytes && equal(proof.subarray(kIdBytes), proofOf(keyOf(secret, linkId), linkId, chat, device, identityKey));
}

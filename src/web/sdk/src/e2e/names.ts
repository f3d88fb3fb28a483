/** Names of groups, encrypted with the group's secret (chat/frame.ts). */
import { gcm } from "@noble/ciphers/aes.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, randomBytes, utf8 } from "./bytes.js";

const kFormat = 1;
const kNonceBytes = 12;
const kHeaderBytes = 1 + kNonceBytes;
/** Names are padded to a multiple of this, so that their length tells little. */
const kStep = 32;

function keyOf(secret: Uint8Array, chat: Uint8Array): Uint8Array {
  return hkdf(sha256, secret, chat, utf8("godwit/group-name"), 32);
}

export function encryptName(secret: Uint8Array, chat: Uint8Array, name: string): Uint8Array {
  const text = utf8(name);
  const padded = new Uint8Array(Math.ceil((text.length + 1) / kStep) * kStep);
  padded.set(text);
  const nonce = randomBytes(kNonceBytes);
  return concat(Uint8Array.of(kFormat), nonce, gcm(keyOf(secret, chat), nonce).encrypt(padded));
}

/** Undefined: altered, or encrypted with another secret. */
export function decryptName(secret: Uint8Array, chat: Uint8Array, encrypted: Uint8Array): string | undefined {
  if (encrypted[0] !== kFormat || encrypted.length < kHeaderBytes) return undefined;
  try {
    const padded = gcm(keyOf(secret, chat), encrypted.subarray(1, kHeaderBytes)).decrypt(encrypted.subarray(kHeaderBytes));
    const end = padded.indexOf(0);
    return new TextDecoder().decode(padded.subarray(0, end < 0 ? padded.length : end));
  } catch {
    return undefined;
  }
}

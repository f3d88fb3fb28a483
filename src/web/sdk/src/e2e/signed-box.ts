/**
 * A box under a key that several devices share (AES-256-GCM), with the signature of who sealed it inside. For what is not
 * a message of a chat: signals of calls, statuses.
 */
import { gcm } from "@noble/ciphers/aes.js";
import type { Device, SigningKey } from "./api.js";
import { be32, be64, concat, labelled, randomBytes, readBe32, readBe64 } from "./bytes.js";
import { verify } from "./device-keys.js";

const kFormat = 1;
const kNonceBytes = 12;
const kHeaderBytes = 1 + kNonceBytes;
const kSignedBytes = 8 + 4 + 64;

/** What the signature is over: `purpose` and `context` (what it belongs to) keep it from being taken for another. */
function signedContent(purpose: string, context: Uint8Array, from: Device, plaintext: Uint8Array): Uint8Array {
  return labelled(purpose, be32(context.length), context, be64(from.userId), be32(from.deviceId), plaintext);
}

/** `key` has 32 bytes. */
export async function sealSigned(identity: SigningKey, from: Device, key: Uint8Array, purpose: string, context: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array> {
  const signature = await identity.sign(signedContent(purpose, context, from, plaintext));
  const nonce = randomBytes(kNonceBytes);
  const inner = concat(be64(from.userId), be32(from.deviceId), signature, plaintext);
  return concat(Uint8Array.of(kFormat), nonce, gcm(key, nonce, context).encrypt(inner));
}

/** Who sealed it, and what. `identityOf` names the identity key that a device has. Undefined: another key, altered or forged. */
export async function openSigned(key: Uint8Array, purpose: string, context: Uint8Array, sealed: Uint8Array,
                                 identityOf: (device: Device) => Promise<Uint8Array | undefined>): Promise<{ from: Device; plaintext: Uint8Array } | undefined> {
  if (sealed[0] !== kFormat || sealed.length < kHeaderBytes) return undefined;
  let inner: Uint8Array;
  try {
    inner = gcm(key, sealed.subarray(1, kHeaderBytes), context).decrypt(sealed.subarray(kHeaderBytes));
  } catch {
    return undefined;
  }
  if (inner.length < kSignedBytes) return undefined;
  const from = { userId: readBe64(inner, 0), deviceId: readBe32(inner, 8) };
  const plaintext = inner.slice(kSignedBytes);
  const identityKey = await identityOf(from);
  const signature = inner.subarray(12, kSignedBytes);
  if (!identityKey || !(await verify(identityKey, signedContent(purpose, context, from, plaintext), signature))) return undefined;
  return { from, plaintext };
}

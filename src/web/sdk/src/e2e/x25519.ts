/** X25519 (RFC 7748): WebCrypto's where it has it, which is many times quicker, else that of @noble. */
import { x25519 } from "@noble/curves/ed25519.js";
import { concat, fromHex, randomBytes } from "./bytes.js";

const kBasePoint = concat(Uint8Array.of(9), new Uint8Array(31));
// RFC 8410: what stands before the 32 bytes of a private key.
const kPkcs8 = fromHex("302e020100300506032b656e04220420");

async function nativeDh(secret: Uint8Array, publicKey: Uint8Array): Promise<Uint8Array> {
  const [privateKey, peer] = await Promise.all([
    crypto.subtle.importKey("pkcs8", concat(kPkcs8, secret), "X25519", false, ["deriveBits"]),
    crypto.subtle.importKey("raw", publicKey as BufferSource, "X25519", false, []),
  ]);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: "X25519", public: peer }, privateKey, 256));
}

const native: Promise<boolean> = nativeDh(randomBytes(32), kBasePoint).then(() => true, () => false);

/** The shared secret, 32 bytes. Throws for points of small order, whose result would be known to everybody. */
export async function dh(secret: Uint8Array, publicKey: Uint8Array): Promise<Uint8Array> {
  if (!(await native)) return x25519.getSharedSecret(secret, publicKey);
  const shared = await nativeDh(secret, publicKey);
  if (shared.every((byte) => byte === 0)) throw new Error("a point of small order");
  return shared;
}

export async function publicOf(secret: Uint8Array): Promise<Uint8Array> {
  return (await native) ? nativeDh(secret, kBasePoint) : x25519.getPublicKey(secret);
}

/**
 * HPKE (RFC 9180), base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM: what cipher suite 1 of MLS wants.
 *
 * Hashes and ciphers are those of @noble: an operation of MLS is many small ones, and with WebCrypto each is a round trip
 * to another thread, which costs more than the work. Only curves are worth it (x25519.ts). test/bench/mls.ts measures.
 */
import { gcm } from "@noble/ciphers/aes.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { Hpke, PrivateKey, PublicKey } from "ts-mls";
import { concat, randomBytes, utf8 } from "./bytes.js";
import { dh, publicOf } from "./x25519.js";

const kNone = new Uint8Array();
const kVersion = utf8("HPKE-v1");
const kKemSuite = concat(utf8("KEM"), Uint8Array.of(0x00, 0x20));
const kSuite = concat(utf8("HPKE"), Uint8Array.of(0x00, 0x20, 0x00, 0x01, 0x00, 0x01));
const kKeyBytes = 16;
const kNonceBytes = 12;

interface Context {
  key: Uint8Array;
  nonce: Uint8Array;
  exporterSecret: Uint8Array;
}

function labeledExtract(suite: Uint8Array, salt: Uint8Array, label: string, ikm: Uint8Array): Uint8Array {
  return extract(sha256, concat(kVersion, suite, utf8(label), ikm), salt);
}

function labeledExpand(suite: Uint8Array, prk: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array {
  return expand(sha256, prk, concat(Uint8Array.of(length >> 8, length & 0xff), kVersion, suite, utf8(label), info), length);
}

/** RFC 9180, section 4.1: ExtractAndExpand. */
function sharedSecret(dh: Uint8Array, enc: Uint8Array, recipient: Uint8Array): Uint8Array {
  return labeledExpand(kKemSuite, labeledExtract(kKemSuite, kNone, "eae_prk", dh), "shared_secret", concat(enc, recipient), 32);
}

/** RFC 9180, section 5.1, mode_base. */
function keySchedule(shared: Uint8Array, info: Uint8Array): Context {
  const context = concat(
    Uint8Array.of(0),
    labeledExtract(kSuite, kNone, "psk_id_hash", kNone),
    labeledExtract(kSuite, kNone, "info_hash", info),
  );
  const secret = labeledExtract(kSuite, shared, "secret", kNone);
  return {
    key: labeledExpand(kSuite, secret, "key", context, kKeyBytes),
    nonce: labeledExpand(kSuite, secret, "base_nonce", context, kNonceBytes),
    exporterSecret: labeledExpand(kSuite, secret, "exp", context, 32),
  };
}

async function encap(recipient: Uint8Array, info: Uint8Array): Promise<{ enc: Uint8Array; context: Context }> {
  const ephemeral = randomBytes(32);
  const [enc, shared] = await Promise.all([publicOf(ephemeral), dh(ephemeral, recipient)]);
  return { enc, context: keySchedule(sharedSecret(shared, enc, recipient), info) };
}

async function decap(secret: Uint8Array, enc: Uint8Array, info: Uint8Array): Promise<Context> {
  const [recipient, shared] = await Promise.all([publicOf(secret), dh(secret, enc)]);
  return keySchedule(sharedSecret(shared, enc, recipient), info);
}

// ts-mls types keys as CryptoKey but never looks inside: to it they are what `importPrivateKey` and its like return.
const asPublic = (bytes: Uint8Array) => bytes as unknown as PublicKey;
const asPrivate = (bytes: Uint8Array) => bytes as unknown as PrivateKey;
const raw = (key: PublicKey | PrivateKey) => key as unknown as Uint8Array;

/** The 32 bytes of a key. With its length before it, it is the external_pub extension, which ts-mls hands over whole. */
function checked(key: Uint8Array): Uint8Array {
  const bare = key.length === 33 && key[0] === 32 ? key.subarray(1) : key;
  if (bare.length !== 32) throw new Error("an X25519 key has 32 bytes");
  return bare;
}

export const hpke: Hpke = {
  keyLength: kKeyBytes,
  nonceLength: kNonceBytes,
  async seal(publicKey, plaintext, info, aad) {
    const { enc, context } = await encap(raw(publicKey), info);
    return { enc, ct: gcm(context.key, context.nonce, aad).encrypt(plaintext) };
  },
  async open(privateKey, enc, ciphertext, info, aad) {
    const context = await decap(raw(privateKey), enc, info);
    return gcm(context.key, context.nonce, aad).decrypt(ciphertext);
  },
  async exportSecret(publicKey, exporterContext, length, info) {
    const { enc, context } = await encap(raw(publicKey), info);
    return { enc, secret: labeledExpand(kSuite, context.exporterSecret, "sec", exporterContext, length) };
  },
  async importSecret(privateKey, exporterContext, enc, length, info) {
    return labeledExpand(kSuite, (await decap(raw(privateKey), enc, info)).exporterSecret, "sec", exporterContext, length);
  },
  async deriveKeyPair(ikm) {
    const prk = labeledExtract(kKemSuite, kNone, "dkp_prk", ikm);
    const secret = labeledExpand(kKemSuite, prk, "sk", kNone, 32);
    return { privateKey: asPrivate(secret), publicKey: asPublic(await publicOf(secret)) };
  },
  async generateKeyPair() {
    const secret = randomBytes(32);
    return { privateKey: asPrivate(secret), publicKey: asPublic(await publicOf(secret)) };
  },
  importPrivateKey: async (bytes) => asPrivate(checked(bytes)),
  importPublicKey: async (bytes) => asPublic(checked(bytes)),
  exportPublicKey: async (key) => raw(key),
  exportPrivateKey: async (key) => raw(key),
  encryptAead: async (key, nonce, aad, plaintext) => gcm(key, nonce, aad).encrypt(plaintext),
  decryptAead: async (key, nonce, aad, ciphertext) => gcm(key, nonce, aad).decrypt(ciphertext),
};

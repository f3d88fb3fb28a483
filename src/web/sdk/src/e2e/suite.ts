/** Cipher suite 1 of MLS (X25519, AES-128-GCM, SHA-256, Ed25519) as ts-mls wants it. */
import { expand, extract } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { CiphersuiteImpl } from "ts-mls";
import type { SigningKey } from "./api.js";
import { equal, randomBytes } from "./bytes.js";
import { verify } from "./device-keys.js";
import { hpke } from "./hpke.js";

export const kSuiteName = "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519";

/** The suite for a device. To ts-mls the identity's private key is its public key: see device-keys.ts. */
export function makeSuite(identity: SigningKey): CiphersuiteImpl {
  return {
    name: kSuiteName,
    hpke,
    rng: { randomBytes },
    kdf: {
      size: 32,
      extract: async (salt, ikm) => extract(sha256, ikm, salt),
      expand: async (prk, info, length) => expand(sha256, prk, info, length),
    },
    hash: {
      digest: async (data) => sha256(data),
      mac: async (key, data) => hmac(sha256, key, data),
      verifyMac: async (key, mac, data) => equal(mac, hmac(sha256, key, data)),
    },
    signature: {
      verify,
      async sign(handle, message) {
        if (!equal(handle, identity.publicKey)) throw new Error("not the identity of this device");
        return identity.sign(message);
      },
      keygen() {
        throw new Error("identity keys are made by device-keys.ts");
      },
    },
  };
}

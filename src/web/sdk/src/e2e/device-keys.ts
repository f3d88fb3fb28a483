/**
 * The two Ed25519 keys of a device: the device key, which proves it to the server, and the identity key, which signs all
 * that it sends (the signature key of its MLS leaves).
 *
 * Where WebCrypto knows Ed25519 and the vault can keep a CryptoKey (browsers), the private halves cannot be exported:
 * not by this code, nor by what an attacker runs in the page. ts-mls wants the bytes of a private key wherever it signs,
 * so it is given the public key in their place, and the suite looks up the signer by it (suite.ts). Elsewhere the vault
 * keeps the seed, encrypted.
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import type { KeyVault, SigningKey, StoredKey } from "./api.js";
import { concat, equal, fromHex, randomBytes } from "./bytes.js";

/** Makes a key and saves it under `name`, which must not be in use. */
export async function makeSigningKey(vault: KeyVault, name: string): Promise<SigningKey> {
  const stored = await generate(vault.keepsCryptoKeys);
  await vault.save(name, stored);
  return signerOf(stored);
}

/** A key made before; undefined when there is none. */
export async function loadSigningKey(vault: KeyVault, name: string): Promise<SigningKey | undefined> {
  const stored = await vault.load(name);
  return stored && signerOf(stored);
}

async function generate(asCryptoKey: boolean): Promise<StoredKey> {
  if (asCryptoKey && (await nativeEd25519)) {
    const pair = (await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"])) as CryptoKeyPair;
    return { publicKey: new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)), privateKey: pair.privateKey };
  }
  const seed = randomBytes(32);
  return { publicKey: ed25519.getPublicKey(seed), seed };
}

function signerOf(stored: StoredKey): SigningKey {
  if ("privateKey" in stored) {
    const { publicKey, privateKey } = stored;
    return {
      publicKey,
      sign: async (message) => new Uint8Array(await crypto.subtle.sign("Ed25519", privateKey, message as BufferSource)),
    };
  }
  const { publicKey, seed } = stored;
  const imported = importSeed(seed);
  return {
    publicKey,
    async sign(message) {
      const key = await imported;
      if (!key) return ed25519.sign(message, seed);
      return new Uint8Array(await crypto.subtle.sign("Ed25519", key, message as BufferSource));
    },
  };
}

// RFC 8410: what stands before the 32 bytes of a private key.
const kPkcs8 = fromHex("302e020100300506032b657004220420");

/** For WebCrypto's signatures, which are many times quicker; undefined where there are none. */
async function importSeed(seed: Uint8Array): Promise<CryptoKey | undefined> {
  if (!(await nativeEd25519)) return undefined;
  return crypto.subtle.importKey("pkcs8", concat(kPkcs8, seed), "Ed25519", false, ["sign"]);
}

/** Whether WebCrypto knows Ed25519 here; asked once. */
const nativeEd25519: Promise<boolean> = (async () => {
  try {
    await crypto.subtle.importKey("raw", ed25519.getPublicKey(new Uint8Array(32)) as BufferSource, "Ed25519", false, ["verify"]);
    return true;
  } catch {
    return false;
  }
})();

// Public keys come again and again (every message of a device), and importing costs as much as verifying.
const kMaxImported = 512;
const imported = new Map<string, CryptoKey>();

async function importPublic(publicKey: Uint8Array): Promise<CryptoKey> {
  const name = publicKey.join();
  let key = imported.get(name);
  if (!key) {
    key = await crypto.subtle.importKey("raw", publicKey as BufferSource, "Ed25519", false, ["verify"]);
    if (imported.size >= kMaxImported) imported.delete(imported.keys().next().value!);
    imported.set(name, key);
  }
  return key;
}

/** Whether `signature` is by `publicKey` over `message`. False, too, for what is no key or no signature. */
export async function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  if (publicKey.length !== 32 || signature.length !== 64 || isSmallOrder(publicKey)) return false;
  try {
    if (!(await nativeEd25519)) return ed25519.verify(signature, message, publicKey, { zip215: false });
    return await crypto.subtle.verify("Ed25519", await importPublic(publicKey), signature as BufferSource, message as BufferSource);
  } catch {
    return false;
  }
}

/** A point of small order would let one signature pass for many messages. Eight torsion points, ± in the top bit. */
function isSmallOrder(publicKey: Uint8Array): boolean {
  const unsigned = publicKey.slice();
  unsigned[31]! &= 0x7f;
  return kSmallOrder.some((point) => equal(point, unsigned));
}

const kSmallOrder: Uint8Array[] = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
].map(fromHex);

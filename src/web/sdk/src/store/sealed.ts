// Encrypts the values of a store: AES-256-GCM with the key of the entry as additional data, so that values cannot be
// exchanged for one another. Keys of entries are ids and stay readable.

import type { KeyVault, StoredKey } from "../e2e/api.js";
import { bytesOf } from "../ids.js";
import { type KeyValueStore, StoreFullError, type StoreWrite } from "./store.js";

const kNonce = 12;
const encoder = new TextEncoder();

export class SealedStore {
  readonly #raw: KeyValueStore;
  readonly #key: CryptoKey;
  #full = false;
  /** Hears when it takes no more, and when it does again. */
  onFull: (full: boolean, error?: StoreFullError) => void = () => {};

  private constructor(raw: KeyValueStore, key: CryptoKey) {
    this.#raw = raw;
    this.#key = key;
  }

  static async open(raw: KeyValueStore): Promise<SealedStore> {
    if (raw.valueKey !== undefined) return new SealedStore(raw, await raw.valueKey());
    if (raw.keys === undefined) throw new TypeError("a store needs `keys` or `valueKey`");
    let key = await raw.keys.load("values");
    if (!(key instanceof CryptoKey)) {
      key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
      await raw.keys.save("values", key);
    }
    return new SealedStore(raw, key);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const sealed = await this.#raw.get(key);
    return sealed === undefined ? undefined : this.#open(key, sealed);
  }

  async range(from: string, to: string, options?: { reverse?: boolean; limit?: number }): Promise<[string, Uint8Array][]> {
    const entries = await this.#raw.range(from, to, options);
    return Promise.all(entries.map(async ([key, sealed]): Promise<[string, Uint8Array]> => [key, await this.#open(key, sealed)]));
  }

  async batch(writes: readonly StoreWrite[]): Promise<void> {
    if (writes.length === 0) return;
    const sealed = await Promise.all(writes.map(async ({ key, value }) => ({ key, value: value === undefined ? undefined : await this.#seal(key, value) })));
    try {
      await this.#raw.batch(sealed);
    } catch (error) {
      if (error instanceof StoreFullError && !this.#full) this.onFull((this.#full = true), error);
      throw error;
    }
    if (this.#full) this.onFull((this.#full = false));
  }

  /** Where signing keys are kept. */
  vault(): KeyVault {
    const platform = this.#raw.keys;
    if (platform !== undefined) {
      return {
        keepsCryptoKeys: true,
        load: async (name) => (await platform.load(`vault/${name}`)) as StoredKey | undefined,
        save: (name, key) => platform.save(`vault/${name}`, key),
      };
    }
    return {
      keepsCryptoKeys: false,
      load: async (name) => {
        const bytes = await this.get(`vault/${name}`);
        return bytes === undefined ? undefined : { publicKey: bytes.slice(0, 32), seed: bytes.slice(32) };
      },
      save: async (name, key) => {
        if (!("seed" in key)) throw new TypeError("this storage cannot keep a CryptoKey");
        await this.batch([{ key: `vault/${name}`, value: bytesOf(key.publicKey, key.seed) }]);
      },
    };
  }

  close(): Promise<void> {
    return this.#raw.close();
  }

  destroy(): Promise<void> {
    return this.#raw.destroy();
  }

  async #seal(key: string, value: Uint8Array): Promise<Uint8Array> {
    const iv = crypto.getRandomValues(new Uint8Array(kNonce));
    const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: encoder.encode(key) }, this.#key, value as BufferSource);
    return bytesOf(iv, new Uint8Array(sealed));
  }

  async #open(key: string, sealed: Uint8Array): Promise<Uint8Array> {
    const iv = new Uint8Array(sealed.subarray(0, kNonce));
    const body = new Uint8Array(sealed.subarray(kNonce));
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: encoder.encode(key) }, this.#key, body));
  }
}

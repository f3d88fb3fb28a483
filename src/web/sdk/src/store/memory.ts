// Keeps everything in memory, for as long as the process lives.

import type { StoredKey } from "../e2e/api.js";
import type { KeyValueStore, StoreWrite } from "./store.js";

/** The sorted list of keys is made when a range is asked for after a key came or went. */
export class MemoryStore implements KeyValueStore {
  readonly #values = new Map<string, Uint8Array>();
  readonly #keys = new Map<string, CryptoKey | StoredKey>();
  #sorted: string[] | undefined;

  readonly keys = {
    load: async (name: string) => this.#keys.get(name),
    save: async (name: string, key: CryptoKey | StoredKey) => void this.#keys.set(name, key),
  };

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#values.get(key);
  }

  async range(from: string, to: string, { reverse = false, limit = Infinity } = {}): Promise<[string, Uint8Array][]> {
    this.#sorted ??= [...this.#values.keys()].sort((a, b) => (a < b ? -1 : 1));
    const keys = this.#sorted;
    const out: [string, Uint8Array][] = [];
    const step = reverse ? -1 : 1;
    for (let i = reverse ? lowerBound(keys, to) - 1 : lowerBound(keys, from); i >= 0 && i < keys.length && out.length < limit; i += step) {
      const key = keys[i]!;
      if (key < from || key >= to) break;
      out.push([key, this.#values.get(key)!]);
    }
    return out;
  }

  async batch(writes: readonly StoreWrite[]): Promise<void> {
    for (const { key, value } of writes) {
      if (value === undefined) {
        if (this.#values.delete(key)) this.#sorted = undefined;
      } else {
        const had = this.#values.size;
        this.#values.set(key, value);
        if (this.#values.size !== had) this.#sorted = undefined;
      }
    }
  }

  async close(): Promise<void> {}

  async destroy(): Promise<void> {
    this.#values.clear();
    this.#keys.clear();
    this.#sorted = undefined;
  }
}

function lowerBound(keys: string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

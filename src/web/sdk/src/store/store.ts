// What the SDK needs of a storage. One KeyValueStore holds one account on one device.

import type { StoredKey } from "../e2e/api.js";
import { GodwitError } from "../errors.js";

/** A put, or a delete where `value` is undefined. */
export interface StoreWrite {
  key: string;
  value: Uint8Array | undefined;
}

/** An ordered map from ASCII strings to bytes. */
export interface KeyValueStore {
  get(key: string): Promise<Uint8Array | undefined>;
  /**
   * Entries with from <= key < to, in order of key, or from the end with `reverse`; at most `limit`.
   * Sees whole batches only.
   */
  range(from: string, to: string, options?: { reverse?: boolean; limit?: number }): Promise<[key: string, value: Uint8Array][]>;
  /** All of it or nothing, and durable when it resolves. Throws StoreFullError when there is no room. */
  batch(writes: readonly StoreWrite[]): Promise<void>;
  /** Keys of the platform that are kept beside; undefined where it cannot keep a CryptoKey. */
  keys?: {
    load(name: string): Promise<CryptoKey | StoredKey | undefined>;
    save(name: string, key: CryptoKey | StoredKey): Promise<void>;
  };
  /** The key for the values, where the storage has an own place for it; otherwise `keys` holds it. */
  valueKey?: () => Promise<CryptoKey>;
  close(): Promise<void>;
  /** Removes everything, keys too, and closes. */
  destroy(): Promise<void>;
}

/** How long to wait before trying a full storage again, milliseconds. */
export const kFullPause = 3000;

/** There is no room for more. */
export class StoreFullError extends GodwitError {
  constructor(message: string, cause?: unknown) {
    super("storage_full", message, true, 0, { cause });
  }
}

/** The end of the range of keys that begin with `prefix`. */
export function afterPrefix(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}

// Keeps an account in IndexedDB: object store "values" for the map, "keys" for CryptoKeys, which cannot be extracted.

import type { StoredKey } from "../e2e/api.js";
import { type KeyValueStore, StoreFullError, type StoreWrite } from "./store.js";

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function fault(error: unknown): unknown {
  const name = (error as { name?: string } | null)?.name;
  return name === "QuotaExceededError" ? new StoreFullError("the storage is full", error) : error;
}

export class IndexedDbStore implements KeyValueStore {
  readonly #db: IDBDatabase;

  private constructor(db: IDBDatabase) {
    this.#db = db;
    // Another page wants to delete the database; not to close would block it.
    db.onversionchange = () => db.close();
  }

  /** Rejects where IndexedDB is refused, as in some private modes. */
  static async open(name: string): Promise<IndexedDbStore> {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("values");
      request.result.createObjectStore("keys");
    };
    const db = await done(request);
    // Without it the browser may drop everything when the disk runs full. A refusal changes nothing.
    void globalThis.navigator?.storage?.persist?.().catch(() => false);
    return new IndexedDbStore(db);
  }

  readonly keys = {
    load: (name: string): Promise<CryptoKey | StoredKey | undefined> => done(this.#db.transaction("keys").objectStore("keys").get(name)),
    save: (name: string, key: CryptoKey | StoredKey): Promise<void> => this.#write("keys", (keys) => keys.put(key, name)),
  };

  get(key: string): Promise<Uint8Array | undefined> {
    return done(this.#db.transaction("values").objectStore("values").get(key));
  }

  async range(from: string, to: string, { reverse = false, limit }: { reverse?: boolean; limit?: number } = {}): Promise<[string, Uint8Array][]> {
    const values = this.#db.transaction("values").objectStore("values");
    const range = IDBKeyRange.bound(from, to, false, true);
    if (!reverse) {
      const [keys, found] = await Promise.all([done(values.getAllKeys(range, limit)), done(values.getAll(range, limit))]);
      return keys.map((key, i) => [key as string, found[i] as Uint8Array]);
    }
    return new Promise((resolve, reject) => {
      const out: [string, Uint8Array][] = [];
      const request = values.openCursor(range, "prev");
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const cursor = request.result;
        if (cursor === null || out.length >= (limit ?? Infinity)) return resolve(out);
        out.push([cursor.key as string, cursor.value as Uint8Array]);
        cursor.continue();
      };
    });
  }

  batch(writes: readonly StoreWrite[]): Promise<void> {
    return this.#write("values", (values) => {
      for (const { key, value } of writes) {
        if (value === undefined) values.delete(key);
        else values.put(value, key);
      }
    });
  }

  #write(store: "values" | "keys", work: (store: IDBObjectStore) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      // What the server is told to be stored must survive a loss of power.
      const transaction = this.#db.transaction(store, "readwrite", { durability: "strict" });
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(fault(transaction.error)); // an error of a request aborts; only then it is known which
      try {
        work(transaction.objectStore(store));
      } catch (error) {
        transaction.abort();
        reject(fault(error));
      }
    });
  }

  async close(): Promise<void> {
    this.#db.close();
  }

  async destroy(): Promise<void> {
    this.#db.close();
    await done(indexedDB.deleteDatabase(this.#db.name));
  }
}

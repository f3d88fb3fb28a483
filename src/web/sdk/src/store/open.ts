// Opens the storage that the options ask for.

import type { OpenOptions } from "../api.js";
import type { Emitter } from "../emitter.js";
import { IndexedDbStore } from "./indexeddb.js";
import { MemoryStore } from "./memory.js";
import { SealedStore } from "./sealed.js";
import type { KeyValueStore } from "./store.js";

export async function openStore({ storage, account = "default" }: OpenOptions, emitter: Emitter): Promise<SealedStore> {
  return SealedStore.open(await openRaw(storage ?? (typeof indexedDB === "undefined" ? { kind: "memory" } : { kind: "indexeddb" }), account, emitter));
}

async function openRaw(storage: NonNullable<OpenOptions["storage"]>, account: string, emitter: Emitter): Promise<KeyValueStore> {
  if (storage.kind === "custom") return storage.open(account);
  if (storage.kind === "memory") return new MemoryStore();
  try {
    return await IndexedDbStore.open(`${storage.name ?? "godwit"}/${account}`);
  } catch (error) {
    // The application hears it once it listens, which is after this returns.
    setTimeout(() => emitter.emit("storage", { state: "memory", error }), 0);
    return new MemoryStore();
  }
}

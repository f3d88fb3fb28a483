// Opens the storage that the options ask for.

import type { OpenOptions } from "../api.js";
import { IndexedDbStore } from "./indexeddb.js";
import { MemoryStore } from "./memory.js";
import { SealedStore } from "./sealed.js";

/** `refused`: why everything is kept in memory only. */
export async function openStore({ storage, account = "default" }: OpenOptions): Promise<{ store: SealedStore; refused?: unknown }> {
  const kind = storage ?? (typeof indexedDB === "undefined" ? { kind: "memory" } : { kind: "indexeddb" });
  if (kind.kind === "custom") return { store: await SealedStore.open(await kind.open(account)) };
  if (kind.kind === "memory") return { store: await SealedStore.open(new MemoryStore()) };
  try {
    return { store: await SealedStore.open(await IndexedDbStore.open(`${kind.name ?? "godwit"}/${account}`)) };
  } catch (refused) {
    return { store: await SealedStore.open(new MemoryStore()), refused };
  }
}

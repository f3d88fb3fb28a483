// Client of a Godwit server. `open` is the one way in; api.ts describes what it returns.

import type { Client, OpenOptions } from "./api.js";
import { openWith } from "./client.js";
import { openE2e } from "./e2e/e2e.js";

/** Opens this device's storage, and connects if it has an account. Rejects when the storage cannot be read. */
export function open(options: OpenOptions): Promise<Client> {
  return openWith(options, openE2e);
}

export type * from "./api.js";
export { GodwitError } from "./errors.js";
export { type KeyValueStore, StoreFullError, type StoreWrite } from "./store/store.js";
export { MemoryStore } from "./store/memory.js";

import type { KeyVault, StoredKey } from "../../src/e2e/api.js";

/** A vault for one test; with `cryptoKeys` as browsers have it, else as Node. */
export function memoryVault(cryptoKeys = false): KeyVault {
  const keys = new Map<string, StoredKey>();
  return {
    keepsCryptoKeys: cryptoKeys,
    load: async (name) => keys.get(name),
    save: async (name, key) => void keys.set(name, key),
  };
}

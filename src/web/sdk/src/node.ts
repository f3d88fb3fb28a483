// What Node needs besides: a storage on LevelDB (package classic-level) and a WebSocket (package ws).
//
//   import { open } from "@godwit/client";
//   import { nodePlatform } from "@godwit/client/node";
//   const client = await open({ url, ...(await nodePlatform("./data")) });

import path from "node:path";
import type { StorageOptions, WebSocketConstructor } from "./api.js";
import { LevelStore } from "./store/level.js";

/**
 * A storage in `directory`, one folder an account. Values are encrypted by `key` (32 bytes), or by one that is made once and
 * kept beside them, readable by the user alone.
 */
export function nodeStorage(directory: string, key?: Uint8Array): StorageOptions {
  return { kind: "custom", open: (account) => LevelStore.open(path.join(directory, account), key) };
}

/** The options of `open` for Node. */
export async function nodePlatform(directory: string, key?: Uint8Array): Promise<{ storage: StorageOptions; WebSocket: WebSocketConstructor }> {
  const { default: WebSocket } = await import("ws");
  return { storage: nodeStorage(directory, key), WebSocket: WebSocket as unknown as WebSocketConstructor };
}

export { LevelStore };

// Keeps an account in a LevelDB of the package classic-level (Node), and the key of its values in a file beside it.

import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import type { ClassicLevel } from "classic-level";
import { type KeyValueStore, StoreFullError, type StoreWrite } from "./store.js";

type Level = ClassicLevel<string, Uint8Array>;

export class LevelStore implements KeyValueStore {
  readonly #db: Level;
  readonly #directory: string;
  readonly #key: Uint8Array | undefined;

  private constructor(db: Level, directory: string, key: Uint8Array | undefined) {
    this.#db = db;
    this.#directory = directory;
    this.#key = key;
  }

  /** `key`: 32 bytes that encrypt the values; absent: made once, and kept in `directory`/key, readable by the user alone. */
  static async open(directory: string, key?: Uint8Array): Promise<LevelStore> {
    const { ClassicLevel } = await import("classic-level");
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const db: Level = new ClassicLevel(path.join(directory, "db"), { keyEncoding: "utf8", valueEncoding: "view" });
    await db.open();
    return new LevelStore(db, directory, key);
  }

  readonly valueKey = async (): Promise<CryptoKey> => {
    const raw = this.#key ?? (await keyFile(path.join(this.#directory, "key")));
    return crypto.subtle.importKey("raw", new Uint8Array(raw), "AES-GCM", false, ["encrypt", "decrypt"]);
  };

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#db.get(key);
  }

  range(from: string, to: string, { reverse = false, limit = -1 }: { reverse?: boolean; limit?: number } = {}): Promise<[string, Uint8Array][]> {
    return this.#db.iterator({ gte: from, lt: to, reverse, limit }).all();
  }

  async batch(writes: readonly StoreWrite[]): Promise<void> {
    try {
      await this.#db.batch(
        writes.map(({ key, value }) => (value === undefined ? { type: "del" as const, key } : { type: "put" as const, key, value })),
        { sync: true },
      );
    } catch (error) {
      if (/no space|ENOSPC|quota/i.test(String((error as Error).cause ?? error))) throw new StoreFullError("the disk is full", error);
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  async destroy(): Promise<void> {
    await this.#db.close();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function keyFile(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const key = crypto.getRandomValues(new Uint8Array(32));
  const handle = await open(`${file}.new`, "w", 0o600);
  await handle.writeFile(key);
  await handle.sync();
  await handle.close();
  await rename(`${file}.new`, file);
  return key;
}

// Clients for tests, and waiting for what they are told.

import type { Client, Events, OpenOptions } from "../../src/api.js";
import { type MakeE2e, openWith } from "../../src/client.js";
import { openE2e } from "../../src/e2e/e2e.js";
import { afterPrefix, type KeyValueStore, StoreFullError, type StoreWrite } from "../../src/store/store.js";
import { MemoryStore } from "../../src/store/memory.js";
import WebSocket from "ws";
import { plainE2e } from "./plain-e2e.js";

/** Tests of faults run with each: the plain one shows whose fault it is. */
export const kEncryptions: [string, MakeE2e][] = [["unencrypted", plainE2e], ["encrypted", openE2e]];

export const kTuning = { backoffMin: 20, backoffMax: 500, requestTimeout: 10_000 };

/** A storage in memory that outlives the client that closes it, as a disk does. */
export class Disk {
  readonly store = new MemoryStore();
  /** It takes no more. */
  full = false;
  #crashes = 0;

  readonly options = {
    kind: "custom" as const,
    open: async (): Promise<KeyValueStore> => {
      const born = this.#crashes;
      return {
        get: (key) => this.store.get(key),
        range: (...parameters) => this.store.range(...parameters),
        keys: this.store.keys,
        batch: (writes: readonly StoreWrite[]) => {
          if (born !== this.#crashes) return new Promise(() => {});
          return this.full ? Promise.reject(new StoreFullError("full")) : this.store.batch(writes);
        },
        close: async () => {},
        destroy: () => this.store.destroy(),
      };
    },
  };

  /** Nothing that was opened before writes any more, as if its process had ended. */
  crash(): void {
    this.#crashes++;
  }

  /** Loses all entries that begin with `prefix`. */
  async lose(prefix: string): Promise<void> {
    await this.store.batch((await this.store.range(prefix, afterPrefix(prefix))).map(([key]) => ({ key, value: undefined })));
  }
}

export async function openClient(url: string, options: Partial<OpenOptions> & { e2e?: MakeE2e } = {}): Promise<Client> {
  const { e2e = plainE2e, ...rest } = options;
  return openWith({ url, storage: { kind: "memory" }, WebSocket: WebSocket as never, tuning: kTuning, ...rest }, e2e);
}

export async function person(url: string, handle: string, options: Partial<OpenOptions> & { e2e?: MakeE2e } = {}): Promise<Client> {
  const client = await openClient(url, options);
  const online = heard(client, "connection", ({ state }) => state === "online");
  await client.register({ handle, deviceName: "test" });
  await online;
  return client;
}

/** The first event that fits, from now on. Fails after a while. */
export function heard<K extends keyof Events>(client: Client, event: K, fits: (value: Events[K]) => boolean = () => true, ms = 20_000): Promise<Events[K]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      off();
      reject(new Error(`no fitting event ${event} within ${ms} ms`));
    }, ms);
    const off = client.on(event, (value) => {
      if (!fits(value)) return;
      clearTimeout(timer);
      off();
      resolve(value);
    });
  });
}

/** Tries until it is true. */
export async function until(what: string, condition: () => Promise<boolean> | boolean, ms = 20_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function texts(client: Client, chat: string): Promise<string[]> {
  const { messages } = await client.messages.page(chat, { limit: 1000 });
  return messages.flatMap(({ content }) => (content.kind === "text" ? [content.text] : []));
}

/** Waits for a text in a chat. */
export function has(client: Client, chat: string, text: string): Promise<void> {
  return until(`${text} is there`, async () => (await texts(client, chat)).includes(text));
}

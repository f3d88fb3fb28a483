// Clients for tests, and waiting for what they are told.

import type { Client, Events, OpenOptions } from "../../src/api.js";
import { type MakeE2e, openWith } from "../../src/client.js";
import type { KeyValueStore } from "../../src/store/store.js";
import { MemoryStore } from "../../src/store/memory.js";
import WebSocket from "ws";
import { plainE2e } from "./plain-e2e.js";

export const kTuning = { backoffMin: 20, backoffMax: 500, requestTimeout: 10_000 };

/** A storage in memory that outlives the client that closes it, as a disk does. */
export class Disk {
  readonly store = new MemoryStore();
  readonly options = { kind: "custom" as const, open: async (): Promise<KeyValueStore> => this.store };
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

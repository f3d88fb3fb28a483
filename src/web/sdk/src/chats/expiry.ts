// Removes messages from this device when their time is over.

import { background, type Core } from "../core.js";
import type { Model } from "./model.js";
import { keys } from "./records.js";
import { decodeRecord } from "../store/units.js";

const kInterval = 1000;
const kBatch = 500;

export class Expiry {
  readonly #core: Core;
  readonly #model: Model;
  #timer: ReturnType<typeof setInterval> | undefined;
  #working = false;

  constructor(core: Core, model: Model) {
    this.#core = core;
    this.#model = model;
  }

  start(): void {
    this.#timer = setInterval(() => background(this.#core, this.sweep()), kInterval);
    (this.#timer as { unref?: () => void }).unref?.();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async sweep(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    try {
      const end = keys.expiry(this.#core.connection.now(), "", "").slice(0, -2);
      const due = await this.#core.store.range("x/", end, { limit: kBatch });
      if (due.length === 0) return;
      await this.#core.units.run(async (unit) => {
        for (const [key, bytes] of due) {
          const [, , chatId, place] = key.split("/");
          unit.delete(key);
          if (this.#model.peek(chatId!) === undefined) continue;
          const found = await this.#model.message(unit, chatId!, decodeRecord<string>(bytes));
          // It may have moved to its place in the chat, with a time of its own.
          if (found?.place === place) this.#model.deleteMessage(unit, await this.#model.chat(unit, chatId!), place!, found!.message.id);
        }
      });
    } finally {
      this.#working = false;
    }
  }
}

// The messages of the chat that is open: a piece of its history without holes, which grows in both directions as one
// scrolls, and is bounded. New messages come in at its end while that is the end of the chat.
import type { ChatId, Message, MessageId } from "@godwit/client";
import { signal } from "@preact/signals";
import { batched } from "../lib/batch";
import { client } from "./client";
import { failed } from "./toasts";

const kPage = 100;
const kMax = 10_000; // messages at hand

/** Accepted messages by position; then those that wait, as they were written. */
export function before(a: Message, b: Message): number {
  const [x, y] = [a.seq || Infinity, b.seq || Infinity];
  return x === y ? a.at - b.at : x - y;
}

/** A message as it is now, or that it is gone. */
type Change = Message | { gone: MessageId };

export class Conversation {
  readonly messages = signal<readonly Message[]>([]);
  /** There are older ones. */
  readonly more = signal(true);
  /** The end of `messages` is the end of the chat. */
  readonly newest = signal(true);
  readonly loading = signal(true);
  readonly #ends: (() => void)[];
  /** What was told while a piece is loaded, which may have been read before that. */
  #meanwhile: Change[] = [];
  #loads = Promise.resolve();
  #waiting = 0;

  constructor(readonly chat: ChatId) {
    // In one queue, so that no message comes back that was changed just before it was removed.
    const changed = batched<Change>((changes) => this.#take(changes));
    const hear = (message: Message) => message.chat === chat && changed(message);
    const sdk = client();
    this.#ends = [
      sdk.on("message", hear),
      sdk.on("messageChanged", hear),
      sdk.on("messageRemoved", ({ chat: where, id }) => {
        if (where === chat) changed({ gone: id });
      }),
    ];
    void this.toNewest();
  }

  close(): void {
    for (const end of this.#ends) end();
  }

  /** Loads what is before the first message at hand. */
  older(): Promise<void> {
    const [first] = this.messages.value;
    if (!this.more.value || !first || this.#waiting) return Promise.resolve();
    return this.#load(async () => {
      const page = await client().messages.page(this.chat, { before: first.id, limit: kPage });
      this.more.value = page.more;
      this.#merge(page.messages, "older");
    });
  }

  /** Loads what is after the last message at hand. */
  newer(): Promise<void> {
    const last = this.messages.value.at(-1);
    if (this.newest.value || !last || this.#waiting) return Promise.resolve();
    return this.#load(async () => {
      const page = await client().messages.around(this.chat, last.id, 2 * kPage);
      const at = page.messages.findIndex((message) => message.id === last.id);
      if (at < 0) return; // it has gone or moved just then, which says nothing of those after it
      const later = page.messages.slice(at + 1);
      if (!later.length) this.newest.value = true;
      this.#merge(later, "newer");
    });
  }

  async toNewest(): Promise<void> {
    await this.#load(async () => {
      const page = await client().messages.page(this.chat, { limit: kPage });
      this.more.value = page.more;
      this.newest.value = true;
      this.messages.value = [...page.messages].sort(before);
    });
  }

  /** Has a message at hand; false when it is not there. */
  async reach(id: MessageId): Promise<boolean> {
    if (this.messages.value.some((message) => message.id === id)) return true;
    await this.#load(async () => {
      const page = await client().messages.around(this.chat, id, kPage);
      if (!page.messages.some((message) => message.id === id)) return;
      this.more.value = page.more;
      this.newest.value = false;
      this.messages.value = [...page.messages].sort(before);
    });
    return this.messages.value.some((message) => message.id === id);
  }

  /** One after the other. A message to begin at that has just gone is no fault: once that is told one begins at another. */
  #load(loading: () => Promise<void>): Promise<void> {
    ++this.#waiting;
    return (this.#loads = this.#loads.then(async () => {
      this.#meanwhile = [];
      await loading().catch((error) => error.code !== "not_found" && failed(error));
      this.#apply(this.#meanwhile);
      --this.#waiting;
      this.loading.value = false;
    }));
  }

  #take(changes: readonly Change[]): void {
    if (this.#waiting) this.#meanwhile.push(...changes);
    this.#apply(changes);
  }

  #apply(changes: readonly Change[]): void {
    if (!changes.length) return;
    const [changed, gone] = [new Map<MessageId, Message>(), new Set<MessageId>()];
    for (const change of changes) {
      if ("gone" in change) gone.add(change.gone);
      else changed.set(change.id, change);
    }
    for (const id of gone) changed.delete(id);
    if (gone.size) this.messages.value = this.messages.value.filter(({ id }) => !gone.has(id));
    this.#merge([...changed.values()], "changed");
  }

  #merge(messages: readonly Message[], where: "changed" | "older" | "newer"): void {
    const known = new Map(this.messages.value.map((message) => [message.id, message]));
    const first = this.messages.value[0];
    for (const message of messages) {
      const inside = !first || !this.more.value || before(first, message) <= 0;
      if (where !== "changed" || known.has(message.id) || (this.newest.value && inside)) known.set(message.id, message);
    }
    const merged = [...known.values()].sort(before);
    if (merged.length <= kMax) this.messages.value = merged;
    else if (where === "older") {
      this.messages.value = merged.slice(0, kMax);
      this.newest.value = false;
    } else {
      this.messages.value = merged.slice(-kMax);
      this.more.value = true;
    }
  }
}

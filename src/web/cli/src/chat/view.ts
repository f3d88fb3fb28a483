// One chat on the terminal: messages have numbers, by which commands name them; what changes about one that was shown is
// told in a line of its own.

import type { Client, Message, MessageId } from "@godwit/client";
import { usage } from "../failure.js";
import { line, ticks } from "../format.js";
import type { Names } from "../names.js";
import { oneLine } from "../sanitize.js";
import type { Terminal } from "./terminal.js";

/** So many messages keep their numbers. */
const kRemembered = 1000;
/** Ticks that change together are told together, milliseconds. */
const kTickPause = 150;

interface Shown {
  number: number;
  state: string;
  text: string;
  reactions: string;
}

export class ChatView {
  readonly #client: Client;
  readonly #chat: string;
  readonly #names: Names;
  readonly #terminal: Terminal;
  readonly #shown = new Map<MessageId, Shown>();
  readonly #byNumber = new Map<number, MessageId>();
  readonly #ticked = new Map<number, string>();
  readonly #undo: (() => void)[] = [];
  #next = 1;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last: Promise<void> = Promise.resolve();
  #oldest: MessageId | undefined;

  constructor(client: Client, chat: string, names: Names, terminal: Terminal) {
    this.#client = client;
    this.#chat = chat;
    this.#names = names;
    this.#terminal = terminal;
  }

  /** Shows the last messages, and from now on what comes. */
  async start(limit: number): Promise<void> {
    const { messages } = await this.#client.messages.page(this.#chat, { limit });
    this.#oldest = messages[0]?.id;
    const hear = (message: Message) => this.#heard(message);
    this.#undo.push(
      this.#client.on("message", hear),
      this.#client.on("messageChanged", hear),
      this.#client.on("messageRemoved", ({ id }) => {
        const shown = this.#shown.get(id);
        if (shown !== undefined) this.#inTurn(async () => this.#terminal.print(`    [${shown.number}] is gone`));
      }),
    );
    for (const message of messages) this.#heard(message);
    await this.#last;
  }

  stop(): void {
    for (const undo of this.#undo) undo();
    clearTimeout(this.#timer);
  }

  /** Everything that was to be printed is. */
  async drained(): Promise<void> {
    await this.#last;
    this.#tellTicks();
  }

  /** A message by its number, or the last one from somebody else. */
  id(word: string | undefined): MessageId {
    const id = this.#byNumber.get(Number(word?.replace(/^\[|\]$/g, "")));
    if (id === undefined) throw usage(`no message ${word ?? ""}: take a number that stands before one`);
    return id;
  }

  /** Older messages; false where there are none. */
  async older(limit: number): Promise<boolean> {
    if (this.#oldest === undefined) return false;
    const { messages } = await this.#client.messages.page(this.#chat, { before: this.#oldest, limit });
    if (messages.length === 0) return false;
    this.#oldest = messages[0]!.id;
    for (const message of messages) this.#inTurn(() => this.#print(message));
    await this.#last;
    return true;
  }

  #heard(message: Message): void {
    if (message.chat !== this.#chat) {
      if (!message.own && message.seq > 0 && !this.#shown.has(message.id) && message.content.kind === "text") this.#elsewhere(message);
      return;
    }
    this.#inTurn(() => (this.#shown.has(message.id) ? this.#changed(message) : this.#print(message)));
  }

  /** A message of another chat, once. */
  #elsewhere(message: Message): void {
    this.#remember(message.id, { number: 0, state: "", text: "", reactions: "" });
    this.#inTurn(async () => {
      const chat = await this.#client.chats.get(message.chat);
      this.#terminal.print(`    (new in ${oneLine(chat?.title ?? message.chat)})`);
    });
  }

  async #print(message: Message): Promise<void> {
    const number = this.#next++;
    this.#remember(message.id, { number, ...traits(message) });
    this.#terminal.print(`[${number}] ${await line(message, this.#names)}`);
    if (!message.own) await this.#client.chats.markRead(this.#chat, message.id);
  }

  async #changed(message: Message): Promise<void> {
    const shown = this.#shown.get(message.id)!;
    const now = traits(message);
    if (now.text !== shown.text) this.#terminal.print(`    [${shown.number}] is now: ${await line(message, this.#names)}`);
    else if (now.reactions !== shown.reactions) {
      const all = await Promise.all(message.reactions.map(async ({ user, emoji }) => `${oneLine(emoji)} ${await this.#names.of(user)}`));
      this.#terminal.print(`    [${shown.number}] ${all.length > 0 ? all.join(", ") : "no reactions"}`);
    }
    if (now.state !== shown.state && now.state !== "") {
      this.#ticked.set(shown.number, now.state);
      this.#timer ??= setTimeout(() => this.#tellTicks(), kTickPause);
    }
    Object.assign(shown, now);
  }

  #tellTicks(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const byState = new Map<string, number[]>();
    for (const [number, state] of this.#ticked) byState.set(state, [...(byState.get(state) ?? []), number]);
    this.#ticked.clear();
    for (const [state, numbers] of byState) this.#terminal.print(`    [${numbers.join(", ")}] ${state}`);
  }

  #remember(id: MessageId, shown: Shown): void {
    this.#shown.set(id, shown);
    if (shown.number > 0) this.#byNumber.set(shown.number, id);
    if (this.#shown.size <= kRemembered) return;
    const [oldest, { number }] = this.#shown.entries().next().value!;
    this.#shown.delete(oldest);
    this.#byNumber.delete(number);
  }

  #inTurn(work: () => Promise<void>): void {
    this.#last = this.#last.then(work).catch((error: Error) => this.#terminal.print(`! ${error.message}`));
  }
}

/** What a change is told by. */
function traits(message: Message): { state: string; text: string; reactions: string } {
  const { content } = message;
  return {
    state: ticks(message),
    text: content.kind === "text" ? content.text : JSON.stringify(content),
    reactions: message.reactions.map(({ user, emoji }) => `${user}${emoji}`).join(),
  };
}

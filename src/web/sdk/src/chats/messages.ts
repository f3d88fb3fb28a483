// Messages of this device, and writing new ones.

import type { ChatId, Draft, Message, MessageId, MessagePage, Messages, SearchOptions, SearchResult } from "../api.js";
import { ask, type Core } from "../core.js";
import { GodwitError } from "../errors.js";
import { chatRef, messageId, toBase64Url, uuid7 } from "../ids.js";
import type { Outbox } from "../outbox/outbox.js";
import { decodeRecord, type Unit } from "../store/units.js";
import { afterPrefix } from "../store/store.js";
import { fromHex } from "../ids.js";
import type { Apply } from "./apply.js";
import { type BodyInit, checkText, encodeContent } from "./content.js";
import type { Model } from "./model.js";
import type { OwnProfile } from "./own-profile.js";
import { type ChatRecord, keys, type MessageRecord, waitingPlace } from "./records.js";
import type { Search } from "./search.js";

const kPage = 50;
const kMaxPage = 1000;

export class MessageBook implements Messages {
  readonly #core: Core;
  readonly #model: Model;
  readonly #apply: Apply;
  readonly #outbox: Outbox;
  readonly #search: Search;
  readonly #profile: OwnProfile;

  constructor(core: Core, model: Model, apply: Apply, outbox: Outbox, search: Search, profile: OwnProfile) {
    this.#core = core;
    this.#model = model;
    this.#apply = apply;
    this.#outbox = outbox;
    this.#search = search;
    this.#profile = profile;
  }

  async page(chat: ChatId, { before, limit = kPage }: { before?: MessageId; limit?: number } = {}): Promise<MessagePage> {
    const place = before === undefined ? undefined : await this.#place(chat, before);
    return this.#read(chat, place, Math.min(limit, kMaxPage));
  }

  async around(chat: ChatId, id: MessageId, limit = kPage): Promise<MessagePage> {
    const place = await this.#place(chat, id);
    const half = Math.ceil(Math.min(limit, kMaxPage) / 2);
    const later = await this.#core.store.range(keys.message(chat, place), afterPrefix(`m/${chat}/`), { limit: half });
    const { messages, more } = await this.#read(chat, place, half);
    return { messages: [...messages, ...this.#show(chat, later)], more };
  }

  async get(chat: ChatId, id: MessageId): Promise<Message | undefined> {
    const found = await this.#model.find(chat, id);
    return found && this.#model.showMessage(this.#model.peek(chat)!, found);
  }

  async send(chat: ChatId, { text, replyTo, replyToStatus, ttlS }: Draft): Promise<Message> {
    checkText(text);
    const body: BodyInit = {
      case: "text",
      value: {
        text,
        ...(replyTo === undefined ? {} : { replyTo: fromHex(replyTo) }),
        ...(replyToStatus === undefined ? {} : { replyToStatus: fromHex(replyToStatus) }),
      },
    };
    const record = await this.write(chat, body, { ttlS, relatesTo: replyTo ?? replyToStatus }, async (unit, at, id, n) => {
      const known = await this.#model.chat(unit, chat);
      const { userId, deviceId } = this.#core.me();
      const lives = ttlS || known.timerS;
      const message: MessageRecord = {
        id,
        chat,
        from: userId,
        fromDevice: deviceId,
        seq: 0,
        at,
        content: { kind: "text", text },
        reactions: [],
        ...(replyTo === undefined ? {} : { replyTo: await this.#apply.quote(unit, chat, replyTo) }),
        ...(replyToStatus === undefined ? {} : { replyToStatus }),
        ...(lives > 0 ? { expiresAt: at + lives * 1000 } : {}),
      };
      known.draft = undefined;
      known.unread = 0;
      known.markedUnread = false;
      this.#model.putMessage(unit, known, waitingPlace(n), message);
      return { chat: known, message };
    });
    return this.#model.showMessage(record.chat, record.message);
  }

  /** Puts content into the outbox, and what `local` stores with it. The chat learns the user's profile on the way. */
  write<T>(chat: ChatId, body: BodyInit, { relatesTo, ttlS }: { relatesTo?: MessageId; ttlS?: number }, local: (unit: Unit, at: number, id: MessageId, n: number) => Promise<T>): Promise<T> {
    chatRef(chat); // throws where it is none
    return this.#core.units.run(async (unit) => {
      const at = this.#core.connection.now();
      const id = messageId(uuid7(at));
      const n = this.#outbox.take();
      const result = await local(unit, at, id, n);
      const profile = await this.#profile.toTell(unit, chat);
      this.#outbox.add(unit, { n, chat, id, content: toBase64Url(encodeContent(body, profile)), relatesTo, ttlS });
      return result;
    });
  }

  settled(): Promise<void> {
    return this.#outbox.settled();
  }

  retry(chat: ChatId, id: MessageId): Promise<void> {
    return this.#outbox.retry(chat, id);
  }

  async edit(chat: ChatId, id: MessageId, text: string): Promise<void> {
    checkText(text);
    const me = this.#core.me().userId;
    await this.write(chat, { case: "edit", value: { text } }, { relatesTo: id }, async (unit, at) => {
      const found = await this.#model.message(unit, chat, id);
      if (found === undefined) throw new GodwitError("not_found", "no such message here");
      if (found.message.from !== me || found.message.content.kind !== "text") throw new GodwitError("not_allowed", "only own texts can be edited");
      await this.#apply.edit(unit, await this.#model.chat(unit, chat), id, me, text, at);
    });
  }

  async react(chat: ChatId, id: MessageId, emoji: string): Promise<void> {
    const me = this.#core.me().userId;
    await this.write(chat, { case: "reaction", value: { emoji } }, { relatesTo: id }, async (unit, at) => {
      if ((await this.#model.message(unit, chat, id)) === undefined) throw new GodwitError("not_found", "no such message here");
      await this.#apply.react(unit, await this.#model.chat(unit, chat), id, me, emoji, at);
    });
  }

  async remove(chat: ChatId, id: MessageId, forEveryone: boolean): Promise<void> {
    const found = await this.#core.units.run(async (unit) => {
      const known = await this.#model.chat(unit, chat);
      const message = await this.#model.message(unit, chat, id);
      if (message === undefined) throw new GodwitError("not_found", "no such message here");
      const local = message.place.includes(".") || this.#outbox.cancel(unit, chat, id);
      if (local) this.#model.deleteMessage(unit, known, message.place, id);
      return local ? undefined : message;
    });
    if (found === undefined) return;
    const seq = found.message.seq || (await this.#accepted(chat, id));
    const requestId = forEveryone ? uuid7(this.#core.connection.now()) : undefined;
    await ask(this.#core, { case: "removeMessage", value: { id: requestId, ...chatRef(chat), chatSeq: BigInt(seq), forEveryone } }, "done");
    if (!forEveryone) await this.#core.units.run((unit) => this.#apply.hidden(unit, chat, seq));
    else await this.#core.units.run(async (unit) => this.#apply.removed(unit, await this.#model.chat(unit, chat), seq, this.#core.me().userId));
  }

  /** The position of a message that is on its way to the server. */
  #accepted(chat: ChatId, id: MessageId): Promise<number> {
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        off();
      };
      const timer = setTimeout(() => {
        end();
        reject(new GodwitError("timeout", "the message is still being sent", true));
      }, this.#core.tuning.requestTimeout);
      const off = this.#core.emitter.on("messageChanged", (message) => {
        if (message.chat !== chat || message.id !== id || message.seq === 0) return;
        end();
        resolve(message.seq);
      });
      // It may have been accepted since it was looked at.
      this.get(chat, id).then(
        (message) => {
          if (!message?.seq) return;
          end();
          resolve(message.seq);
        },
        (error: unknown) => {
          end();
          reject(error);
        },
      );
    });
  }

  async calls({ before, limit = kPage }: { before?: MessageId; limit?: number } = {}): Promise<Message[]> {
    const end = before === undefined ? afterPrefix("k/") : keys.call(before);
    const entries = await this.#core.store.range("k/", end, { reverse: true, limit: Math.min(limit, kMaxPage) });
    const found = await Promise.all(entries.map(([key, chat]) => this.get(decodeRecord<ChatId>(chat), key.slice(2))));
    return found.filter((message) => message?.content.kind === "call") as Message[]; // others were removed
  }

  async receipts(chat: ChatId, id: MessageId): Promise<{ user: string; delivered: boolean; read: boolean }[]> {
    const message = await this.get(chat, id);
    if (message === undefined) throw new GodwitError("not_found", "no such message here");
    const out: { user: string; delivered: boolean; read: boolean }[] = [];
    let after = 0n;
    for (;;) {
      const page = await ask(this.#core, { case: "getReceipts", value: { chat: chatRef(chat).chat, chatSeq: BigInt(message.seq), after, limit: 1000 } }, "receipts");
      for (const member of page.members) {
        out.push({ user: String(member.userId), delivered: Number(member.delivered) >= message.seq, read: Number(member.read) >= message.seq });
      }
      after = page.members.at(-1)?.userId ?? 0n;
      if (!page.more || page.members.length === 0) return out;
    }
  }

  search(query: string, options: SearchOptions = {}): Promise<SearchResult[]> {
    return this.#search.find(query, options);
  }

  async #place(chat: ChatId, id: MessageId): Promise<string> {
    const place = await this.#core.store.get(keys.index(chat, id));
    if (place === undefined) throw new GodwitError("not_found", "no such message here");
    return decodeRecord<string>(place);
  }

  async #read(chat: ChatId, before: string | undefined, limit: number): Promise<MessagePage> {
    const end = before === undefined ? afterPrefix(`m/${chat}/`) : keys.message(chat, before);
    const entries = await this.#core.store.range(`m/${chat}/`, end, { reverse: true, limit: limit + 1 });
    return { messages: this.#show(chat, entries.slice(0, limit).reverse()), more: entries.length > limit };
  }

  #show(chat: ChatId, entries: [string, Uint8Array][]): Message[] {
    const record: ChatRecord | undefined = this.#model.peek(chat);
    if (record === undefined) return [];
    return entries.map(([, bytes]) => this.#model.showMessage(record, decodeRecord<MessageRecord>(bytes)));
  }
}

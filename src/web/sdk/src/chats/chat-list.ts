// The list of chats, which is kept on this device.

import type { Chat, ChatId, Chats, MessageId, UserId } from "../api.js";
import { ask, type Core } from "../core.js";
import { GodwitError } from "../errors.js";
import { TypingState } from "../gen/godwit_pb.js";
import { chatRef, directChat, uuid7 } from "../ids.js";
import { afterPrefix } from "../store/store.js";
import { decodeRecord, type Unit } from "../store/units.js";
import type { WatermarkSync } from "../sync/watermarks.js";
import type { Model } from "./model.js";
import { type ChatRecord, kForGood, keys, type MessageRecord } from "./records.js";
import type { Users } from "./users.js";

/** Typing is told again after so many milliseconds. */
const kTypingRepeat = 3000;
const kClearBatch = 500;

export class ChatList implements Chats {
  readonly #core: Core;
  readonly #model: Model;
  readonly #users: Users;
  readonly #marks: WatermarkSync;
  #typing: { chat: ChatId; state: string; at: number } | undefined;

  constructor(core: Core, model: Model, users: Users, marks: WatermarkSync) {
    this.#core = core;
    this.#model = model;
    this.#users = users;
    this.#marks = marks;
  }

  async list({ archived = false }: { archived?: boolean } = {}): Promise<Chat[]> {
    return this.#model
      .chats()
      .filter((chat) => chat.archived === archived)
      .sort((a, b) => Number(b.pinned) - Number(a.pinned) || b.lastAt - a.lastAt)
      .map((chat) => this.#model.show(chat));
  }

  async get(id: ChatId): Promise<Chat | undefined> {
    const chat = this.#model.peek(id);
    return chat && this.#model.show(chat);
  }

  async openDirect(user: UserId | string): Promise<Chat> {
    const id = directChat(/^\d{6,20}$/.test(user) ? user : await this.#users.lookup(user));
    if (id === directChat(this.#core.me().userId)) throw new GodwitError("message_to_self", "there is no chat with oneself");
    if (this.#model.peek(id) === undefined) await this.#change(id, () => {}, true);
    if (this.#model.user(id.slice(1))?.handle === undefined) await this.#users.introduce(id.slice(1)).catch(() => {});
    return this.#model.show(this.#model.peek(id)!);
  }

  async markRead(id: ChatId, upTo?: MessageId): Promise<void> {
    await this.#core.units.run(async (unit) => {
      const chat = await this.#existing(unit, id);
      const message = upTo === undefined ? undefined : (await this.#model.message(unit, id, upTo))?.message;
      const position = message?.seq ?? chat.end;
      if (position <= chat.read && chat.unread === 0 && !chat.markedUnread) return;
      if (position > chat.read) chat.readPending = position;
      chat.read = Math.max(chat.read, position);
      chat.unread = upTo === undefined ? 0 : await this.#marks.unreadAfter(id, chat.read);
      chat.markedUnread = false;
      this.#model.putChat(unit, chat);
    });
    void this.#tell(id).catch(() => {}); // told with the next connection
  }

  /** After a connection began: what was read without one. */
  tellRead(): void {
    for (const chat of this.#model.chats()) {
      if (chat.readPending !== undefined) void this.#tell(chat.id).catch(() => {});
    }
  }

  async #tell(id: ChatId): Promise<void> {
    const pending = this.#model.peek(id)?.readPending;
    if (pending === undefined || !this.#core.connection.live) return;
    await this.#core.connection.request({ case: "read", value: { ...chatRef(id), chatSeq: BigInt(pending) } });
    await this.#change(id, (chat) => {
      if (chat.readPending === pending) chat.readPending = undefined;
    });
  }

  markUnread(id: ChatId): Promise<void> {
    return this.#change(id, (chat) => void (chat.markedUnread = true));
  }

  pin(id: ChatId, pinned: boolean): Promise<void> {
    return this.#change(id, (chat) => void (chat.pinned = pinned));
  }

  archive(id: ChatId, archived: boolean): Promise<void> {
    return this.#change(id, (chat) => void (chat.archived = archived));
  }

  mute(id: ChatId, until: number): Promise<void> {
    // JSON knows no infinity.
    return this.#change(id, (chat) => void (chat.mutedUntil = Math.min(until, kForGood)));
  }

  setDraft(id: ChatId, text: string): Promise<void> {
    return this.#change(id, (chat) => void (chat.draft = text === "" ? undefined : text), true);
  }

  async setTimer(id: ChatId, seconds: number): Promise<void> {
    const { peer, chat } = chatRef(id);
    if (chat !== undefined) return this.setGroupTimer(id, seconds);
    await ask(this.#core, { case: "setTimer", value: { id: uuid7(this.#core.connection.now()), peer, ttlS: seconds } }, "done");
    // The line comes by the inbox; where this is the only device the server does not send it, so the chat says it now.
    await this.#change(id, (known) => void (known.timerS = seconds));
  }

  /** Set by groups. */
  setGroupTimer: (chat: ChatId, seconds: number) => Promise<void> = async () => {};

  async answerRequest(id: ChatId, accept: boolean): Promise<void> {
    const { peer } = chatRef(id);
    await ask(this.#core, { case: "answerRequest", value: { peer, accept } }, "done");
    await this.#change(id, (chat) => {
      chat.request = false;
      chat.blocked = !accept;
      chat.wasBlocked ||= !accept;
    });
    if (!accept) await this.clear(id);
  }

  async block(user: UserId, blocked: boolean): Promise<void> {
    await ask(this.#core, { case: "block", value: { userId: BigInt(user), lift: !blocked } }, "done");
    if (this.#model.peek(directChat(user)) === undefined) return;
    await this.#change(directChat(user), (chat) => {
      chat.blocked = blocked;
      chat.wasBlocked ||= blocked;
    });
  }

  async blocked(): Promise<UserId[]> {
    return (await ask(this.#core, { case: "listBlocks", value: {} }, "blocks")).users.map(String);
  }

  async clear(id: ChatId): Promise<void> {
    for (;;) {
      const entries = await this.#core.store.range(`m/${id}/`, afterPrefix(`m/${id}/`), { limit: kClearBatch });
      if (entries.length === 0) return;
      await this.#core.units.run(async (unit) => {
        const chat = await this.#model.chat(unit, id);
        for (const [key, bytes] of entries) this.#model.deleteMessage(unit, chat, key.slice(`m/${id}/`.length), decodeRecord<MessageRecord>(bytes).id);
        chat.unread = 0;
      });
    }
  }

  typing(id: ChatId, state: "typing" | "recording" | "stopped" = "typing"): void {
    const now = Date.now();
    const last = this.#typing;
    if (last?.chat === id && last.state === state && (state === "stopped" || now - last.at < kTypingRepeat)) return;
    this.#typing = { chat: id, state, at: now };
    const wire = state === "typing" ? TypingState.TYPING : state === "recording" ? TypingState.RECORDING : TypingState.STOPPED;
    this.#core.connection.notice({ case: "typing", value: { ...chatRef(id), state: wire } });
  }

  async #existing(unit: Unit, id: ChatId): Promise<ChatRecord> {
    if (this.#model.peek(id) === undefined && unit.staged(keys.chat(id)) === undefined) throw new GodwitError("not_found", "no such chat here");
    return this.#model.chat(unit, id);
  }

  #change(id: ChatId, change: (chat: ChatRecord) => void, make = false): Promise<void> {
    return this.#core.units.run(async (unit) => {
      chatRef(id); // throws where it is none
      const chat = make ? await this.#model.chat(unit, id) : await this.#existing(unit, id);
      change(chat);
      this.#model.putChat(unit, chat);
    });
  }
}

// The local model: chats in memory, messages in the store, and how both are shown.

import type { Chat, ChatId, Content, Message, MessageId, MessageState, Profile, UserId } from "../api.js";
import { background, type Core } from "../core.js";
import { directChat, fromBase64Url } from "../ids.js";
import { afterPrefix } from "../store/store.js";
import { decodeRecord, type Unit } from "../store/units.js";
import { type ChatRecord, keys, kForGood, type MessageRecord, newChat, type ProfileRecord } from "./records.js";

const kPreviewLength = 120;

/** Units change records through it, so that memory and the application follow what was stored. */
export class Model {
  readonly #core: Core;
  readonly #chats = new Map<ChatId, ChatRecord>();
  readonly #users = new Map<UserId, ProfileRecord>();
  /** Hears every message that is stored or changed, or (undefined) removed. */
  onStored: (chat: ChatId, id: MessageId, message: MessageRecord | undefined) => void = () => {};

  constructor(core: Core) {
    this.#core = core;
  }

  async load(): Promise<void> {
    for (const [, bytes] of await this.#core.store.range("c/", afterPrefix("c/"))) {
      const chat = decodeRecord<ChatRecord>(bytes);
      this.#chats.set(chat.id, chat);
    }
    for (const [, bytes] of await this.#core.store.range("u/", afterPrefix("u/"))) {
      const user = decodeRecord<ProfileRecord>(bytes);
      this.#users.set(user.userId, user);
    }
  }

  chats(): ChatRecord[] {
    return [...this.#chats.values()];
  }

  /** As stored; not to be changed. */
  peek(chat: ChatId): ChatRecord | undefined {
    return this.#chats.get(chat);
  }

  user(user: UserId): ProfileRecord | undefined {
    return this.#users.get(user);
  }

  /** The chat for changing within a unit; a new one where there is none. */
  async chat(unit: Unit, id: ChatId): Promise<ChatRecord> {
    const key = keys.chat(id);
    const staged = unit.staged<ChatRecord>(key);
    if (staged !== undefined) return staged;
    const known = this.#chats.get(id);
    return known === undefined ? newChat(id) : structuredClone(known);
  }

  putChat(unit: Unit, chat: ChatRecord): void {
    if (unit.staged(keys.chat(chat.id)) === undefined) {
      unit.after(() => {
        this.#chats.set(chat.id, chat);
        this.#core.emitter.emit("chat", this.show(chat));
      });
    }
    unit.put(keys.chat(chat.id), chat);
  }

  removeChat(unit: Unit, id: ChatId): void {
    unit.delete(keys.chat(id));
    unit.after(() => {
      this.#chats.delete(id);
      this.#core.emitter.emit("chatRemoved", { chat: id });
    });
  }

  /** Changes what is known of a user. */
  putUser(unit: Unit, user: ProfileRecord): void {
    unit.put(keys.user(user.userId), user);
    unit.after(() => {
      this.#users.set(user.userId, user);
      this.#core.emitter.emit("profile", this.profile(user.userId));
      const chat = this.#chats.get(directChat(user.userId));
      if (chat !== undefined) this.#core.emitter.emit("chat", this.show(chat)); // its title may be another now
    });
  }

  async place(unit: Unit, chat: ChatId, id: MessageId): Promise<string | undefined> {
    return unit.get<string>(keys.index(chat, id));
  }

  async message(unit: Unit, chat: ChatId, id: MessageId): Promise<{ place: string; message: MessageRecord } | undefined> {
    const place = await this.place(unit, chat, id);
    const message = place === undefined ? undefined : await unit.get<MessageRecord>(keys.message(chat, place));
    return message === undefined ? undefined : { place: place!, message };
  }

  /** A stored message, outside of a unit. */
  async find(chat: ChatId, id: MessageId): Promise<MessageRecord | undefined> {
    // It may move to its place in the chat between the two reads: then it is there at the second try.
    for (let tries = 0; tries < 2; tries++) {
      const place = await this.#core.store.get(keys.index(chat, id));
      if (place === undefined || !this.#chats.has(chat)) return undefined;
      const bytes = await this.#core.store.get(keys.message(chat, decodeRecord<string>(place)));
      if (bytes !== undefined) return decodeRecord<MessageRecord>(bytes);
    }
    return undefined;
  }

  /** `incoming`: the application is told of a new message, too. */
  putMessage(unit: Unit, chat: ChatRecord, place: string, message: MessageRecord, incoming = false): void {
    unit.put(keys.message(chat.id, place), message);
    unit.put(keys.index(chat.id, message.id), place);
    if (message.content.kind === "call") unit.put(keys.call(message.id), chat.id);
    if (message.expiresAt !== undefined) unit.put(keys.expiry(message.expiresAt, chat.id, place), message.id);
    this.#preview(chat, place, message);
    this.putChat(unit, chat);
    unit.after(() => {
      this.onStored(chat.id, message.id, message);
      const shown = this.showMessage(chat, message);
      if (incoming) this.#core.emitter.emit("message", shown);
      this.#core.emitter.emit("messageChanged", shown);
    });
  }

  /** The same message at another place. */
  moveMessage(unit: Unit, chat: ChatRecord, from: string, to: string, message: MessageRecord): void {
    unit.delete(keys.message(chat.id, from));
    if (message.expiresAt !== undefined) unit.delete(keys.expiry(message.expiresAt, chat.id, from));
    if (chat.previewPlace === from) chat.previewPlace = to;
    this.putMessage(unit, chat, to, message);
  }

  deleteMessage(unit: Unit, chat: ChatRecord, place: string, id: MessageId): void {
    unit.delete(keys.message(chat.id, place));
    unit.delete(keys.index(chat.id, id));
    unit.delete(keys.call(id));
    if (chat.preview?.id === id) {
      chat.preview = undefined;
      chat.previewPlace = undefined;
      unit.after(() => background(this.#core, this.#previewAgain(chat.id)));
    }
    this.putChat(unit, chat);
    unit.after(() => {
      this.onStored(chat.id, id, undefined);
      this.#core.emitter.emit("messageRemoved", { chat: chat.id, id });
    });
  }

  #preview(chat: ChatRecord, place: string, message: MessageRecord): void {
    const same = chat.preview?.id === message.id;
    if (!same && chat.previewPlace !== undefined && place < chat.previewPlace) return;
    chat.previewPlace = place;
    const { id, from, at, content } = message;
    const shown = content.kind === "text" ? { text: content.text.slice(0, kPreviewLength) } : { text: "", content };
    chat.preview = { id, from, at, kind: content.kind, ...shown };
    chat.lastAt = Math.max(chat.lastAt, at);
  }

  /** The last message is gone: the one before it is the preview. */
  #previewAgain(id: ChatId): Promise<void> {
    return this.#core.units.run(async (unit) => {
      const [last] = await this.#core.store.range(`m/${id}/`, afterPrefix(`m/${id}/`), { reverse: true, limit: 1 });
      if (last === undefined || !this.#chats.has(id)) return;
      const chat = await this.chat(unit, id);
      this.#preview(chat, last[0].slice(`m/${id}/`.length), decodeRecord<MessageRecord>(last[1]));
      this.putChat(unit, chat);
    });
  }

  profile(user: UserId): Profile {
    const known = this.#users.get(user);
    if (known === undefined) return { userId: user };
    const { handle, name, alias, avatar } = known;
    return {
      userId: user,
      handle,
      name,
      alias,
      ...(avatar === undefined ? {} : { avatar: { type: avatar.type, data: fromBase64Url(avatar.data) } }),
    };
  }

  show(chat: ChatRecord): Chat {
    const { id, kind, peer, unread, markedUnread, lastAt, pinned, archived, timerS, request, blocked, left, role } = chat;
    const { memberCount, draft, preview } = chat;
    const mutedUntil = chat.mutedUntil === kForGood ? Infinity : chat.mutedUntil;
    const rest = { id, kind, peer, unread, markedUnread, lastAt, pinned, archived, mutedUntil, timerS, request, blocked, left, role, memberCount, draft };
    const who = chat.peer === undefined ? undefined : this.#users.get(chat.peer);
    const title = chat.kind === "group" ? (chat.name ?? "") : (who?.alias || who?.name || who?.handle || chat.peer!);
    if (preview === undefined) return { ...rest, title };
    const own = preview.from === this.#core.me().userId;
    const state = own ? tick(chat, chat.previewPlace!) : undefined;
    return { ...rest, title, preview: { ...preview, state } };
  }

  showMessage(chat: ChatRecord, record: MessageRecord): Message {
    const { failed, raw, ...message } = record;
    const own = message.from === this.#core.me().userId;
    if (!own) return { ...message, own };
    return { ...message, own, state: failed ? "failed" : message.seq === 0 ? "waiting" : this.#state(chat, message) };
  }

  #state(chat: ChatRecord, { seq, receipts }: Pick<Message, "seq" | "receipts">): MessageState {
    if (chat.kind === "direct") return seq <= chat.peerRead ? "read" : seq <= chat.peerDelivered ? "delivered" : "sent";
    if (receipts === undefined || receipts.of === 0) return "sent";
    return receipts.read >= receipts.of ? "read" : receipts.delivered >= receipts.of ? "delivered" : "sent";
  }
}

/** The state of a message by its place alone, for previews. */
function tick(chat: ChatRecord, place: string): MessageState {
  if (place.startsWith("p")) return "waiting";
  const seq = Number.parseInt(place.slice(0, 16), 16);
  if (chat.kind === "group") return "sent";
  return seq <= chat.peerRead ? "read" : seq <= chat.peerDelivered ? "delivered" : "sent";
}

/** Kinds that a person wrote, or missed: they count as unread. */
export function countsAsUnread(content: Content): boolean {
  return content.kind === "text" || content.kind === "unknown" || (content.kind === "call" && content.outcome === "missed");
}

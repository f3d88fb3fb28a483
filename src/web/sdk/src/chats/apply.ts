// Turns envelopes of inbox and history into chats and messages. Every envelope is applied once: by its position in the
// chat, and by the id of its message.

import type { ChatId, Content, MessageId } from "../api.js";
import type { Core } from "../core.js";
import type { Opened } from "../e2e/api.js";
import { CallEndReason, type CallRecord, type Envelope, CallKind, Gone } from "../gen/godwit_pb.js";
import { acceptedAt, chatOf, messageId } from "../ids.js";
import { decodeRecord, type Unit } from "../store/units.js";
import { decodeContent, newerProfile, type Wire } from "./content.js";
import type { GroupEvents } from "./group-events.js";
import { countsAsUnread, type Model } from "./model.js";
import { type ChatRecord, keys, localPlace, type MessageRecord, placeAt, waitingPlace } from "./records.js";
import type { Security } from "./security.js";

const kMaxHoles = 32;
const kMaxReactions = 1000;
const kQuoteLength = 200;

export class Apply {
  readonly #core: Core;
  readonly #model: Model;
  readonly #groups: GroupEvents;
  readonly #security: Security;
  /** Positions of a chat are missing, or a chat is new: there is something to ask the server. */
  onQuestion: (chat: ChatId, question: "hole" | "new") => void = () => {};
  /** The server gives out positions again: it was restored from a backup, or says so. */
  onGoneBack: () => void = () => {};
  /** Status keys that came; stored by whoever handles statuses. */
  onStatusKey: (unit: Unit, author: bigint, key: Uint8Array) => Promise<void> = async () => {};

  constructor(core: Core, model: Model, groups: GroupEvents, security: Security) {
    this.#core = core;
    this.#model = model;
    this.#groups = groups;
    this.#security = security;
  }

  /** The chat of an envelope from the inbox. */
  chatOf(envelope: Envelope): ChatId {
    const own = envelope.from === BigInt(this.#core.me().userId);
    return chatOf(own && envelope.to !== 0n ? envelope.to : envelope.from, envelope.chat);
  }

  /** Whether there is any use in opening it: it is not here yet. Notes the position. */
  async admit(unit: Unit, chatId: ChatId, envelope: Envelope): Promise<boolean> {
    const chat = await this.#model.chat(unit, chatId);
    const seq = Number(envelope.chatSeq);
    const holes = chat.holes.length;
    const isNew = chat.end === 0;
    const at = acceptedAt(envelope);
    const newest = at > (chat.newest?.at ?? Infinity);
    let fresh = this.#note(chat, seq);
    // What has this position here is not newer than what came last: the server has gone back.
    if (!fresh && newest) fresh = await this.#goBackBefore(unit, chat, seq);
    came(chat, seq, at);
    if (chat.holes.length > holes) unit.after(() => this.onQuestion(chatId, "hole"));
    if (isNew) unit.after(() => this.onQuestion(chatId, "new"));
    this.#model.putChat(unit, chat);
    if (envelope.id.length !== 16) return fresh;
    const place = await this.#model.place(unit, chatId, messageId(envelope.id));
    if (fresh && place?.includes(".")) {
      // It was lost, and is sent once more by who does not know that it was accepted.
      const message = await unit.get<MessageRecord>(keys.message(chatId, place));
      if (message !== undefined) this.#model.moveMessage(unit, chat, place, placeAt(seq), { ...message, seq });
      return false;
    }
    const elsewhere = place !== undefined && !place.startsWith("p") && place !== placeAt(seq);
    if (elsewhere) this.#security.told(unit, { kind: "replayed", chat: chatId, detail: `message at ${seq} was delivered before` }, chat);
    if (!fresh && place === undefined) return this.#givenAgain(unit, chat, seq, messageId(envelope.id));
    return fresh && !elsewhere;
  }

  /** A position that another message has here was given out again: the server has gone back. False: it has not. */
  async #givenAgain(unit: Unit, chat: ChatRecord, seq: number, id: MessageId): Promise<boolean> {
    const message = await unit.get<MessageRecord>(keys.message(chat.id, placeAt(seq)));
    if (message === undefined || message.id === id) return false;
    return this.#goBackBefore(unit, chat, seq);
  }

  async #goBackBefore(unit: Unit, chat: ChatRecord, seq: number): Promise<boolean> {
    await this.goBack(unit, chat, seq - 1);
    return this.#note(chat, seq);
  }

  /**
   * The server was restored from a backup, or lies: it has the chat up to `end` only, and gives out the positions behind it
   * again. What is here of them stays, in front of what is new.
   */
  async goBack(unit: Unit, chat: ChatRecord, end: number): Promise<void> {
    const detail = `the server has gone back from position ${chat.end} to ${end}`;
    chat.end = end;
    if (chat.newest !== undefined) chat.newest = { seq: 0, at: chat.newest.at };
    chat.holes = chat.holes.filter(([, last]) => last <= end);
    chat.read = Math.min(chat.read, end);
    chat.peerDelivered = Math.min(chat.peerDelivered, end);
    chat.peerRead = Math.min(chat.peerRead, end);
    const begin = keys.message(chat.id, "");
    const moved = await this.#core.store.range(begin + placeAt(end + 1), begin + waitingPlace(0).slice(0, 1));
    let at = 0;
    for (const [key, value] of moved) {
      const message = decodeRecord<MessageRecord>(value);
      at = Math.max(at + 1, message.at);
      this.#model.moveMessage(unit, chat, key.slice(begin.length), localPlace(end, at), { ...message, seq: end });
    }
    this.#security.told(unit, { kind: "missing", chat: chat.id, detail }, chat);
    unit.after(() => this.onGoneBack());
    this.#model.putChat(unit, chat);
  }

  /** False: the position came before. Holes are remembered, and filled by the history. */
  #note(chat: ChatRecord, seq: number): boolean {
    if (seq > chat.end) {
      if (seq > chat.end + 1 && chat.end > 0) chat.holes = [...chat.holes, [chat.end + 1, seq - 1] as [number, number]].slice(-kMaxHoles);
      chat.end = seq;
      return true;
    }
    const hole = chat.holes.findIndex(([first, last]) => first <= seq && seq <= last);
    if (hole < 0) return false;
    const [first, last] = chat.holes[hole]!;
    const rest = ([[first, seq - 1], [seq + 1, last]] as [number, number][]).filter(([a, b]) => a <= b);
    chat.holes = [...chat.holes.slice(0, hole), ...rest, ...chat.holes.slice(hole + 1)];
    return true;
  }

  /** Stores what an admitted envelope brought. */
  async apply(unit: Unit, chatId: ChatId, envelope: Envelope, opened: Opened, live: boolean): Promise<void> {
    const chat = await this.#model.chat(unit, chatId);
    const at = acceptedAt(envelope);
    if (envelope.event !== undefined) {
      const { event } = envelope;
      if (event.removedSeq > 0n) await this.removed(unit, chat, Number(event.removedSeq), String(envelope.from));
      else if (event.call !== undefined) this.#line(unit, chat, envelope, at, callContent(event.call, envelope.from === BigInt(this.#core.me().userId)), live);
      else if (event.ttlS !== undefined) {
        chat.timerS = event.ttlS;
        this.#line(unit, chat, envelope, at, { kind: "timer", timerS: event.ttlS }, live);
      } else {
        const content = await this.#groups.apply(unit, chat, envelope);
        if (content !== undefined) this.#line(unit, chat, envelope, at, content, live);
      }
      return;
    }
    if (envelope.gone === Gone.REMOVED) return this.#line(unit, chat, envelope, at, { kind: "removed" }, false);
    if (envelope.gone !== Gone.PRESENT || opened.kind === "none") return;
    if (opened.kind === "unreadable") {
      const reason = opened.reason === "before_joining" ? "before_joining" : "failed";
      if (opened.reason === "too_late") this.#security.told(unit, { kind: "replayed", chat: chatId, user: String(envelope.from), detail: opened.reason });
      if (opened.reason === "forged") this.#security.told(unit, { kind: "sender_mismatch", chat: chatId, user: String(envelope.from), detail: opened.reason });
      return this.#line(unit, chat, envelope, at, { kind: "unreadable", reason }, live);
    }
    if (opened.from.userId !== envelope.from) {
      this.#security.told(unit, { kind: "sender_mismatch", chat: chatId, user: String(opened.from.userId) }, chat);
      return this.#line(unit, chat, envelope, at, { kind: "unreadable", reason: "failed" }, false);
    }
    const content = decodeContent(opened.content);
    if (content === undefined) return this.#line(unit, chat, envelope, at, { kind: "unreadable", reason: "failed" }, live);
    await this.content(unit, chat, envelope, at, content, opened.content, live);
  }

  async content(unit: Unit, chat: ChatRecord, envelope: Envelope, at: number, content: Wire, raw: Uint8Array, live: boolean): Promise<void> {
    const from = String(envelope.from);
    if (content.profile !== undefined) {
      const known = this.#model.user(from) ?? { userId: from, version: 0 };
      const newer = newerProfile(known, content.profile);
      if (newer !== undefined) this.#model.putUser(unit, newer);
    }
    const { body } = content;
    const relatesTo = envelope.relatesTo.length === 16 ? messageId(envelope.relatesTo) : undefined;
    switch (body.case) {
      case "text": {
        const replyTo = body.value.replyTo.length === 16 ? await this.quote(unit, chat.id, messageId(body.value.replyTo)) : undefined;
        return this.#line(unit, chat, envelope, at, { kind: "text", text: body.value.text }, live, {
          replyTo,
          ...(body.value.replyToStatus.length === 16 ? { replyToStatus: messageId(body.value.replyToStatus) } : {}),
        });
      }
      case "reaction":
        return relatesTo === undefined ? undefined : this.react(unit, chat, relatesTo, from, body.value.emoji, at);
      case "edit":
        return relatesTo === undefined ? undefined : this.edit(unit, chat, relatesTo, from, body.value.text, at);
      case "statusKey":
        return this.onStatusKey(unit, envelope.from, body.value);
      case "groupName":
        if (chat.kind === "group" && chat.sealedName !== undefined) {
          chat.name = body.value;
          chat.sealedName = undefined;
          this.#model.putChat(unit, chat);
        }
        return;
      default:
        if (content.$unknown === undefined && content.profile !== undefined) return;
        return this.#line(unit, chat, envelope, at, { kind: "unknown", type: content.$unknown?.[0]?.no ?? 0 }, live, { raw: toRaw(raw) });
    }
  }

  async quote(unit: Unit, chat: ChatId, id: MessageId): Promise<MessageRecord["replyTo"]> {
    const found = await this.#model.message(unit, chat, id);
    if (found === undefined) return { id };
    const { from, content } = found.message;
    return { id, from, text: content.kind === "text" ? content.text.slice(0, kQuoteLength) : undefined };
  }

  async react(unit: Unit, chat: ChatRecord, id: MessageId, user: string, emoji: string, at: number): Promise<void> {
    const found = await this.#model.message(unit, chat.id, id);
    if (found === undefined || found.message.content.kind === "removed") return;
    const { message, place } = found;
    message.reactions = message.reactions.filter((reaction) => reaction.user !== user);
    if (emoji !== "" && message.reactions.length < kMaxReactions) message.reactions.push({ user, emoji, at });
    this.#model.putMessage(unit, chat, place, message);
  }

  /** Only the author may. */
  async edit(unit: Unit, chat: ChatRecord, id: MessageId, user: string, text: string, at: number): Promise<void> {
    const found = await this.#model.message(unit, chat.id, id);
    if (found === undefined || found.message.from !== user || found.message.content.kind !== "text") return;
    this.#model.putMessage(unit, chat, found.place, { ...found.message, content: { kind: "text", text }, editedAt: at });
  }

  /** The copy of a message that this device sent: what it says is known, and how the server took it is told. */
  async own(unit: Unit, chatId: ChatId, envelope: Envelope): Promise<void> {
    await this.accepted(unit, await this.#model.chat(unit, chatId), messageId(envelope.id), Number(envelope.chatSeq), acceptedAt(envelope));
  }

  /** Whether an entry of the history is here already, under the same position. */
  async known(unit: Unit, chatId: ChatId, envelope: Envelope): Promise<boolean> {
    const id = messageId(envelope.id);
    const place = await this.#model.place(unit, chatId, id);
    if (place === undefined) return false;
    if (place.startsWith("p")) await this.own(unit, chatId, envelope);
    return place.startsWith("p") || place === placeAt(Number(envelope.chatSeq));
  }

  /** The server has taken a message of this device. */
  async accepted(unit: Unit, chat: ChatRecord, id: MessageId, seq: number, at: number): Promise<void> {
    const found = await this.#model.message(unit, chat.id, id);
    if (!this.#note(chat, seq)) {
      // While it waits here, this position can only have been somebody else's.
      if (found?.place.startsWith("p")) await this.#goBackBefore(unit, chat, seq);
      else await this.#givenAgain(unit, chat, seq, id);
    }
    came(chat, seq, at);
    chat.read = Math.max(chat.read, seq);
    chat.request = false; // to write back is to consent
    this.#model.putChat(unit, chat);
    if (found === undefined || !found.place.startsWith("p")) return;
    const { message, place } = found;
    unit.delete(keys.message(chat.id, place));
    if (chat.previewPlace === place) chat.previewPlace = placeAt(seq);
    if (message.expiresAt !== undefined) {
      unit.delete(keys.expiry(message.expiresAt, chat.id, place));
      message.expiresAt += at - message.at;
    }
    this.#model.putMessage(unit, chat, placeAt(seq), { ...message, seq, at, failed: undefined, error: undefined });
  }

  /** Somebody removed a message for everyone. */
  async removed(unit: Unit, chat: ChatRecord, seq: number, by: string): Promise<void> {
    const place = placeAt(seq);
    const message = await unit.get<MessageRecord>(keys.message(chat.id, place));
    if (message === undefined) return;
    const { replyTo: _, editedAt: __, ...rest } = message;
    this.#model.putMessage(unit, chat, place, { ...rest, reactions: [], content: { kind: "removed", by } });
  }

  /** Another device of the user, or this one, removed a message from the user's own history. */
  async hidden(unit: Unit, chatId: ChatId, seq: number): Promise<void> {
    const place = placeAt(seq);
    const message = await unit.get<MessageRecord>(keys.message(chatId, place));
    if (message === undefined) return;
    this.#model.deleteMessage(unit, await this.#model.chat(unit, chatId), place, message.id);
  }

  #line(unit: Unit, chat: ChatRecord, envelope: Envelope, at: number, content: Content, live: boolean, more: Partial<MessageRecord> = {}): void {
    const seq = Number(envelope.chatSeq);
    const from = String(envelope.from);
    const own = from === this.#core.me().userId;
    const ttlS = content.kind === "text" || content.kind === "unknown" ? envelope.ttlS || chat.timerS : 0;
    const message: MessageRecord = {
      id: envelope.id.length === 16 ? messageId(envelope.id) : placeAt(seq).padStart(32, "0"),
      chat: chat.id,
      from,
      fromDevice: envelope.fromDevice,
      seq,
      at,
      content,
      reactions: [],
      ...(ttlS > 0 ? { expiresAt: at + ttlS * 1000 } : {}),
      ...more,
    };
    if (own) chat.read = Math.max(chat.read, seq);
    else if (countsAsUnread(content) && seq > chat.read) chat.unread++;
    if (own && content.kind === "text") chat.unread = 0;
    if (countsAsUnread(content)) chat.archived &&= chat.mutedUntil > at;
    this.#model.putMessage(unit, chat, placeAt(seq), message, live && !own);
  }
}

/** Notes the newest entry of a chat. */
export function came(chat: ChatRecord, seq: number, at: number): void {
  if (at > (chat.newest?.at ?? 0)) chat.newest = { seq, at };
}

function callContent(call: CallRecord, own: boolean): Content {
  const reason = call.reason;
  const missed = reason === CallEndReason.CANCELLED || reason === CallEndReason.NOT_ANSWERED;
  const outcome =
    reason === CallEndReason.CALL_GOES_ON ? "ongoing"
    : missed ? (own ? "cancelled" : "missed")
    : reason === CallEndReason.REJECTED ? "rejected"
    : reason === CallEndReason.BUSY ? "busy"
    : reason === CallEndReason.FAILED || reason === CallEndReason.LOST ? "failed"
    : "ended";
  return { kind: "call", callId: messageId(call.id), video: call.kind === CallKind.VIDEO, outcome, durationS: call.durationS, participants: call.participants };
}

function toRaw(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

// Messages on their way to the server. Each is stored before `add` returns, is sent until it is accepted or refused, and
// keeps its id and its ciphertext, so that the server knows a repetition. In order within a chat, so one at a time: while it
// is on its way the one before is stored as accepted, and the next ones are encrypted already. Chats do not wait for each
// other.

import type { ChatId, MessageId } from "../api.js";
import type { Apply } from "../chats/apply.js";
import { replyingTo } from "../chats/content.js";
import type { Model } from "../chats/model.js";
import { hex12, keys } from "../chats/records.js";
import { background, type Core, withTransaction } from "../core.js";
import { NotReadyError } from "../e2e/api.js";
import { GodwitError } from "../errors.js";
import type { Sent } from "../gen/godwit_pb.js";
import { acceptedAt, chatRef, fromBase64Url, fromHex, messageId, toBase64Url, uuid7 } from "../ids.js";
import { afterPrefix, kFullPause, StoreFullError } from "../store/store.js";
import { decodeRecord, type Unit } from "../store/units.js";
import { Backoff } from "../transport/backoff.js";

/** An entry. `content` is what is to be encrypted, `payload` what it became (both base64url). */
export interface OutboxRecord {
  n: number;
  chat: ChatId;
  id: MessageId;
  content: string;
  payload?: string;
  relatesTo?: MessageId;
  ttlS?: number;
  failed?: boolean;
  /** It had another id, whose time the server did not take. */
  renewed?: boolean;
}

/** Refused: the same message cannot succeed unless something else changes first. */
function isFinal(error: unknown): boolean {
  return error instanceof GodwitError && !error.retryable;
}

/** Without a connection beside it, it does not keep a process of Node. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer: unknown = setTimeout(resolve, ms);
    (timer as { unref?: () => void }).unref?.();
  });
}

/** Chats that are sent to at the same time. */
const kMaxParallel = 16;
/** Messages of a chat that are encrypted in one unit, before the first of them is sent. */
const kSealedAtOnce = 16;

export class Outbox {
  readonly #core: Core;
  readonly #model: Model;
  readonly #apply: Apply;
  readonly #entries = new Map<number, OutboxRecord>();
  /** Messages that the server may have. */
  readonly #tried = new Set<number>();
  /** Chats that are being sent to. */
  readonly #busy = new Set<ChatId>();
  /** Who wants to know that nothing waits any more. */
  readonly #settling: (() => void)[] = [];
  #next = 1;
  #open = false;
  #stopped = false;

  constructor(core: Core, model: Model, apply: Apply) {
    this.#core = core;
    this.#model = model;
    this.#apply = apply;
  }

  async load(): Promise<void> {
    for (const [, bytes] of await this.#core.store.range("o/", afterPrefix("o/"))) {
      const record = decodeRecord<OutboxRecord>(bytes);
      this.#entries.set(record.n, record);
      if (record.payload !== undefined) this.#tried.add(record.n);
      this.#next = record.n + 1;
    }
  }

  /** The next number, which orders the outbox. */
  take(): number {
    if (this.#entries.size >= this.#core.tuning.outboxMax) throw new GodwitError("outbox_full", "too many messages wait to be sent");
    return this.#next++;
  }

  /** Part of the unit that stores the message. */
  add(unit: Unit, record: OutboxRecord): void {
    unit.put(keys.outbox(record.n), record);
    unit.after(() => {
      this.#entries.set(record.n, record);
      this.#start(record.chat);
    });
  }

  /** Takes a message back that has not been sent. False: it is on its way already, or was. */
  cancel(unit: Unit, chat: ChatId, id: MessageId): boolean {
    const record = [...this.#entries.values()].find((entry) => entry.chat === chat && entry.id === id);
    if (record === undefined || (this.#tried.has(record.n) && !record.failed)) return false;
    this.#remove(unit, record);
    return true;
  }

  /** Tries a failed message again; under another id where the server does not take the time of its own. */
  async retry(chat: ChatId, id: MessageId): Promise<void> {
    await this.#core.units.run(async (unit) => {
      const record = [...this.#entries.values()].find((entry) => entry.chat === chat && entry.id === id);
      if (record === undefined || !record.failed) throw new GodwitError("not_found", "no such failed message");
      const found = await this.#model.message(unit, chat, id);
      const again = found?.message.error?.code === "message_id_expired" ? await this.#rename(unit, record) : record;
      await this.#show(unit, again, undefined);
      this.add(unit, { ...again, failed: undefined });
    });
  }

  /** Nothing waits any more. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#settling.push(resolve);
      this.#tellSettled();
    });
  }

  #tellSettled(): void {
    for (const { failed } of this.#entries.values()) if (!failed) return;
    for (const resolve of this.#settling.splice(0)) resolve();
  }

  /** A connection begins: what is encrypted before this device knows who is in its chats by now may be for those who were. */
  hold(): void {
    this.#open = false;
  }

  /** The connection's messages may go. */
  open(): void {
    this.#open = true;
    this.#wake();
  }

  /** The server has gone back: what is encrypted may be for a time of the chat that is no more. */
  sealAgain(): Promise<void> {
    const sealed = [...this.#entries.values()].filter(({ payload }) => payload !== undefined);
    // At once, so that none of them is sent while that is being stored.
    for (const entry of sealed) this.#entries.set(entry.n, { ...entry, payload: undefined });
    return this.#core.units.run(async (unit) => {
      for (const { n } of sealed) {
        const entry = this.#entries.get(n);
        if (entry !== undefined && entry.payload === undefined) this.#put(unit, entry);
      }
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  get #sends(): boolean {
    return this.#open && !this.#stopped && this.#core.connection.live;
  }

  #wake(): void {
    for (const chat of new Set([...this.#entries.values()].map((entry) => entry.chat))) this.#start(chat);
  }

  #start(chat: ChatId): void {
    if (this.#busy.has(chat) || !this.#sends || this.#busy.size >= kMaxParallel) return;
    this.#busy.add(chat);
    this.#drain(chat).catch((error: unknown) => this.#core.emitter.emit("storage", { state: "failed", error }));
  }

  *#waiting(chat: ChatId): Iterable<OutboxRecord> {
    for (const entry of this.#entries.values()) if (entry.chat === chat && !entry.failed) yield entry;
  }

  async #drain(chat: ChatId): Promise<void> {
    const backoff = new Backoff(this.#core.tuning.backoffMin, this.#core.tuning.backoffMax);
    let storing: Promise<void> | undefined;
    try {
      for (;;) {
        let record: OutboxRecord | undefined;
        try {
          [record] = this.#sends ? this.#waiting(chat) : [];
          if (record === undefined && storing === undefined) return; // goes on with the next message, or connection
          const reply = record && (await this.#send(record));
          const stored = storing;
          storing = undefined;
          await stored;
          if (reply !== undefined) storing = this.#accept(record!, reply);
          storing?.catch(() => {}); // awaited in the next round
          backoff.reset();
        } catch (error) {
          if (this.#sends) await this.#failed(record, error, backoff);
        }
      }
    } finally {
      // Not later: what is added from now on begins anew.
      const waited = this.#busy.size >= kMaxParallel;
      this.#busy.delete(chat);
      if (waited) this.#wake();
    }
  }

  async #failed(record: OutboxRecord | undefined, error: unknown, backoff: Backoff): Promise<void> {
    try {
      if (error instanceof StoreFullError) throw error;
      const { code } = error as { code?: string };
      if (record !== undefined && code === "message_id_expired" && !record.renewed && !this.#tried.has(record.n)) return await this.#renew(record.n);
      // It has it as it was encrypted before (sealAgain): the copy in the inbox tells its position.
      if (record !== undefined && code === "message_id_reused" && this.#tried.has(record.n)) return await this.#core.units.run(async (unit) => this.#remove(unit, record));
      if (record !== undefined && (isFinal(error) || backoff.failures + 1 >= this.#core.tuning.sendAttempts)) return await this.#fail(record, error);
      await pause(Math.max(backoff.next(), error instanceof GodwitError ? error.retryAfterMs : 0));
    } catch (failure) {
      if (!(failure instanceof StoreFullError)) throw failure;
      await pause(kFullPause);
    }
  }

  /** Undefined: it was taken back meanwhile. */
  async #send({ n, chat }: OutboxRecord): Promise<Sent | undefined> {
    if (this.#entries.get(n)?.payload === undefined) await this.#seal(chat);
    const sealed = this.#entries.get(n);
    if (sealed?.payload === undefined) return undefined;
    const { id, payload, ttlS, relatesTo } = sealed;
    const ref = chatRef(chat);
    const again = this.#tried.has(n);
    this.#tried.add(n);
    const sending = this.#core.connection.request({
      case: "send",
      value: {
        id: fromHex(id),
        ...(ref.chat === undefined ? { to: ref.peer } : { chat: ref.chat }),
        payload: fromBase64Url(payload),
        ttlS,
        ...(relatesTo === undefined ? {} : { relatesTo: fromHex(relatesTo) }),
      },
    });
    const reply = await sending.catch((error: unknown) => {
      if (isFinal(error) && !again) this.#tried.delete(n); // the server never had it
      throw error;
    });
    if (reply.case !== "sent") throw new GodwitError("bad_frame", "the server did not answer a message");
    return reply.value;
  }

  /** If it cannot be stored it is sent again, and the server knows it. */
  async #accept(record: OutboxRecord, { chatSeq, timeDeltaMs }: Sent): Promise<void> {
    const sealed = this.#entries.get(record.n);
    if (sealed === undefined) return;
    this.#entries.delete(record.n);
    try {
      await this.#core.units.run(async (unit) => {
        const stored = await this.#model.chat(unit, record.chat);
        await this.#apply.accepted(unit, stored, record.id, Number(chatSeq), acceptedAt({ id: fromHex(record.id), timeDeltaMs }));
        this.#remove(unit, record);
      });
    } catch (error) {
      this.#entries.set(record.n, sealed);
      throw error;
    }
  }

  /** Encrypts the next messages of a chat. State of the encryption and ciphertext are stored in one batch, before anything is sent. */
  async #seal(chat: ChatId): Promise<void> {
    const ref = chatRef(chat);
    for (let tries = 0; ; tries++) {
      try {
        return await this.#core.units.run((unit) =>
          withTransaction(this.#core, unit, async (transaction) => {
            let sealing = 0;
            for (const record of this.#waiting(chat)) {
              if (record.payload !== undefined) continue;
              if (++sealing > kSealedAtOnce) break;
              const payload = await transaction.seal(ref, fromHex(record.id), fromBase64Url(record.content));
              this.#put(unit, { ...record, payload: toBase64Url(payload) });
            }
          }),
        );
      } catch (error) {
        if (!(error instanceof NotReadyError) || tries >= 3) throw error;
        await this.#core.e2e().ready(ref);
      }
    }
  }

  async #fail(record: OutboxRecord, error: unknown): Promise<void> {
    const { code = "encryption_failed", message } = error as { code?: string; message: string };
    await this.#core.units.run(async (unit) => {
      const present = this.#entries.get(record.n);
      if (present === undefined) return;
      if ((await this.#model.message(unit, present.chat, present.id)) === undefined) {
        // A reaction or the like, which nobody can see failed and try again.
        this.#remove(unit, present);
        unit.after(() => background(this.#core, Promise.reject(error)));
        return;
      }
      // The state of the encryption may have moved on: a later try encrypts anew, unless the server may have this one.
      const failed = { ...present, failed: true, payload: error instanceof GodwitError && error.retryable ? present.payload : undefined };
      this.#put(unit, failed);
      unit.after(() => {
        this.#tellSettled();
        if (failed.payload === undefined) this.#tried.delete(record.n);
      });
      await this.#show(unit, failed, { code: String(code), message });
    });
  }

  /** The server takes no id of that time, and never had the message: it goes under another one. */
  #renew(n: number): Promise<void> {
    return this.#core.units.run(async (unit) => {
      const present = this.#entries.get(n);
      if (present !== undefined) this.#put(unit, await this.#rename(unit, present));
    });
  }

  /** The entry with an id of now, which is that of the message on this device, too, and what later entries relate to. */
  async #rename(unit: Unit, record: OutboxRecord): Promise<OutboxRecord> {
    const at = this.#core.connection.now();
    const id = messageId(uuid7(at));
    const chat = await this.#model.chat(unit, record.chat);
    const found = await this.#model.message(unit, record.chat, record.id);
    if (found !== undefined) {
      const { message, place } = found;
      this.#model.deleteMessage(unit, chat, place, record.id);
      const expiresAt = message.expiresAt === undefined ? undefined : message.expiresAt + at - message.at;
      this.#model.putMessage(unit, chat, place, { ...message, id, at, expiresAt });
    }
    for (const entry of this.#waiting(record.chat)) {
      if (entry.relatesTo !== record.id || this.#tried.has(entry.n)) continue;
      const content = toBase64Url(replyingTo(fromBase64Url(entry.content), fromHex(id)));
      this.#put(unit, { ...entry, relatesTo: id, content, payload: undefined });
      const reply = await this.#model.message(unit, record.chat, entry.id);
      if (reply?.message.replyTo === undefined) continue;
      this.#model.putMessage(unit, chat, reply.place, { ...reply.message, replyTo: { ...reply.message.replyTo, id } });
    }
    return { ...record, id, payload: undefined, renewed: true };
  }

  /** Changes an entry, unless it has gone meanwhile. */
  #put(unit: Unit, record: OutboxRecord): void {
    unit.put(keys.outbox(record.n), record);
    unit.after(() => this.#entries.has(record.n) && this.#entries.set(record.n, record));
  }

  async #show(unit: Unit, record: OutboxRecord, error: { code: string; message: string } | undefined): Promise<void> {
    const chat = await this.#model.chat(unit, record.chat);
    const found = await this.#model.message(unit, record.chat, record.id);
    if (found === undefined) return;
    this.#model.putMessage(unit, chat, found.place, { ...found.message, failed: error === undefined ? undefined : true, error });
  }

  #remove(unit: Unit, record: OutboxRecord): void {
    unit.delete(`o/${hex12(record.n)}`);
    unit.after(() => {
      this.#entries.delete(record.n);
      this.#tellSettled();
      this.#tried.delete(record.n);
    });
  }
}

// Receives the inbox: in order, each entry once. Messages, state of the encryption and cursor are stored in one batch,
// and only then acknowledged.

import type { ChatId, MessageId } from "../api.js";
import { background, type Core, withTransaction } from "../core.js";
import { E2eError, type Opened } from "../e2e/api.js";
import { GodwitError } from "../errors.js";
import { messageId } from "../ids.js";
import type { Apply } from "../chats/apply.js";
import type { Model } from "../chats/model.js";
import { keys } from "../chats/records.js";
import type { Security } from "../chats/security.js";
import type { Envelope, Gap, Welcome } from "../gen/godwit_pb.js";
import { afterPrefix, kFullPause, StoreFullError } from "../store/store.js";
import type { Unit } from "../store/units.js";
import type { HistorySync } from "./history.js";
import { inRuns } from "./runs.js";
import type { SelfChannel } from "./self.js";

/** The server has gone back, and its chats have not been compared since. */
const kGoneBack = "gone-back";
/** What the server said of itself last (Welcome.incarnation), decimal. */
const kIncarnation = "incarnation";
/** It told so, and begins where this device was then; or this device found out, and what was given out anew below the cursor is
 * not in the inbox any more. */
const kCursorAhead = 0;
const kUnnoticed = 1;
/** As many entries are stored in one batch: half of what the server sends without an Ack, so that the next are on their way. */
const kBatch = 128;
/** So often the server may lack the next entry at one position before it is taken for lost. */
const kMaxSkips = 3;

type Entry = { envelope: Envelope } | { gap: Gap } | { caughtUp: true };

export class Inbox {
  readonly #core: Core;
  readonly #model: Model;
  readonly #apply: Apply;
  readonly #security: Security;
  readonly #history: HistorySync;
  readonly #self: SelfChannel;
  #entries: Entry[] = [];
  /** Counts connections: what came on an earlier one is dropped. */
  #connection = 0;
  #ready: Promise<void> = Promise.resolve();
  #working = false;
  #stopped = false;
  /** The last position that is stored; undefined before the first Welcome. */
  #cursor: bigint | undefined;
  /** The last position taken from the connection. */
  #taken = 0n;
  #skips = { at: -1n, count: 0 };
  #silence: ReturnType<typeof setTimeout> | undefined;
  /** What was there when the connection began is stored. */
  onCaughtUp: () => void = () => {};
  /** It is not, and the server has brought nothing more of it for as long as a reply may take. */
  onStalled: () => void = () => {};

  constructor(core: Core, model: Model, apply: Apply, security: Security, history: HistorySync, self: SelfChannel) {
    this.#core = core;
    this.#model = model;
    this.#apply = apply;
    this.#security = security;
    this.#history = history;
    this.#self = self;
  }

  async cursor(): Promise<bigint | undefined> {
    if (this.#cursor === undefined) {
      const stored = await this.#core.store.get("cursor");
      if (stored !== undefined) this.#cursor = BigInt(new TextDecoder().decode(stored));
    }
    return this.#cursor;
  }

  /** The server does not know the cursor: begin where it says, and take the history. Its chats may have gone back, too. */
  async lost(): Promise<void> {
    this.#cursor = undefined;
    await this.#core.store.batch([
      { key: "cursor", value: undefined },
      { key: kGoneBack, value: Uint8Array.of(kCursorAhead) },
    ]);
    this.#history.everything();
  }

  /** Before anything is taken from a server that has gone back: it gives out again positions that are in use here. */
  async #goBack({ incarnation }: Welcome, ready: Promise<void>): Promise<void> {
    const connection = this.#connection;
    const { store } = this.#core;
    let how = (await store.get(kGoneBack))?.[0];
    const known = await store.get(kIncarnation);
    const before = known && new TextDecoder().decode(known);
    const now = incarnation === 0n ? before : String(incarnation);
    if (before !== undefined && before !== now) how ??= kUnnoticed;
    await ready;
    await store.batch([
      ...(now !== before ? [{ key: kIncarnation, value: new TextEncoder().encode(now) }] : []),
      ...(how !== undefined ? [{ key: kGoneBack, value: Uint8Array.of(how) }] : []),
    ]);
    if (how === undefined) return;
    await this.#history.goBack();
    await this.#core.e2e().wentBack();
    await this.#core.units.idle(); // what that caused is stored
    if (how === kUnnoticed) await this.#fetchAll(); // the inbox goes on behind what it should bring
    if (connection !== this.#connection) return; // which does it again
    await store.batch([{ key: kGoneBack, value: undefined }]);
  }

  /** A connection begins. Nothing is opened before `ready`. */
  welcome(welcome: Welcome, ready: Promise<void>): void {
    this.#connection++;
    this.#entries = [];
    this.#taken = welcome.cursor;
    this.#cursor ??= welcome.cursor;
    this.#ready = this.#goBack(welcome, ready);
    this.#ready.catch(() => {}); // told to #work, which waits for it
    this.#watch(this.#connection);
  }

  #watch(connection: number): void {
    clearTimeout(this.#silence);
    const taken = this.#taken;
    this.#silence = setTimeout(() => {
      if (connection !== this.#connection) return;
      if (this.#entries.length > 0 || taken !== this.#taken) this.#watch(connection);
      else this.onStalled();
    }, this.#core.tuning.requestTimeout);
  }

  /** Entries of a Deliver frame. */
  deliver(envelopes: Envelope[]): void {
    for (const envelope of envelopes) {
      if (envelope.seq <= this.#taken) {
        // A good server repeats only across connections, and Welcome said where this one begins.
        background(this.#core, this.#security.tell({ kind: "replayed", detail: `inbox position ${envelope.seq}` }));
        continue;
      }
      if (envelope.seq !== this.#taken + 1n && !this.#skip(envelope.seq)) return;
      this.#taken = envelope.seq;
      this.#entries.push({ envelope });
    }
    void this.#work();
  }

  /** Positions are left out without a Gap. Another connection may bring them; if not, they are lost. */
  #skip(seq: bigint): boolean {
    this.#skips = this.#skips.at === this.#taken ? { at: this.#taken, count: this.#skips.count + 1 } : { at: this.#taken, count: 1 };
    const lost = this.#skips.count > kMaxSkips;
    background(this.#core, this.#security.tell({ kind: lost ? "missing" : "reordered", detail: `inbox position ${seq} came after ${this.#taken}` }));
    if (lost) this.#history.everything();
    else this.#core.connection.restart();
    return lost;
  }

  gap(gap: Gap): void {
    this.#taken = gap.to;
    this.#entries.push({ gap });
    void this.#work();
  }

  caughtUp(): void {
    this.#entries.push({ caughtUp: true });
    void this.#work();
  }

  /** Ends the work after what is being stored. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#entries = [];
    clearTimeout(this.#silence);
    await this.#core.units.idle();
  }

  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    try {
      while (this.#entries.length > 0 && !this.#stopped) {
        const connection = this.#connection;
        await this.#ready;
        if (connection !== this.#connection) continue;
        await this.#next(connection);
      }
    } catch (error) {
      this.#entries = [];
      if (error instanceof E2eError) this.#core.connection.stop("stopped", "encryption");
      else this.#core.connection.restart(); // what was not stored comes again
    } finally {
      this.#working = false;
    }
  }

  async #next(connection: number): Promise<void> {
    const first = this.#entries[0]!;
    if ("gap" in first) {
      await this.#acceptGap(first.gap, connection);
      if (connection === this.#connection) this.#entries.shift();
      return;
    }
    if ("caughtUp" in first) {
      this.#entries.shift();
      clearTimeout(this.#silence);
      this.onCaughtUp();
      return;
    }
    const batch: Envelope[] = [];
    for (const entry of this.#entries) {
      if (!("envelope" in entry) || batch.length === kBatch) break;
      batch.push(entry.envelope);
    }
    try {
      await this.#store(batch);
    } catch (error) {
      if (!(error instanceof StoreFullError)) {
        if (this.#core.connection.live && !(error instanceof E2eError)) this.#core.emitter.emit("storage", { state: "failed", error });
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, kFullPause));
      return;
    }
    if (connection !== this.#connection) return;
    this.#entries.splice(0, batch.length);
    this.#core.connection.notice({ case: "ack", value: { cursor: this.#cursor! } });
  }

  #store(batch: Envelope[]): Promise<void> {
    return this.#core.units.run(async (unit) => {
      this.#loadPlaces(unit, batch);
      await withTransaction(this.#core, unit, async (transaction) => {
        await inRuns(batch, transaction, (envelope, open) => this.#take(unit, envelope, open));
        const cursor = batch.at(-1)!.seq;
        unit.raw([{ key: "cursor", value: new TextEncoder().encode(String(cursor)) }]);
        unit.first(() => (this.#cursor = cursor));
      });
    });
  }

  /** Whether messages are here already is read by chat: ids are ordered by time, so hardly any others are between theirs. */
  #loadPlaces(unit: Unit, batch: Envelope[]): void {
    const ids = new Map<ChatId, MessageId[]>();
    for (const envelope of batch) {
      if (envelope.id.length !== 16) continue;
      const chat = this.#apply.chatOf(envelope);
      const others = ids.get(chat);
      if (others === undefined) ids.set(chat, [messageId(envelope.id)]);
      else others.push(messageId(envelope.id));
    }
    for (const [chat, of] of ids) {
      if (of.length === 1) continue;
      of.sort();
      unit.load(keys.index(chat, of[0]!), afterPrefix(keys.index(chat, of.at(-1)!)));
    }
  }

  async #take(unit: Unit, envelope: Envelope, open: () => Promise<Opened>): Promise<void> {
    const me = this.#core.me();
    const own = envelope.from === BigInt(me.userId);
    const { event } = envelope;
    if (event !== undefined && event.hiddenSeq > 0n) return this.#self.hidden(unit, event);
    if (own && envelope.to === envelope.from && envelope.chat.length === 0) return this.#self.receive(unit, envelope);
    const chatId = this.#apply.chatOf(envelope);
    if (own && envelope.fromDevice === me.deviceId && envelope.id.length === 16) {
      const id = messageId(envelope.id);
      if ((await this.#model.place(unit, chatId, id)) !== undefined) {
        return this.#apply.own(unit, chatId, envelope);
      }
    }
    if (!(await this.#apply.admit(unit, chatId, envelope))) return;
    await this.#apply.apply(unit, chatId, envelope, await open(), true);
  }

  async #fetchAll(): Promise<void> {
    this.#history.everything();
    await this.#history.run();
    if (!this.#core.connection.live) throw new GodwitError("disconnected", "the connection broke", true);
  }

  /** What is lost is taken from the chats' logs before what follows: keys of messages that others overtook are not kept for long. */
  async #acceptGap(gap: Gap, connection: number): Promise<void> {
    this.#core.emitter.emit("gap", { from: Number(gap.from), to: Number(gap.to) });
    await this.#fetchAll();
    if (connection !== this.#connection) return; // which tells of the gap again
    await this.#core.store.batch([{ key: "cursor", value: new TextEncoder().encode(String(gap.to)) }]);
    this.#cursor = gap.to;
    await this.#core.connection.request({ case: "ackGap", value: { to: gap.to } });
  }
}

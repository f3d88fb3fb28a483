// Receives the inbox: in order, each entry once. Messages, state of the encryption and cursor are stored in one batch,
// and only then acknowledged.

import { background, type Core, withTransaction } from "../core.js";
import { E2eError, type Opened } from "../e2e/api.js";
import { messageId } from "../ids.js";
import type { Apply } from "../chats/apply.js";
import type { Model } from "../chats/model.js";
import type { Security } from "../chats/security.js";
import type { Envelope, Gap, Welcome } from "../gen/godwit_pb.js";
import { kFullPause, StoreFullError } from "../store/store.js";
import type { Unit } from "../store/units.js";
import type { HistorySync } from "./history.js";
import type { SelfChannel } from "./self.js";

/** As many entries are stored in one batch: half of what the server sends without an Ack, so that the next are on their way. */
const kBatch = 128;
/** So often the server may lack the next entry at one position before it is taken for lost. */
const kMaxSkips = 3;

type Entry = { envelope: Envelope } | { gap: Gap } | { caughtUp: true };

/** It only brings a message. What is more than that must not be opened when it turns out to be a repetition. */
function isMessage({ event, endsEpoch }: Envelope): boolean {
  return event === undefined && endsEpoch === undefined;
}

/** The batch in runs of messages, which can be opened all at once, and anything else by itself. */
function runs(batch: Envelope[]): Envelope[][] {
  const out: Envelope[][] = [];
  for (const envelope of batch) {
    const last = out.at(-1);
    if (last !== undefined && isMessage(envelope) && isMessage(last[0]!)) last.push(envelope);
    else out.push([envelope]);
  }
  return out;
}

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
  onCaughtUp: () => void = () => {};

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

  /** The server does not know the cursor: begin where it says, and take the history. */
  async lost(): Promise<void> {
    this.#cursor = undefined;
    await this.#core.store.batch([{ key: "cursor", value: undefined }]);
    this.#history.everything();
  }

  /** A connection begins. Nothing is opened before `ready`. */
  welcome(welcome: Welcome, ready: Promise<void>): void {
    this.#connection++;
    this.#entries = [];
    this.#taken = welcome.cursor;
    this.#cursor ??= welcome.cursor;
    this.#ready = ready;
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
      this.#entries.shift();
      return this.#acceptGap(first.gap);
    }
    if ("caughtUp" in first) {
      this.#entries.shift();
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
      await withTransaction(this.#core, unit, async (transaction) => {
        for (const run of runs(batch)) {
          const early = isMessage(run[0]!) ? run.map((envelope) => transaction.open(envelope)) : [];
          for (const opening of early) opening.catch(() => {}); // it is awaited below, unless one before it throws
          for (const [i, envelope] of run.entries()) await this.#take(unit, envelope, () => early[i] ?? transaction.open(envelope));
        }
        const cursor = batch.at(-1)!.seq;
        unit.raw([{ key: "cursor", value: new TextEncoder().encode(String(cursor)) }]);
        unit.first(() => (this.#cursor = cursor));
      });
    });
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

  async #acceptGap(gap: Gap): Promise<void> {
    this.#core.emitter.emit("gap", { from: Number(gap.from), to: Number(gap.to) });
    await this.#core.store.batch([{ key: "cursor", value: new TextEncoder().encode(String(gap.to)) }]);
    this.#cursor = gap.to;
    this.#history.everything();
    await this.#core.connection.request({ case: "ackGap", value: { to: gap.to } });
  }
}

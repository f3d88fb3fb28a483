/**
 * The chats' states: a cache over the rows, and transactions. At most one transaction is open; its changes are seen by
 * nobody until it is done.
 */
import type { E2eHost, Write } from "../api.js";
import type { Mls } from "../mls.js";
import { chatWrites, kChatRows, kPendingRows, readChat, type ChatState } from "./chat-state.js";

/** Chats whose state is kept in memory; the rest is read when it is needed. */
const kMaxCached = 100;

export class Chats {
  private readonly cached = new Map<string, ChatState>();
  private readonly waiting = new Map<string, Set<() => void>>();
  private tail: Promise<void> = Promise.resolve();
  /** Counts transactions that are done. */
  private kept = 0;

  constructor(
    private readonly host: E2eHost,
    private readonly mls: Mls,
  ) {}

  /** Waits for the transaction before. */
  async begin(): Promise<Work> {
    const before = this.tail;
    let release!: () => void;
    this.tail = new Promise((resolve) => (release = resolve));
    await before;
    return new Work((name) => this.read(name), (changed) => {
      if (changed.size > 0) this.kept++;
      for (const [name, state] of changed) this.keep(name, state);
      release();
    });
  }

  /** Runs `work` in a transaction of its own and stores what it changed. */
  async change<T>(work: (tx: Work) => Promise<T>): Promise<T> {
    const tx = await this.begin();
    try {
      const result = await work(tx);
      const writes = tx.writes();
      if (writes.length > 0) await this.host.write(writes);
      tx.done();
      return result;
    } catch (error) {
      tx.abort();
      throw error;
    }
  }

  /** The state as it is stored. */
  async read(name: string): Promise<ChatState> {
    for (;;) {
      const cached = this.cached.get(name);
      if (cached) return cached;
      const { kept } = this;
      const rows = await this.host.list(`${kChatRows}${name}/`);
      // What a transaction stored meanwhile is newer than what was read.
      if (kept !== this.kept) continue;
      const state = readChat(this.mls, name, rows);
      this.keep(name, state);
      return state;
    }
  }

  /** The names of all chats with a commit that was not answered. */
  async withPending(): Promise<string[]> {
    return (await this.host.list(kPendingRows)).map(([key]) => key.slice(kPendingRows.length));
  }

  /** Resolves when the chat's state changes next, or after `timeoutMs`. */
  changed(name: string, timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const waiters = this.waiting.get(name) ?? new Set();
      this.waiting.set(name, waiters);
      const timer = setTimeout(end, timeoutMs);
      function end() {
        clearTimeout(timer);
        waiters.delete(end);
        resolve();
      }
      waiters.add(end);
    });
  }

  /** Lets whoever waits for a change go. */
  close(): void {
    for (const waiters of this.waiting.values()) for (const wake of waiters) wake();
  }

  private keep(name: string, state: ChatState): void {
    const changed = this.cached.get(name) !== state;
    this.cached.delete(name);
    this.cached.set(name, state);
    if (this.cached.size > kMaxCached) this.cached.delete(this.cached.keys().next().value!);
    if (changed) for (const wake of this.waiting.get(name) ?? []) wake();
  }
}

/** What is done in one transaction. */
export class Work {
  private readonly states = new Map<string, ChatState>();
  private readonly before = new Map<string, ChatState>();
  private readonly others: Write[] = [];
  private readonly afterwards: Array<() => void> = [];
  private open = true;

  constructor(
    private readonly read: (name: string) => Promise<ChatState>,
    private readonly end: (changed: Map<string, ChatState>) => void,
  ) {}

  async get(name: string): Promise<ChatState> {
    const state = this.states.get(name);
    if (state) return state;
    const stored = await this.read(name);
    if (!this.states.has(name)) {
      this.before.set(name, stored);
      this.states.set(name, stored);
    }
    return this.states.get(name)!;
  }

  async update(name: string, change: Partial<ChatState>): Promise<ChatState> {
    await this.get(name);
    const state = { ...this.states.get(name)!, ...change };
    this.states.set(name, state);
    return state;
  }

  /** A row beside the chats'. */
  put(write: Write): void {
    this.others.push(write);
  }

  /** Runs when the transaction is done: events are told of what is stored. */
  after(run: () => void): void {
    this.afterwards.push(run);
  }

  writes(): Write[] {
    const writes = [...this.states].flatMap(([name, state]) => {
      const before = this.before.get(name)!;
      return state === before ? [] : chatWrites(name, before, state);
    });
    return [...writes, ...this.others];
  }

  done(): void {
    if (!this.open) return;
    this.open = false;
    this.end(this.states);
    for (const run of this.afterwards) run();
  }

  abort(): void {
    if (!this.open) return;
    this.open = false;
    this.end(new Map());
  }
}

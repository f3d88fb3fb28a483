// Units of work: what belongs together is stored in one batch, and told to the application once it is.

import type { SealedStore } from "./sealed.js";
import type { StoreWrite } from "./store.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeRecord(record: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(record));
}

export function decodeRecord<T>(bytes: Uint8Array): T {
  return JSON.parse(decoder.decode(bytes)) as T;
}

/** A range of more entries than this is not taken into memory at once. */
const kMaxLoaded = 1000;

interface Loaded {
  from: string;
  to: string;
  /** Undefined: there are too many. */
  values: Promise<ReadonlyMap<string, Uint8Array> | undefined>;
}

/** Reads see what the unit itself has written. Records are JSON; what `get` returns may be changed and `put`. */
export class Unit {
  readonly #store: SealedStore;
  readonly #writes = new Map<string, unknown>();
  readonly #loaded: Loaded[] = [];
  readonly #raw: StoreWrite[] = [];
  readonly #after: (() => void)[] = [];

  constructor(store: SealedStore) {
    this.#store = store;
  }

  async get<T>(key: string): Promise<T | undefined> {
    if (this.#writes.has(key)) return this.#writes.get(key) as T | undefined;
    const bytes = await this.#read(key);
    return bytes === undefined ? undefined : decodeRecord<T>(bytes);
  }

  /** Reads at once what `get` is going to be asked for one by one: the entries with from <= key < to, of which there are few. */
  load(from: string, to: string): void {
    const values = this.#store
      .range(from, to, { limit: kMaxLoaded + 1 })
      .then((entries) => (entries.length > kMaxLoaded ? undefined : new Map(entries)));
    values.catch(() => {}); // told to whoever gets one of them
    this.#loaded.push({ from, to, values });
  }

  async #read(key: string): Promise<Uint8Array | undefined> {
    const loaded = await this.#loaded.find(({ from, to }) => from <= key && key < to)?.values;
    return loaded === undefined ? this.#store.get(key) : loaded.get(key);
  }

  /** What this unit has put under a key. */
  staged<T>(key: string): T | undefined {
    return this.#writes.get(key) as T | undefined;
  }

  put(key: string, record: unknown): void {
    this.#writes.set(key, record);
  }

  delete(key: string): void {
    this.#writes.set(key, undefined);
  }

  /** Writes that are bytes already. */
  raw(writes: readonly StoreWrite[]): void {
    this.#raw.push(...writes);
  }

  /** Runs once everything is stored, before all that was asked for by `after`. */
  first(work: () => void): void {
    this.#after.unshift(work);
  }

  /** Runs once everything is stored. */
  after(work: () => void): void {
    this.#after.push(work);
  }

  /** Stores everything so far. `Units.run` does it at the end; who must know earlier that it is stored may call it. */
  async commit(): Promise<void> {
    const writes: StoreWrite[] = [...this.#raw];
    for (const [key, record] of this.#writes) writes.push({ key, value: record === undefined ? undefined : encodeRecord(record) });
    await this.#store.batch(writes);
    this.#writes.clear();
    this.#loaded.length = 0;
    this.#raw.length = 0;
    for (const work of this.#after.splice(0)) work();
  }
}

/** One unit at a time, in the order in which they were asked for. */
export class Units {
  readonly #store: SealedStore;
  #last: Promise<unknown> = Promise.resolve();

  constructor(store: SealedStore) {
    this.#store = store;
  }

  /** What throws in `work` stores nothing. */
  run<T>(work: (unit: Unit) => Promise<T>): Promise<T> {
    const result = this.#last.then(async () => {
      const unit = new Unit(this.#store);
      const value = await work(unit);
      await unit.commit();
      return value;
    });
    this.#last = result.catch(() => {});
    return result;
  }

  /** Waits for the units asked for so far. */
  idle(): Promise<unknown> {
    return this.#last;
  }
}

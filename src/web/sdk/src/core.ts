// What the parts of a client share. client.ts builds it; each part takes the whole and uses what it needs.

import type { Account, Tuning } from "./api.js";
import type { E2e, ReplyBody, RequestBody, Transaction } from "./e2e/api.js";
import type { Emitter } from "./emitter.js";
import { GodwitError } from "./errors.js";
import type { SealedStore } from "./store/sealed.js";
import type { Unit, Units } from "./store/units.js";
import type { Connection } from "./transport/connection.js";

/** This device's account, as it is stored under "account". */
export interface AccountRecord extends Account {
  token: string;
  tokenExpiresMs: number;
}

export interface Core {
  readonly connection: Connection;
  readonly store: SealedStore;
  readonly units: Units;
  readonly emitter: Emitter;
  readonly tuning: Tuning;
  /** Throws `no_account` before registration. */
  me(): AccountRecord;
  /** Throws `no_account` before registration. */
  e2e(): E2e;
}

type Case = Exclude<ReplyBody["case"], undefined>;
type ReplyOf<C extends Case> = Extract<ReplyBody, { case: C }>["value"];

/** Asks the server (see Connection.call) for a reply of one kind. */
export async function ask<C extends Case>(core: Core, body: RequestBody, expected: C): Promise<ReplyOf<C>> {
  const reply = await core.connection.call(body);
  if (reply.case !== expected) throw new GodwitError("bad_frame", `${body.case} was answered by ${reply.case}`);
  return reply.value as ReplyOf<C>;
}

/**
 * A transaction of the encryption within a unit: both are stored in one batch, or neither. Whoever is told once it is
 * stored finds the encryption's new state.
 */
export async function withTransaction<T>(core: Core, unit: Unit, work: (transaction: Transaction) => Promise<T>): Promise<T> {
  const transaction = await core.e2e().begin();
  unit.first(() => transaction.done());
  try {
    const result = await work(transaction);
    unit.raw(transaction.writes());
    await unit.commit();
    return result;
  } catch (error) {
    transaction.abort();
    throw error;
  }
}

/** Work that nobody waits for: what goes wrong is told by event `error`. A lost connection is told by its own event. */
export function background(core: Core, work: Promise<unknown>): void {
  work.catch((error: unknown) => {
    const known = error instanceof GodwitError ? error : new GodwitError("internal", String(error), false, 0, { cause: error });
    if (known.code !== "disconnected") core.emitter.emit("error", known);
  });
}

export const kDefaultTuning: Tuning = {
  requestTimeout: 20_000,
  backoffMin: 500,
  backoffMax: 60_000,
  sendAttempts: 12,
  outboxMax: 10_000,
  pingInterval: 60_000,
};

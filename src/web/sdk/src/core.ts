// What the parts of a client share. client.ts builds it; each part takes the whole and uses what it needs.

import type { Account, Tuning } from "./api.js";
import type { E2e, ReplyBody, RequestBody } from "./e2e/api.js";
import type { Emitter } from "./emitter.js";
import { GodwitError } from "./errors.js";
import type { SealedStore } from "./store/sealed.js";
import type { Units } from "./store/units.js";
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

export const kDefaultTuning: Tuning = {
  requestTimeout: 20_000,
  backoffMin: 500,
  backoffMax: 60_000,
  sendAttempts: 12,
  outboxMax: 10_000,
  pingInterval: 60_000,
};

// Errors of the SDK: those of the server, from its error table, and a few of the client's own.

import { codes, type ServerCode } from "./gen/codes.js";

/**
 * Codes that the server does not know:
 * - `timeout`: no reply came in time; nothing is known of the outcome.
 * - `disconnected`: there is no connection, or it broke before the reply.
 * - `closed`: the client was closed.
 * - `no_account`: this device is not registered yet.
 * - `outbox_full`, `storage_full`, `storage_failed`: nothing was kept.
 * - `not_found`: no such message or chat on this device.
 * - `unreadable`: the key to it is not here.
 * - `not_supported`: the platform lacks something.
 * - `encryption_failed`: keys, proofs or states do not fit.
 */
export type ClientCode =
  | "timeout" | "disconnected" | "closed" | "no_account" | "outbox_full" | "storage_full" | "storage_failed" | "not_found"
  | "unreadable" | "not_supported" | "encryption_failed";

/** What every rejected promise of the SDK holds. */
export class GodwitError extends Error {
  override readonly name = "GodwitError";
  constructor(
    /** Which error; newer servers may send codes that are not listed: "code_<number>". */
    readonly code: ServerCode | ClientCode | `code_${number}`,
    message: string,
    /** The same may succeed later, unchanged. */
    readonly retryable = false,
    /** Not to be tried before this many milliseconds. */
    readonly retryAfterMs = 0,
    /** More of it: the epoch of `stale_epoch`, the devices of `device_list_stale`; or `cause`. */
    readonly detail: { epoch?: bigint; missing?: DeviceName[]; extra?: DeviceName[]; cause?: unknown } = {},
  ) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
  }
}

/** A device, as errors name it. */
export interface DeviceName {
  userId: bigint;
  deviceId: number;
}

/** The name of a code of the server. */
export function codeName(code: number): GodwitError["code"] {
  return codes[code] ?? `code_${code}`;
}

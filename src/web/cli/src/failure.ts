// How a command fails: one line that names the error, and a status for scripts.

import { GodwitError } from "@godwit/client";

/** Statuses of the process; the same as godwit-cli's, and one for keys. */
export const Exit = {
  done: 0,
  /** Wrong usage, or something on this device: a file, a profile in use, no such message. */
  local: 1,
  /** The server said no; the name is of its error table. */
  refused: 2,
  /** No connection. What was to be sent is stored. */
  disconnected: 3,
  /** Not in time; nothing is known of the outcome. */
  timeout: 4,
  /** Keys or proofs do not fit: somebody may be listening. */
  untrusted: 5,
  interrupted: 130,
} as const;

export class Failure extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly exit: number = Exit.local,
    /** Not to be tried before this many milliseconds. */
    readonly retryAfterMs = 0,
  ) {
    super(message);
  }
}

export function usage(message: string): Failure {
  return new Failure("usage", message);
}

export function interrupted(): Failure {
  return new Failure("interrupted", "ended before it was done", Exit.interrupted);
}

const kExits: Record<string, number> = {
  disconnected: Exit.disconnected,
  timeout: Exit.timeout,
  encryption_failed: Exit.untrusted,
  closed: Exit.local,
  no_account: Exit.local,
  outbox_full: Exit.local,
  storage_full: Exit.local,
  storage_failed: Exit.local,
  not_found: Exit.local,
  unreadable: Exit.local,
  not_supported: Exit.local,
};

/** Whatever was thrown, as it is told. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof GodwitError) return new Failure(error.code, error.message, kExits[error.code] ?? Exit.refused, error.retryAfterMs);
  const { code, cause, message } = error as NodeJS.ErrnoException & { cause?: { code?: string } };
  if (cause?.code === "LEVEL_LOCKED") return new Failure("profile_in_use", "another process uses this profile: end it first");
  return new Failure(typeof code === "string" ? code.toLowerCase() : "internal", message ?? String(error));
}

// Between the encryption and the rest: what it needs of the client, and its errors as those of the SDK.

import type { KeyLogFault } from "./api.js";
import type { AccountRecord, Core } from "./core.js";
import { type E2e, E2eError, type E2eEvent, type E2eHost, type LogFault, type SigningKey } from "./e2e/api.js";
import { GodwitError } from "./errors.js";
import { ErrorCode } from "./gen/godwit_pb.js";
import { afterPrefix } from "./store/store.js";

/** A refusal by the server as the encryption wants it: with the number of its code. */
class Refusal extends Error {
  readonly code: number;
  readonly epoch: bigint | undefined;
  readonly extra: unknown;
  constructor(readonly original: GodwitError) {
    super(original.message, { cause: original });
    this.code = ErrorCode[original.code as keyof typeof ErrorCode];
    this.epoch = original.detail.epoch;
    this.extra = original.detail.extra;
  }
}

export function e2eHost(core: Core, account: AccountRecord, deviceKey: SigningKey, emit: (event: E2eEvent) => void): E2eHost {
  const { store, connection } = core;
  return {
    userId: BigInt(account.userId),
    deviceId: account.deviceId,
    deviceKey,
    vault: store.vault(),
    get: (key) => store.get(key),
    list: (prefix) => store.range(prefix, afterPrefix(prefix)),
    write: (writes) => store.batch(writes),
    request: async (body) => {
      try {
        return await connection.request(body);
      } catch (error) {
        throw error instanceof GodwitError && error.code in ErrorCode ? new Refusal(error) : error;
      }
    },
    emit,
    now: () => connection.now(),
  };
}

/** Reasons that may be gone at the next try. */
const kPassing = new Set(["no_keys", "no_group_info", "no_secret", "rejoining_too_often", "too_many_races"]);

/** Errors of the encryption as those of the SDK. */
export function translate(error: unknown): unknown {
  if (error instanceof Refusal) return error.original;
  if (error instanceof E2eError) return new GodwitError("encryption_failed", error.message, kPassing.has(error.code), 0, { cause: error });
  return error;
}

/** A fault of the key log as the SDK tells it. */
export function faultOf({ what, acceptable }: LogFault): KeyLogFault {
  return { kind: acceptable ? "log_rollback" : "log_proof", detail: what };
}

/** Transactions are handed through as they are: they throw what their users must know. */
export function translated(e2e: E2e): E2e {
  return new Proxy(e2e, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...parameters: unknown[]) => {
        const result: unknown = value.apply(target, parameters);
        return result instanceof Promise ? result.catch((error: unknown) => Promise.reject(translate(error))) : result;
      };
    },
  });
}

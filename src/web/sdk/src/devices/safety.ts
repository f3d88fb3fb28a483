// Verification of users, and of the server.

import type { KeyLogFault, Safety, SafetyNumber, UserId } from "../api.js";
import type { Core } from "../core.js";
import { faultOf } from "../e2e-host.js";
import { GodwitError } from "../errors.js";
import { fromBase64Url, toBase64Url } from "../ids.js";

export class SafetyBook implements Safety {
  readonly #core: Core;
  constructor(core: Core) {
    this.#core = core;
  }

  async number(user: UserId): Promise<SafetyNumber> {
    const { digits, qr, verified } = await this.#core.e2e().safetyNumber(BigInt(user));
    return { digits, qr: toBase64Url(qr), verified };
  }

  async compare(user: UserId, scannedQr: string): Promise<boolean> {
    let qr: Uint8Array;
    try {
      qr = fromBase64Url(scannedQr.trim());
    } catch {
      return false;
    }
    return this.#core.e2e().verifySafetyNumber(BigInt(user), qr);
  }

  setVerified(user: UserId, verified: boolean): Promise<void> {
    return this.#core.e2e().setVerified(BigInt(user), verified);
  }

  async auditKeyLog(onProgress?: (done: number, of: number) => void): Promise<{ entries: number; ok: boolean; detail?: string }> {
    try {
      const { entries } = await this.#core.e2e().auditKeyLog(onProgress);
      return { entries, ok: true };
    } catch (error) {
      if (!(error instanceof GodwitError) || error.code !== "encryption_failed") throw error;
      return { entries: 0, ok: false, detail: error.message };
    }
  }

  keyLogFault(): KeyLogFault | undefined {
    const fault = this.#core.e2e().logFault();
    return fault && faultOf(fault);
  }

  async acceptKeyLog(): Promise<void> {
    const fault = this.keyLogFault();
    if (fault?.kind !== "log_rollback") throw new GodwitError("wrong_state", fault?.detail ?? "nothing is wrong with the key log");
    await this.#core.e2e().acceptLog();
    const { connection } = this.#core;
    if (connection.live) connection.restart();
    else connection.start();
  }
}

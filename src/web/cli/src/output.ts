// Results to stdout, as lines for people or as lines of JSON; everything else to stderr.

import type { Failure } from "./failure.js";
import { sanitize } from "./sanitize.js";

export class Output {
  constructor(readonly json: boolean) {}

  /** A result: `text` for people, `value` for scripts. */
  result(text: string, value: object): void {
    process.stdout.write(this.json ? `${JSON.stringify(value)}\n` : `${sanitize(text)}\n`);
  }

  /** For people, who read it while they wait. */
  note(text: string): void {
    process.stderr.write(`${sanitize(text)}\n`);
  }

  failure({ code, message, exit, retryAfterMs }: Failure): void {
    if (this.json) {
      process.stderr.write(`${JSON.stringify({ type: "error", code, message, exit, ...(retryAfterMs > 0 ? { retryAfterMs } : {}) })}\n`);
      return;
    }
    const later = retryAfterMs > 0 ? ` (again in ${Math.ceil(retryAfterMs / 1000)} s)` : "";
    this.note(`chat: ${code}: ${message}${later}`);
  }
}

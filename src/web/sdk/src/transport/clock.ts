// The server's clock, which times in ids are taken from.

/**
 * While there is a connection it goes on by a clock that nobody sets: a change of the device's time moves nothing.
 * Without one it goes by the device's time, since the other may stand still while the device sleeps.
 */
export class ServerClock {
  /** Milliseconds to add to the device's time. */
  #offset = 0;
  /** Milliseconds to add to `performance.now()`, while there is a connection. */
  #steady: number | undefined;

  /** The server told its time just now. */
  told(serverTimeMs: bigint): void {
    this.#steady = Number(serverTimeMs) - performance.now();
  }

  /** There is no connection any more. */
  lost(): void {
    this.#offset = this.now() - Date.now();
    this.#steady = undefined;
  }

  /** Milliseconds since the Unix epoch, as far as it is known. */
  now(): number {
    return Math.round(this.#steady === undefined ? Date.now() + this.#offset : performance.now() + this.#steady);
  }
}

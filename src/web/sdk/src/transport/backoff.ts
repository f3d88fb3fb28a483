// How long to wait before the next try.

/** Doubles with every failure between two bounds; jitter spreads clients that failed together. */
export class Backoff {
  #failures = 0;
  constructor(
    readonly min: number,
    readonly max: number,
  ) {}

  get failures(): number {
    return this.#failures;
  }

  reset(): void {
    this.#failures = 0;
  }

  /** The next pause, between half of its length and all of it, milliseconds. */
  next(): number {
    const length = Math.min(this.max, this.min * 2 ** Math.min(this.#failures++, 30));
    return length * (0.5 + Math.random() / 2);
  }
}

// Where the rows of a virtual list are. Heights are estimates until a row was measured; positions are summed up again,
// from the first change on, when they are next asked for. 100,000 rows take well below a millisecond.

export class Heights {
  #heights: Float64Array = new Float64Array(0);
  #tops: Float64Array = new Float64Array(1);
  #count = 0;
  #summed = 0;

  /** Sets all heights, as when rows were added or taken away. */
  reset(count: number, heightOf: (index: number) => number): void {
    if (this.#heights.length < count) {
      this.#heights = new Float64Array(count * 2);
      this.#tops = new Float64Array(count * 2 + 1);
    }
    for (let i = 0; i < count; ++i) this.#heights[i] = heightOf(i);
    this.#count = count;
    this.#summed = 0;
  }

  /** Tells whether that changed anything. */
  set(index: number, height: number): boolean {
    if (Math.abs(this.#heights[index]! - height) < 0.5) return false;
    this.#heights[index] = height;
    this.#summed = Math.min(this.#summed, index);
    return true;
  }

  get count(): number {
    return this.#count;
  }

  get total(): number {
    return this.top(this.#count);
  }

  /** Where a row begins; that of `count` is where the last one ends. */
  top(index: number): number {
    for (; this.#summed < index; ++this.#summed) {
      this.#tops[this.#summed + 1] = this.#tops[this.#summed]! + this.#heights[this.#summed]!;
    }
    return this.#tops[index]!;
  }

  /** The row that covers a position; the first or last one when it is outside. */
  at(position: number): number {
    let [low, high] = [0, Math.max(0, this.#count - 1)];
    this.top(this.#count);
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#tops[middle]! <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

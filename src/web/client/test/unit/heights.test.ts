import { expect, test } from "vitest";
import { Heights } from "../../src/lib/heights";

test("rows are found by position as a plain sum finds them, after any changes", () => {
  let seed = 7;
  const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
  const heights = new Heights();
  let plain: number[] = [];
  for (let round = 0; round < 200; ++round) {
    if (round % 20 === 0) {
      plain = Array.from({ length: 1 + random(300) }, () => 20 + random(200));
      heights.reset(plain.length, (i) => plain[i]!);
    }
    const changed = random(plain.length);
    plain[changed] = 20 + random(200);
    heights.set(changed, plain[changed]!);
    const total = plain.reduce((sum, height) => sum + height, 0);
    const position = random(total);
    let [index, end] = [0, plain[0]!];
    while (end <= position) end += plain[++index]!;
    expect(heights.at(position)).toBe(index);
    expect(heights.top(index)).toBe(end - plain[index]!);
    expect(heights.total).toBe(total);
  }
});

test("positions outside give the first and the last row", () => {
  const heights = new Heights();
  expect(heights.at(10)).toBe(0);
  heights.reset(3, () => 50);
  expect(heights.at(-5)).toBe(0);
  expect(heights.at(1000)).toBe(2);
});

test("the same height again is no change", () => {
  const heights = new Heights();
  heights.reset(2, () => 50);
  expect(heights.set(1, 50.2)).toBe(false);
  expect(heights.set(1, 70)).toBe(true);
  expect(heights.total).toBe(120);
});

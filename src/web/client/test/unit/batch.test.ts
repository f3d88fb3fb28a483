import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { batched } from "../../src/lib/batch";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("what comes by itself is told at once, what is told in one turn together", async () => {
  const told: number[][] = [];
  const tell = batched<number>((values) => told.push(values));
  tell(1);
  tell(2);
  expect(told).toEqual([]);
  await Promise.resolve();
  expect(told).toEqual([[1, 2]]);
  await vi.advanceTimersByTimeAsync(1000);
  tell(3);
  await Promise.resolve();
  expect(told).toEqual([[1, 2], [3]]);
});

test("what follows quickly is put together for a pause", async () => {
  const told: number[][] = [];
  const tell = batched<number>((values) => told.push(values));
  tell(1);
  await Promise.resolve();
  for (const value of [2, 3]) {
    tell(value);
    await Promise.resolve();
  }
  expect(told).toEqual([[1]]);
  await vi.advanceTimersByTimeAsync(20);
  expect(told).toEqual([[1], [2, 3]]);
});

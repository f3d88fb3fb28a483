// Spans of time as people write them: 30s, 5m, 2h, 1d, 1w, off.

import { usage } from "./failure.js";

const kUnits: [string, number][] = [["w", 604_800], ["d", 86_400], ["h", 3600], ["m", 60], ["s", 1]];

/** Seconds; "off" and "0" are 0. */
export function parseDuration(text: string): number {
  if (text === "off" || text === "0") return 0;
  const match = /^(\d{1,6})([wdhms])$/.exec(text);
  if (match === null) throw usage(`"${text}" is no duration: 30s, 5m, 2h, 1d, 1w or off`);
  return Number(match[1]) * kUnits.find(([unit]) => unit === match[2])![1];
}

export function showDuration(seconds: number): string {
  if (seconds === 0) return "off";
  const [unit, size] = kUnits.find(([, size]) => seconds % size === 0)!;
  return `${seconds / size}${unit}`;
}

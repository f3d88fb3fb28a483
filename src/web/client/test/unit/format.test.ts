import { expect, test } from "vitest";
import { dayText, durationText, initials, momentText, timerText, whenText } from "../../src/lib/format";

const kNow = new Date(2026, 4, 20, 15, 0).getTime();
const at = (day: number, hour = 10) => new Date(2026, 4, day, hour, 5).getTime();

test("days are named by the calendar, not by hours", () => {
  expect(dayText(at(20, 0), kNow)).toBe("Today");
  expect(dayText(at(19, 23), kNow)).toBe("Yesterday");
  expect(dayText(at(18), kNow)).toMatch(/monday/i);
  expect(dayText(at(13), kNow)).toContain("2026");
  expect(dayText(at(21, 0), kNow)).toBe("Tomorrow");
  expect(dayText(at(27), kNow)).toContain("2026");
  expect(momentText(at(20), kNow)).toMatch(/^today at 10/);
  expect(momentText(at(18), kNow)).toMatch(/^on monday at 10/i);
  expect(momentText(at(27), kNow)).toMatch(/^on .*27.* at 10/);
  expect(whenText(at(20), kNow)).toMatch(/10/);
});

test("durations of calls", () => {
  expect([0, 59.9, 187, 3612].map(durationText)).toEqual(["0:00", "0:59", "3:07", "1:00:12"]);
});

test("timers are named by their largest whole unit", () => {
  expect([0, 1, 30, 300, 3600, 86_400, 90_000, 604_800].map(timerText)).toEqual(["Off", "1 second", "30 seconds", "5 minutes", "1 hour", "1 day", "25 hours", "1 week"]);
});

test("initials", () => {
  expect(["Amélie Durand", "priya.n", "jonas", "Ana Maria Silva", "+491511"].map(initials)).toEqual(["AD", "PN", "J", "AS", "4"]);
});

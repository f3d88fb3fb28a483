import type { Content, Message } from "@godwit/client";
import { expect, test } from "vitest";
import { firstUnread, rowsOf } from "../../src/lib/rows";

const kNoon = new Date(2026, 4, 20, 12, 0).getTime();

function message(id: string, from: string, minutes: number, content: Content = { kind: "text", text: id }): Message {
  return { id, chat: "u2", from, fromDevice: 1, own: from === "1", seq: 1, at: kNoon + minutes * 60_000, content, reactions: [] };
}

const shape = (messages: Message[], unread?: string) =>
  rowsOf(messages, unread).map((row) => (row.kind === "message" ? `${row.first ? "[" : ""}${row.key}${row.last ? "]" : ""}` : row.kind));

test("messages of one writer within minutes are one group", () => {
  expect(shape([message("a", "1", 0), message("b", "1", 1), message("c", "2", 2), message("d", "2", 20)])).toEqual(["day", "[a", "b]", "[c]", "[d]"]);
});

test("a day begins anew, and so does what is unread", () => {
  expect(shape([message("a", "2", 0), message("b", "2", 13 * 60)])).toEqual(["day", "[a]", "day", "[b]"]);
  expect(shape([message("a", "2", 0), message("b", "2", 1)], "b")).toEqual(["day", "[a]", "unread", "[b]"]);
});

test("lines stand between groups", () => {
  expect(shape([message("a", "2", 0), message("t", "2", 1, { kind: "timer", timerS: 60 }), message("b", "2", 2)])).toEqual(["day", "[a]", "[t]", "[b]"]);
});

test("keys of rows are unique, whatever the clock of the writers says", () => {
  const jumping = [message("a", "1", 0), message("b", "1", -2000), message("c", "1", 0)];
  const keys = rowsOf(jumping).map((row) => row.key);
  expect(new Set(keys).size).toBe(keys.length);
});

test("a row of which nothing changes stays the same object, so that it is not drawn again", () => {
  const [a, b, c] = [message("a", "1", 0), message("b", "1", 1), message("c", "1", 2)];
  const before = rowsOf([b]);
  const after = rowsOf([a, b]);
  expect(rowsOf([a, b])[2]).toBe(after[2]);
  expect(rowsOf([a, b, c])[1]).toBe(after[1]);
  expect(after[2]).not.toBe(before[1]);
  expect(rowsOf([a, { ...b, seq: 7 }])[2]).toMatchObject({ message: { seq: 7 } });
});

test("unread messages are those of others", () => {
  const all = [message("a", "2", 0), message("b", "1", 1), message("c", "2", 2)];
  expect(firstUnread(all, 2)).toBe("a");
  expect(firstUnread(all, 1)).toBe("c");
  expect(firstUnread(all, 0)).toBeUndefined();
  expect(firstUnread(all, 9)).toBeUndefined();
});

test("lines between messages are not unread, a missed call is", () => {
  const line: Content = { kind: "timer", timerS: 60 };
  const missed: Content = { kind: "call", callId: "c", video: false, outcome: "missed", durationS: 0, participants: 0 };
  const all = [message("a", "2", 0), message("t", "2", 1, line), message("c", "2", 2, missed), message("u", "2", 3, line)];
  expect(firstUnread(all, 1)).toBe("c");
  expect(firstUnread(all, 2)).toBe("a");
});

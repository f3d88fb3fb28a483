import type { Content } from "@godwit/client";
import { expect, test } from "vitest";
import { groupText, previewText, securityText } from "../../src/lib/content";
import { deviceName } from "../../src/lib/device";
import { findEmoji, kGroups } from "../../src/lib/emoji";
import { groundOf, kFirstGround } from "../../src/lib/status-colors";

const nameOf = (user: string) => ({ "1": "Ann", "2": "Ben", "3": "Cleo", "4": "Dan", "5": "Eve" })[user] ?? "you";

test("changes of a group in words", () => {
  expect(groupText({ created: true, added: ["1", "2", "3"] }, "1", nameOf)).toBe("Ann made the group. Ann added Ben and Cleo.");
  expect(groupText({ created: true, added: ["9"] }, "9", nameOf)).toBe("You made the group.");
  expect(groupText({ added: ["2", "3", "4", "5"] }, "1", nameOf)).toBe("Ann added Ben, Cleo, Dan and 1 more.");
  expect(groupText({ added: ["9", "3"] }, "1", nameOf)).toBe("Ann added you and Cleo.");
  expect(groupText({ added: ["2"] }, "2", nameOf)).toBe("Ben joined.");
  expect(groupText({ removed: ["2"] }, "1", nameOf)).toBe("Ann removed Ben.");
  expect(groupText({ left: true, removed: ["2"] }, "2", nameOf)).toBe("Ben left.");
  expect(groupText({ roles: [{ user: "9", role: "admin" }] }, "1", nameOf)).toBe("Ann made you an admin.");
  expect(groupText({ roles: [{ user: "2", role: "member" }] }, "9", nameOf)).toBe("You took the admin rights from Ben.");
  expect(groupText({ name: "" }, "1", nameOf)).toBe("Ann changed the name of the group.");
  expect(groupText({}, "1", nameOf)).toBe("Ann changed the group.");
});

test("calls in words, for caller and callee", () => {
  const call = (outcome: "missed" | "ended", own: boolean) => previewText({ kind: "call", callId: "", video: false, outcome, durationS: 62, participants: 0 } as Content, nameOf, "", own);
  expect(call("missed", false)).toBe("Missed voice call");
  expect(call("missed", true)).toBe("Voice call, no answer");
  expect(call("ended", true)).toBe("Voice call, 1:02");
});

test("every kind of security event has words", () => {
  for (const kind of ["device_added", "device_removed", "identity_changed", "verified_changed", "own_device_unknown", "unconfirmed_device", "uninvited_device", "log_fork", "log_rollback", "log_proof", "replayed", "reordered", "missing", "sender_mismatch"] as const) {
    expect(securityText({ kind, user: "2" }, nameOf)).toMatch(/\w+ .*\.$/);
  }
});

test("the browser's name for the list of devices", () => {
  expect(deviceName("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36")).toBe("Chrome on Android");
  expect(deviceName("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")).toBe("Firefox on Linux");
  expect(deviceName("curl/8")).toBe("Browser");
});

test("emoji are found by the beginning of a word, and none is there twice", () => {
  expect(findEmoji("hea").map(({ emoji }) => emoji)).toContain("❤️");
  const all = kGroups.flatMap((group) => group.emoji.map(({ emoji }) => emoji));
  expect(new Set(all).size).toBe(all.length);
});

test("a status cannot bring a style of its own", () => {
  expect(groundOf("url(https://example.org)")).toBe(groundOf(kFirstGround));
  expect(groundOf(undefined)).toBe(groundOf(kFirstGround));
});

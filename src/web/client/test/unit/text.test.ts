import { expect, test } from "vitest";
import { excerpt } from "../../src/lib/excerpt";
import { inviteIn } from "../../src/lib/invite";
import { isFewEmoji, pieces } from "../../src/lib/text";

const links = (text: string) => pieces(text).flatMap((piece) => piece.href ?? []);

test("links end before the sentence does", () => {
  expect(links("see https://example.org/a, or (http://example.org/b).")).toEqual(["https://example.org/a", "http://example.org/b"]);
  expect(links("https://example.org/x_(y)")).toEqual(["https://example.org/x_(y)"]);
});

test("nothing but http becomes a link, and the text stays whole", () => {
  for (const text of ["javascript:alert(1)", "data:text/html,x", "<a href='https://x'>", "xhttps://y"]) {
    for (const href of links(text)) expect(href).toMatch(/^https?:\/\//);
    expect(pieces(text).map((piece) => piece.text).join("")).toBe(text);
  }
});

test("a few emoji alone are shown large", () => {
  expect(["🎉", "👍👍", "❤️ 🏳️‍🌈"].map(isFewEmoji)).toEqual([true, true, true]);
  expect(["", "1", "ok 👍", "🎉🎉🎉🎉", "#"].map(isFewEmoji)).toEqual([false, false, false, false, false]);
});

test("an invite is found in what was pasted", () => {
  expect(inviteIn("https://example.org/#/join/godwit-group%3A1%3AAbc_-9")).toBe("godwit-group:1:Abc_-9");
  expect(inviteIn("godwit-group:1:Abc")).toBe("godwit-group:1:Abc");
  expect(inviteIn("somebody")).toBeUndefined();
});

test("an excerpt shows the match within its surroundings", () => {
  const text = `${"word ".repeat(40)}tide ${"more ".repeat(40)}`;
  const parts = excerpt({ message: { content: { kind: "text", text } } as never, matches: [{ start: text.indexOf("tide"), length: 4 }] });
  expect(parts.find((part) => part.match)?.text).toBe("tide");
  expect(parts.map((part) => part.text).join("").length).toBeLessThan(170);
});

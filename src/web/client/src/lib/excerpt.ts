// The piece of a text that shows what was searched for.
import type { SearchResult } from "@godwit/client";

const kBefore = 40; // characters before the first match
const kLength = 160;

export function excerpt({ message, matches }: SearchResult): { text: string; match: boolean }[] {
  const text = message.content.kind === "text" ? message.content.text : "";
  const from = Math.max(0, (matches[0]?.start ?? 0) - kBefore);
  const to = Math.min(text.length, from + kLength);
  const parts = [{ text: from > 0 ? "…" : "", match: false }];
  let at = from;
  for (const { start, length } of [...matches].sort((a, b) => a.start - b.start)) {
    if (start < at || start + length > to) continue;
    parts.push({ text: text.slice(at, start), match: false }, { text: text.slice(start, start + length), match: true });
    at = start + length;
  }
  parts.push({ text: text.slice(at, to) + (to < text.length ? "…" : ""), match: false });
  return parts.filter((part) => part.text);
}

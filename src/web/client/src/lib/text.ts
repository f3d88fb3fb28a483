// Texts of messages: links in them, and whether they are nothing but a few emoji.

export type Piece = { text: string; href?: string };

const kLink = /\bhttps?:\/\/[^\s<>"'`]+/gi;
const kTrailing = /[.,;:!?…)\]}*_]+$/;
const kFewEmoji = 3;

export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(kLink)) {
    // A sentence's end is no part of the link, but a bracket is that opens within it.
    let href = match[0];
    const trailing = kTrailing.exec(href)?.[0] ?? "";
    if (!(trailing.startsWith(")") && href.includes("("))) href = href.slice(0, href.length - trailing.length);
    if (match.index > at) found.push({ text: text.slice(at, match.index) });
    found.push({ text: href, href });
    at = match.index + href.length;
  }
  if (at < text.length) found.push({ text: text.slice(at) });
  return found;
}

export function isFewEmoji(text: string): boolean {
  if (text.length > 40 || !/^(\p{Extended_Pictographic}|\p{Emoji_Component}|\s)+$/u.test(text) || /[0-9#*]/.test(text)) return false;
  const count = [...new Intl.Segmenter().segment(text.replace(/\s/g, ""))].length;
  return count > 0 && count <= kFewEmoji;
}

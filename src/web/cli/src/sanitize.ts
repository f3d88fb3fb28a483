// What others write must not move the cursor, change colours or turn the line around.

// eslint-disable-next-line no-control-regex
const kHarmful = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** Keeps line feeds, and makes spaces of tabs. */
export function sanitize(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll("\t", " ").replace(kHarmful, "\u{fffd}");
}

/** On one line. */
export function oneLine(text: string): string {
  return sanitize(text).replaceAll("\n", "↵");
}

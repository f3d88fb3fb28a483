// The rows of a conversation: messages, the days between them, and where the unread ones begin.
import type { Message, MessageId } from "@godwit/client";
import { dayOf } from "./format";

const kTogether = 5 * 60_000; // ms between messages of one writer that are shown as one group

type MessageRow = { kind: "message"; key: MessageId; message: Message; first: boolean; last: boolean };
export type Row = { kind: "day"; key: string; at: number } | { kind: "unread"; key: "unread" } | MessageRow;

/** The row that a message had last: while nothing of it changes it is the same object, and not drawn again. */
const rowOf = new WeakMap<Message, MessageRow>();

function messageRow(message: Message, first: boolean, last: boolean): MessageRow {
  const known = rowOf.get(message);
  if (known?.first === first && known.last === last) return known;
  const row: MessageRow = { kind: "message", key: message.id, message, first, last };
  rowOf.set(message, row);
  return row;
}

const isBubble = ({ content: { kind } }: Message): boolean => !["group", "timer", "security", "call"].includes(kind);

function together(a: Message | undefined, b: Message | undefined): boolean {
  if (!a || !b || !isBubble(a) || !isBubble(b)) return false;
  return a.from === b.from && b.at - a.at < kTogether && dayOf(a.at) === dayOf(b.at);
}

export function rowsOf(messages: readonly Message[], firstUnread?: MessageId): Row[] {
  const rows: Row[] = [];
  messages.forEach((message, i) => {
    const [before, after] = [messages[i - 1], messages[i + 1]];
    const day = dayOf(message.at);
    if (!before || dayOf(before.at) !== day) rows.push({ kind: "day", key: `day ${day} ${message.id}`, at: message.at });
    const unread = message.id === firstUnread;
    if (unread) rows.push({ kind: "unread", key: "unread" });
    const first = unread || !together(before, message);
    const last = after?.id === firstUnread || !together(message, after);
    rows.push(messageRow(message, first, last));
  });
  return rows;
}

/** As the SDK counts what is unread: lines between messages do not, but a missed call does. */
const counts = ({ own, content }: Message): boolean =>
  !own && (content.kind === "text" || content.kind === "unknown" || (content.kind === "call" && content.outcome === "missed"));

/** The first of the last `unread` messages of others. */
export function firstUnread(messages: readonly Message[], unread: number): MessageId | undefined {
  let left = unread;
  for (let i = messages.length - 1; i >= 0 && left > 0; --i) {
    const message = messages[i]!;
    if (counts(message) && --left === 0) return message.id;
  }
  return undefined;
}

/** How high a row will be, about: lines of text and what is around them, pixels. */
export function estimate(row: Row): number {
  if (row.kind !== "message") return 44;
  const { content, replyTo, reactions } = row.message;
  const text = content.kind === "text" ? content.text : "";
  const lines = text.split("\n").reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / 48)), 0);
  return 22 + 24 * Math.max(1, lines) + (row.first ? 10 : 2) + (replyTo ? 52 : 0) + (reactions.length ? 22 : 0);
}

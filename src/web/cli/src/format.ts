// Messages as lines for people, and as JSON for scripts.

import type { CallOutcome, Content, GroupChange, Message, SecurityEvent, SecurityKind } from "@godwit/client";
import { showDuration } from "./duration.js";
import type { Names } from "./names.js";
import { oneLine, sanitize } from "./sanitize.js";

const kTicks = { waiting: "…", sent: "✓", delivered: "✓✓", read: "✓✓ read", failed: "✗" } as const;

const kUnreadable = {
  before_joining: "written before this device was there",
  waiting: "its key has not come yet",
  failed: "it cannot be decrypted",
} as const;

const kOutcomes: Record<CallOutcome, string> = {
  ended: "call", missed: "missed call", cancelled: "cancelled call", rejected: "rejected call", busy: "call, was busy",
  failed: "call that failed", ongoing: "call that goes on",
};

const kSecurity: Record<SecurityKind, string> = {
  device_added: "has another device",
  device_removed: "has a device less",
  identity_changed: "has other keys: compare the safety number again",
  verified_changed: "was verified, and has other keys now: compare the safety number again",
  own_device_unknown: "this account has a device that none of its devices approved, or that was revoked: revoke it",
  unconfirmed_device: "has a device that none of their others approved",
  uninvited_device: "a device came into the group by the server's word alone",
  log_fork: "the server shows different key logs to different users: do not trust it",
  log_rollback: "the server's key log went back: nothing is sent; see: chat key-log",
  log_proof: "the server cannot prove its key log: do not trust it",
  replayed: "the server delivered something twice",
  reordered: "the server delivered something out of order",
  missing: "the server left something out",
  sender_mismatch: "the server named another sender than the encryption does",
};

export function time(at: number): string {
  const date = new Date(at);
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (date.toDateString() === new Date().toDateString()) return clock;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock}`;
}

function two(n: number): string {
  return String(n).padStart(2, "0");
}

export function ticks(message: Message): string {
  if (message.state === undefined) return "";
  if (message.state === "failed") return `${kTicks.failed} ${message.error?.code ?? ""}`.trim();
  const { receipts, state } = message;
  const some = receipts !== undefined && receipts.of > 1 && state === "sent" && receipts.delivered > 0;
  return some ? `✓ ${receipts.delivered}/${receipts.of}` : kTicks[state];
}

export function securityText({ kind, detail }: SecurityEvent, who: string): string {
  return [who, kSecurity[kind], detail === undefined ? "" : `(${oneLine(detail)})`].filter((part) => part !== "").join(" ");
}

/** "14:05 bob: hello", with what hangs on it. */
export async function line(message: Message, names: Names): Promise<string> {
  const { content, replyTo, reactions, editedAt, expiresAt } = message;
  const quote = replyTo === undefined ? "" : `> ${oneLine(replyTo.text ?? "(not here)")}\n    `;
  const more = [editedAt === undefined ? "" : "(edited)", expiresAt === undefined ? "" : `(until ${time(expiresAt)})`, ticks(message)];
  for (const { user, emoji } of reactions) more.push(`[${oneLine(emoji)} ${await names.of(user)}]`);
  const who = await names.of(message.from);
  const said = content.kind === "text" ? `${who}: ${quote}${sanitize(content.text).replaceAll("\n", "\n    ")}` : await event(content, who, names);
  return [`${time(message.at)} ${said}`, ...more].filter((part) => part !== "").join(" ");
}

async function event(content: Exclude<Content, { kind: "text" }>, who: string, names: Names): Promise<string> {
  switch (content.kind) {
    case "removed":
      return `${who}: (removed)`;
    case "unreadable":
      return `${who}: (unreadable: ${kUnreadable[content.reason]})`;
    case "group":
      return `* ${who} ${await groupChange(content.change, names)}`;
    case "timer":
      return `* ${who} set the timer: ${showDuration(content.timerS)}`;
    case "call":
      return `* ${kOutcomes[content.outcome]} of ${who}`;
    case "security":
      return `! ${securityText(content.event, content.event.user === undefined ? "" : await names.of(content.event.user))}`;
    case "unknown":
      return `${who}: (made by a newer version)`;
  }
}

async function groupChange(change: GroupChange, names: Names): Promise<string> {
  const parts: string[] = [];
  if (change.created) parts.push("made the group");
  if (change.name !== undefined) parts.push(`called it ${oneLine(change.name)}`);
  if (change.added !== undefined) parts.push(`added ${await names.ofAll(change.added)}`);
  if (change.removed !== undefined) parts.push(`removed ${await names.ofAll(change.removed)}`);
  if (change.left) parts.push("left");
  for (const { user, role } of change.roles ?? []) parts.push(`made ${await names.of(user)} ${role}`);
  if (change.settings) parts.push("changed the settings");
  return parts.join(", ");
}

/** One object a message; `from` is the name, `fromId` the user's id. */
export async function json(message: Message, title: string, names: Names, type = "message"): Promise<object> {
  const { id, chat, from, own, at, content, state, error, replyTo, reactions, editedAt, expiresAt } = message;
  return {
    type, chat, title, id, from: await names.of(from), fromId: from, own, at, ...content, state, error, replyTo: replyTo?.id,
    ...(reactions.length > 0 ? { reactions } : {}), editedAt, expiresAt,
  };
}

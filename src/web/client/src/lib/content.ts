// What is said about messages that are not texts, and about security.
import type { Content, GroupChange, SecurityEvent, UserId } from "@godwit/client";
import { durationText, timerText } from "./format";

type NameOf = (user: UserId) => string;

function list(users: readonly UserId[], nameOf: NameOf): string {
  const names = users.slice(0, 3).map(nameOf);
  if (users.length > 3) names.push(`${users.length - 3} more`);
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : (names[0] ?? "");
}

export function groupText(change: GroupChange, by: string, nameOf: NameOf): string {
  const parts: string[] = [];
  if (change.created) parts.push(`${by} made the group`);
  if (change.name !== undefined && !change.created) parts.push(`${by} named the group “${change.name}”`);
  if (change.added?.length) parts.push(`${list(change.added, nameOf)} joined`);
  if (change.left) parts.push(`${by} left`);
  else if (change.removed?.length) parts.push(`${by} removed ${list(change.removed, nameOf)}`);
  for (const { user, role } of change.roles ?? []) {
    parts.push(role === "member" ? `${nameOf(user)} is no admin any more` : `${nameOf(user)} is ${role === "owner" ? "the owner" : "an admin"} now`);
  }
  if (change.settings && !change.created) parts.push(`${by} changed the settings`);
  return parts.length ? `${parts.join(". ")}.` : `${by} changed the group.`;
}

export function callText(content: Extract<Content, { kind: "call" }>, own: boolean): string {
  const what = content.video ? "video call" : "voice call";
  const capital = what[0]!.toUpperCase() + what.slice(1);
  switch (content.outcome) {
    case "ended":
      return `${capital}, ${durationText(content.durationS)}`;
    case "ongoing":
      return `A ${what} goes on`;
    case "missed":
    case "cancelled":
      return own ? `${capital}, no answer` : `Missed ${what}`;
    case "rejected":
      return `${capital} declined`;
    case "busy":
      return `${capital}, busy`;
    case "failed":
      return `${capital} failed`;
  }
}

export function securityText(event: SecurityEvent, nameOf: NameOf): string {
  const who = event.user ? nameOf(event.user) : "Somebody";
  switch (event.kind) {
    case "device_added":
      return `${who} has a new device. Your safety number has changed.`;
    case "device_removed":
      return `${who} removed a device. Your safety number has changed.`;
    case "identity_changed":
      return `The keys of ${who} have changed. Compare your safety numbers.`;
    case "verified_changed":
      return `${who} was verified and has other keys now. Compare your safety numbers again.`;
    case "own_device_unknown":
      return "Your account has a device that none of yours approved. Look at your devices and sign it out.";
    case "unconfirmed_device":
      return `${who} has a device that no other of theirs approved.`;
    case "uninvited_device":
      return `A device of ${who} came in by the server's word alone. Compare your safety numbers.`;
    case "log_fork":
    case "log_rollback":
    case "log_proof":
      return "The server contradicts itself about keys. Do not trust it until its operator has explained that.";
    case "replayed":
    case "reordered":
      return "The server delivered messages twice or out of order.";
    case "missing":
      return "The server left out messages.";
    case "sender_mismatch":
      return "The server named a wrong sender for a message.";
  }
}

/** One line of any content, without its writer. */
export function previewText(content: Content, nameOf: NameOf, by = "", own = false): string {
  switch (content.kind) {
    case "text":
      return content.text;
    case "removed":
      return "This message was deleted";
    case "unreadable":
      return unreadableText(content.reason);
    case "group":
      return groupText(content.change, by, nameOf);
    case "timer":
      return content.timerS ? `Messages disappear after ${timerText(content.timerS)}` : "Messages do not disappear any more";
    case "call":
      return callText(content, own);
    case "security":
      return securityText(content.event, nameOf);
    case "unknown":
      return "This needs a newer version of Godwit";
  }
}

export function unreadableText(reason: Extract<Content, { kind: "unreadable" }>["reason"]): string {
  switch (reason) {
    case "before_joining":
      return "Sent before this device was linked";
    case "waiting":
      return "Waiting for the key to this message";
    case "failed":
      return "This message could not be decrypted";
  }
}

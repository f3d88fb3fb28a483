// What is said about messages that are not texts, and about security.
import type { Content, GroupChange, SecurityEvent, UserId } from "@godwit/client";
import { durationText, timerText } from "./format";

type NameOf = (user: UserId) => string;

function list(users: readonly UserId[], nameOf: NameOf): string {
  const names = users.slice(0, 3).map(nameOf);
  if (users.length > 3) names.push(`${users.length - 3} more`);
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : (names[0] ?? "");
}

/** Names stay as they are written. */
const begin = (name: string): string => (name === "you" ? "You" : name);

/** `nameOf` gives names as they are within a sentence: "you" for oneself. */
export function groupText(change: GroupChange, from: UserId, nameOf: NameOf): string {
  const by = begin(nameOf(from));
  const added = change.added?.filter((user) => user !== from) ?? [];
  const parts: string[] = [];
  if (change.created) parts.push(`${by} made the group`);
  else if (change.added?.includes(from)) parts.push(`${by} joined`);
  if (change.name !== undefined && !change.created) parts.push(change.name ? `${by} named the group “${change.name}”` : `${by} changed the name of the group`);
  if (added.length) parts.push(`${by} added ${list(added, nameOf)}`);
  if (change.left) parts.push(`${by} left`);
  else if (change.removed?.length) parts.push(`${by} removed ${list(change.removed, nameOf)}`);
  for (const { user, role } of change.roles ?? []) {
    if (role === "member") parts.push(`${by} took the admin rights from ${nameOf(user)}`);
    else parts.push(`${by} made ${nameOf(user)} ${role === "owner" ? "the owner" : "an admin"}`);
  }
  if (change.settings && !change.created) parts.push(`${by} changed the settings`);
  return parts.length ? `${parts.join(". ")}.` : `${by} changed the group.`;
}

export function callText(content: Extract<Content, { kind: "call" }>, own: boolean): string {
  const begins = content.video ? "Video call" : "Voice call";
  switch (content.outcome) {
    case "ended":
      return `${begins}, ${durationText(content.durationS)}`;
    case "ongoing":
      return `${begins} began`;
    case "missed":
    case "cancelled":
      return own ? `${begins}, no answer` : `Missed ${begins.toLowerCase()}`;
    case "rejected":
      return `${begins} declined`;
    case "busy":
      return `${begins}, busy`;
    case "failed":
      return `${begins} failed`;
  }
}

export function securityText(event: SecurityEvent, nameOf: NameOf): string {
  const who = event.user ? begin(nameOf(event.user)) : "Somebody";
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
      return "Your account has a device that none of yours approved, or that you had signed out. Look at your devices and sign it out.";
    case "unconfirmed_device":
      return `${who} has a device that no other of theirs approved.`;
    case "uninvited_device":
      return `A device of ${who} came in by the server's word alone. Compare your safety numbers.`;
    case "log_rollback":
      return "The server's key directory went back in time. Nothing is sent until you have looked at that.";
    case "log_fork":
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
export function previewText(content: Content, nameOf: NameOf, from: UserId = "", own = false): string {
  switch (content.kind) {
    case "text":
      return content.text;
    case "removed":
      return "This message was deleted";
    case "unreadable":
      return unreadableText(content.reason);
    case "group":
      return groupText(content.change, from, nameOf);
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

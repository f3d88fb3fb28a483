// What an error says to the person who uses the application.
import { GodwitError } from "@godwit/client";

const kTexts: Partial<Record<string, string>> = {
  already_member: "They are in the group already.",
  audience_empty: "Nobody would see this status. Add contacts, or change who may see it.",
  call_answered: "The call was answered on another device.",
  call_exists: "You are in a call already.",
  call_full: "The call is full.",
  call_not_found: "The call is over.",
  closed: "Godwit was closed in this tab.",
  code_invalid: "That code is wrong or has expired.",
  consent_needed: "They have not accepted your first message yet.",
  delivery_unavailable: "The code could not be sent. Try again later.",
  device_not_found: "That device is signed out already.",
  device_revoked: "This device was signed out.",
  disconnected: "There is no connection to the server.",
  encryption_failed: "The keys do not fit. Nothing was sent.",
  group_full: "The group is full.",
  handle_invalid: "A user name has 3 to 32 small letters, digits, dots, dashes or underscores; a number begins with +.",
  handle_taken: "That name is taken.",
  ice_unavailable: "This server has no relay for calls.",
  invite_invalid: "That invite is unknown, used up or expired.",
  invite_link_invalid: "That link is unknown, revoked, used up or expired.",
  link_invalid: "That code has expired or was used. Show a new one.",
  not_allowed: "You may not do that here.",
  not_found: "It is not on this device.",
  not_supported: "This browser cannot do that.",
  outbox_full: "Too many messages are waiting. Wait for a connection.",
  overloaded: "The server is busy. Try again in a moment.",
  rate_limited: "That was too much at once. Try again in a moment.",
  refused_by_privacy: "They do not allow that.",
  registration_closed: "This server takes no new accounts.",
  storage_full: "This device has no room left.",
  storage_unavailable: "The server cannot store anything now. Try again later.",
  timeout: "The server does not answer.",
  too_large: "That is too long.",
  too_many_devices: "The account has as many devices as it may.",
  unreadable: "The key to it has not come yet.",
  user_not_found: "There is nobody of that name.",
};

export const codeText = (error: { code: string; message: string }): string => kTexts[error.code] ?? `${error.message}.`;

export function errorText(error: unknown): string {
  if (error instanceof GodwitError) return codeText(error);
  if (error instanceof DOMException && error.name === "NotAllowedError") return "The browser does not allow that. Look at what it permits this page.";
  if (error instanceof DOMException && error.name === "NotFoundError") return "No camera or microphone was found.";
  return error instanceof Error ? error.message : String(error);
}

// Ids and their forms: bytes on the wire, strings towards the application.

import type { ChatId, MessageId, UserId } from "./api.js";
import type { ChatRef } from "./e2e/api.js";

const kHex = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));

export function toHex(bytes: Uint8Array): string {
  let out = "";
  for (const byte of bytes) out += kHex[byte];
  return out;
}

export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(hex.length >> 1);
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return out;
}

export function toBase64Url(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** A UUIDv7 (RFC 9562). `nowMs` should follow the server's clock, which refuses times far from its own. */
export function uuid7(nowMs: number): Uint8Array<ArrayBuffer> {
  const id = crypto.getRandomValues(new Uint8Array(16));
  const view = new DataView(id.buffer);
  view.setUint16(0, Math.floor(nowMs / 2 ** 32));
  view.setUint32(2, nowMs >>> 0);
  id[6] = (id[6]! & 0x0f) | 0x70;
  id[8] = (id[8]! & 0x3f) | 0x80;
  return id;
}

/** The time in a UUIDv7, milliseconds. */
export function uuid7Time(id: Uint8Array): number {
  return id.length === 16 ? Number.parseInt(toHex(id.subarray(0, 6)), 16) : 0;
}

/** When the server accepted an entry; 0 for one without an id. */
export function acceptedAt({ id, timeDeltaMs }: { id: Uint8Array; timeDeltaMs: bigint }): number {
  return uuid7Time(id) + Number(timeDeltaMs);
}

export function messageId(id: Uint8Array): MessageId {
  return toHex(id);
}

export function directChat(user: bigint | UserId): ChatId {
  return `u${user}`;
}

export function groupChat(group: Uint8Array): ChatId {
  return `g${toHex(group)}`;
}

/** The chat as requests and the encryption name it: `peer` or `chat`. */
export function chatRef(chat: ChatId): ChatRef {
  if (/^u\d{1,20}$/.test(chat)) return { peer: BigInt(chat.slice(1)) };
  if (/^g[0-9a-f]{32}$/.test(chat)) return { chat: fromHex(chat.slice(1)) };
  throw new TypeError(`not a chat: ${chat}`);
}

/** The chat that a request's or envelope's pair of fields names. */
export function chatOf(peer: bigint, chat: Uint8Array): ChatId {
  return chat.length > 0 ? groupChat(chat) : directChat(peer);
}

/** Concatenates; numbers are big endian, of 8 (bigint) or 4 bytes (number). */
export function bytesOf(...parts: (Uint8Array | string | bigint | number)[]): Uint8Array<ArrayBuffer> {
  const pieces = parts.map((part) => {
    if (typeof part === "string") return new TextEncoder().encode(part);
    if (part instanceof Uint8Array) return part;
    const bytes = new Uint8Array(typeof part === "bigint" ? 8 : 4);
    const view = new DataView(bytes.buffer);
    if (typeof part === "bigint") view.setBigUint64(0, part);
    else view.setUint32(0, part);
    return bytes;
  });
  const out = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/**
 * What is inside an encrypted message around the content of the app: the message's id, so that the server cannot give it
 * another; now and then the head of the key log that the sender knows (gossip, transparency/heads.ts); and, with the first
 * message of a device in an epoch, the group's secret.
 *
 * The **group's secret** is 32 random bytes, made with the group and the same for as long as it lives. Whoever is added
 * gets it with the welcome; whoever comes in by themselves gets it with the first message of anybody. It encrypts what
 * outlives epochs: the group's name. Somebody who was removed still has it, but the server does not give them the name.
 */
import { concat, equal } from "../bytes.js";
import { decodeHead, encodeHead, kHeadBytes, type Head } from "../transparency/heads.js";

export interface Frame {
  content: Uint8Array;
  head: Head | undefined;
  secret: Uint8Array | undefined;
}

const kFormat = 1;
const kHasHead = 1;
const kHasSecret = 2;
const kIdBytes = 16;
const kSecretBytes = 32;

export function encodeFrame(id: Uint8Array, { content, head, secret }: Frame): Uint8Array {
  if (id.length !== kIdBytes) throw new Error("a message id has 16 bytes");
  const flags = (head ? kHasHead : 0) | (secret ? kHasSecret : 0);
  return concat(Uint8Array.of(kFormat, flags), id, head ? encodeHead(head) : new Uint8Array(), secret ?? new Uint8Array(), content);
}

/** Undefined: malformed, or of another message than `id`. */
export function decodeFrame(id: Uint8Array, bytes: Uint8Array): Frame | undefined {
  if (bytes[0] !== kFormat || !equal(bytes.subarray(2, 2 + kIdBytes), id)) return undefined;
  const flags = bytes[1]!;
  let at = 2 + kIdBytes;
  const take = (has: number, length: number) => {
    if (!(flags & has)) return undefined;
    const part = bytes.slice(at, at + length);
    at += length;
    return part;
  };
  const head = take(kHasHead, kHeadBytes);
  const secret = take(kHasSecret, kSecretBytes);
  if (at > bytes.length) return undefined;
  return { content: bytes.slice(at), head: head && decodeHead(head), secret };
}

// What messages say, to and from the bytes that are encrypted (proto/content.proto).

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { GodwitError } from "../errors.js";
import { type Content as Wire, ContentSchema, type Profile as WireProfile, ProfileSchema } from "../gen/content_pb.js";
import { toBase64Url } from "../ids.js";
import type { ProfileRecord } from "./records.js";

export type { Wire };
export type Body = Wire["body"];

/** Text of a message, bytes of UTF-8. */
export const kMaxText = 44 * 1024;
const kMaxEmoji = 64;
const kMaxName = 128;
export const kMaxAvatar = 12 * 1024;

export function encodeContent(body: MessageInit, profile?: WireProfile): Uint8Array {
  return toBinary(ContentSchema, create(ContentSchema, { body, profile }));
}

type MessageInit = NonNullable<Parameters<typeof create<typeof ContentSchema>>[1]>["body"];
export type BodyInit = MessageInit;

/** Undefined when it is no Content, or beyond the limits of one: what its sender made is wrong. */
export function decodeContent(bytes: Uint8Array): Wire | undefined {
  let content: Wire;
  try {
    content = fromBinary(ContentSchema, bytes);
  } catch {
    return undefined;
  }
  const { body, profile } = content;
  if (body.case === "reaction" && body.value.emoji.length > kMaxEmoji) return undefined;
  if (profile !== undefined && (profile.name.length > kMaxName || profile.avatar.length > kMaxAvatar)) content.profile = undefined;
  return content;
}

/** The same content for a message that it replies to and that has another id now. */
export function replyingTo(bytes: Uint8Array, id: Uint8Array): Uint8Array {
  const content = fromBinary(ContentSchema, bytes);
  if (content.body.case === "text" && content.body.value.replyTo.length > 0) content.body.value.replyTo = id;
  return toBinary(ContentSchema, content);
}

export function checkText(text: string): void {
  if (text === "") throw new GodwitError("invalid_argument", "the text is empty");
  if (new TextEncoder().encode(text).length > kMaxText) throw new GodwitError("too_large", `a text has at most ${kMaxText} bytes`);
}

export function wireProfile({ version, name, avatar }: { version: number; name?: string; avatar?: { type: string; data: Uint8Array } }): WireProfile {
  return create(ProfileSchema, { version: BigInt(version), name, avatar: avatar?.data, avatarType: avatar?.type });
}

/** What a profile says of a user, if it is newer than what is known. */
export function newerProfile(known: ProfileRecord, told: WireProfile): ProfileRecord | undefined {
  if (Number(told.version) <= known.version) return undefined;
  return {
    ...known,
    version: Number(told.version),
    name: told.name === "" ? undefined : told.name,
    avatar: told.avatar.length === 0 ? undefined : { type: told.avatarType, data: toBase64Url(told.avatar) },
  };
}

/** What a chat is called in keys of rows and in MLS. */
import type { ChatRef } from "../api.js";
import { be64, concat, fromHex, hex, utf8 } from "../bytes.js";

/** Short text, the same for the same chat: `d` and the peer, or `g` and the group. */
export function nameOf(chat: ChatRef): string {
  return chat.chat ? `g${hex(chat.chat)}` : `d${chat.peer}`;
}

export function chatOfName(name: string): ChatRef {
  return name.startsWith("g") ? { chat: fromHex(name.slice(1)) } : { peer: BigInt(name.slice(1)) };
}

/** The group id in MLS: the group's 16 bytes, or for a direct chat the same on both sides. */
export function groupIdOf(self: bigint, chat: ChatRef): Uint8Array {
  if (chat.chat) return chat.chat;
  const [first, second] = self < chat.peer ? [self, chat.peer] : [chat.peer, self];
  return concat(utf8("godwit-direct"), be64(first), be64(second));
}

// What is stored of chats and messages, and under which keys. Values are JSON, encrypted by the store.
//
//   account                     who this device is (AccountRecord)
//   cursor                      position in the inbox, decimal
//   incarnation, gone-back      of a server that may have been restored from a backup (sync/inbox.ts)
//   c/<chat>                    a chat (ChatRecord); all of them are in memory while the client is open
//   g/<chat>                    settings and members of a group (GroupRecord)
//   m/<chat>/<place>            a message (MessageRecord); place, in order of the chat: 16 hex digits of the position, with
//                               ".<12 hex digits of a time>" for lines of this device alone; "p<12 hex digits>" in the outbox
//   i/<chat>/<message id>       the place of a message
//   k/<message id>             the chat of a message about a call
//   o/<12 hex digits>           the outbox, in order
//   x/<12 hex digits>/<chat>/<place>   when a message is to go
//   u/<user>                    a profile (ProfileRecord)
//   e2e/...                     the encryption's own

import type { ChatId, Content, Message, MessageId, Reaction, Role, UserId } from "../api.js";

export interface ChatRecord {
  id: ChatId;
  kind: "direct" | "group";
  peer?: UserId;
  /** A group's name, decrypted. */
  name?: string;
  /** A group's name as the server has it (base64url), while it cannot be decrypted. */
  sealedName?: string;
  lastAt: number;
  /** The highest position known. */
  end: number;
  /** The newest entry that came: its position, 0 once the server has lost it, and the server's time. */
  newest?: { seq: number; at: number };
  /** Positions at or below `end` that have not come, as [first, last]; at most 32. */
  holes: [number, number][];
  /** How far the user has read. */
  read: number;
  /** What the server has to be told of it. */
  readPending?: number;
  unread: number;
  markedUnread: boolean;
  peerDelivered: number;
  peerRead: number;
  previewPlace?: string;
  preview?: { id: MessageId; from: UserId; kind: Content["kind"]; text: string; content?: Content; at: number };
  pinned: boolean;
  archived: boolean;
  mutedUntil: number;
  timerS: number;
  request: boolean;
  blocked: boolean;
  /** The user blocked the peer at some time: positions of then are left out for good, and their absence says nothing. */
  wasBlocked?: boolean;
  left: boolean;
  /** Of groups. */
  version: number;
  role?: Role;
  memberCount?: number;
  draft?: string;
  /** The version of the user's profile that the chat was told. */
  profileTold: number;
}

/** Of `mutedUntil`: JSON has no Infinity. */
export const kForGood = Number.MAX_SAFE_INTEGER;

export interface GroupRecord {
  version: number;
  mayPost: Role;
  mayAdd: Role;
  mayRename: Role;
  members: Record<UserId, Role>;
  /** It has a name: the first one, which it gets once it is encrypted, is no change that is told. */
  named?: boolean;
}

/** As the application sees it, but for what follows from the chat. `raw`: content of a kind not known yet (base64url). */
export type MessageRecord = Omit<Message, "state" | "own"> & { failed?: boolean; raw?: string; reactions: Reaction[] };

export interface ProfileRecord {
  userId: UserId;
  handle?: string;
  name?: string;
  alias?: string;
  avatar?: { type: string; data: string };
  /** Content.Profile.version of `name` and `avatar`. */
  version: number;
}

export const keys = {
  chat: (chat: ChatId) => `c/${chat}`,
  group: (chat: ChatId) => `g/${chat}`,
  message: (chat: ChatId, place: string) => `m/${chat}/${place}`,
  index: (chat: ChatId, id: MessageId) => `i/${chat}/${id}`,
  call: (id: MessageId) => `k/${id}`,
  outbox: (n: number) => `o/${hex12(n)}`,
  expiry: (at: number, chat: ChatId, place: string) => `x/${hex12(at)}/${chat}/${place}`,
  user: (user: UserId) => `u/${user}`,
};

export function hex12(n: number): string {
  return n.toString(16).padStart(12, "0");
}

/** The place of an accepted message. */
export function placeAt(seq: number): string {
  return seq.toString(16).padStart(16, "0");
}

/** The place of a line of this device alone, behind position `seq`. */
export function localPlace(seq: number, at: number): string {
  return `${placeAt(seq)}.${hex12(at)}`;
}

export function waitingPlace(n: number): string {
  return `p${hex12(n)}`;
}

export function newChat(id: ChatId): ChatRecord {
  const direct = id.startsWith("u");
  return {
    id,
    kind: direct ? "direct" : "group",
    ...(direct ? { peer: id.slice(1) } : {}),
    lastAt: 0,
    end: 0,
    holes: [],
    read: 0,
    unread: 0,
    markedUnread: false,
    peerDelivered: 0,
    peerRead: 0,
    pinned: false,
    archived: false,
    mutedUntil: 0,
    timerS: 0,
    request: false,
    blocked: false,
    left: false,
    version: 0,
    profileTold: 0,
  };
}

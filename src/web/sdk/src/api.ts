// The public surface of the SDK. Everything an application touches is described here; the rest of the folders is how.
//
// Ids are strings, so that they can be keys and be compared: a user id is decimal, a message, call or status id has 32 hex
// digits (a UUIDv7), a chat is "u" and the other user's id, or "g" and the 32 hex digits of the group. Times are
// milliseconds since the Unix epoch. Whatever fails rejects with a GodwitError (see errors.ts).

import type { GodwitError } from "./errors.js";

/** A user: the decimal id. Handles are found by `Client.lookup`. */
export type UserId = string;
/** A chat: "u<user id>" for a direct one, "g<32 hex digits>" for a group. */
export type ChatId = string;
/** A message: 32 hex digits, made by its sender. */
export type MessageId = string;

/** What `open` needs. */
export interface OpenOptions {
  /** Where the server is: "wss://host/v1/ws" ("ws:" for tests on one's own machine). */
  url: string;
  /** Where this device keeps what it knows. Absent: IndexedDB where there is one, else memory. See store/. */
  storage?: StorageOptions;
  /** Keeps several accounts of one storage apart; any name. Default "default". */
  account?: string;
  /** Told to the operator of the server, at most 64 bytes. */
  clientName?: string;
  /** In place of the global WebSocket. */
  WebSocket?: WebSocketConstructor;
  /** In place of the global RTCPeerConnection; without either, calls fail with `not_supported`. */
  RTCPeerConnection?: typeof globalThis.RTCPeerConnection;
  /** Does not connect until `connect` is called. */
  offline?: boolean;
  /** Times and bounds; the defaults suit people. */
  tuning?: Partial<Tuning>;
}

/** Bounds and times, in milliseconds unless said otherwise. */
export interface Tuning {
  /** How long a request waits for its reply, then rejects with `timeout`. Default 20,000. */
  requestTimeout: number;
  /** First pause before connecting again; doubles with every failure. Default 500. */
  backoffMin: number;
  /** Longest pause before connecting again. Default 60,000. */
  backoffMax: number;
  /** How often a failing message is tried before its state is "failed". Default 12. */
  sendAttempts: number;
  /** Messages that wait in the outbox, beyond which `send` rejects with `outbox_full`. Default 10,000. */
  outboxMax: number;
  /** Silence after which a sign of life is sent. Default 60,000; the server's keepalive may make it less. */
  pingInterval: number;
}

/** A storage of the platform. */
export type StorageOptions =
  /** IndexedDB, values encrypted by a key that cannot be extracted. Falls back to memory, with event "storage". */
  | { kind: "indexeddb"; name?: string }
  /** Nothing survives. */
  | { kind: "memory" }
  /** An own one; `@godwit/client/node` has one on LevelDB, `nodeStorage(directory)`. */
  | { kind: "custom"; open(account: string): Promise<import("./store/store.js").KeyValueStore> };

/** What is used of a WebSocket. */
export type WebSocketConstructor = new (url: string, protocols?: string | string[]) => WebSocketLike;
/** What is used of a WebSocket. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  send(data: Uint8Array): void;
  close(code?: number, reason?: string): void;
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
}

/** Who this device is. */
export interface Account {
  userId: UserId;
  deviceId: number;
  handle: string;
}

/**
 * - `none`: this device has no account; register or link it.
 * - `offline`: no connection, and none is tried (no network, or `disconnect`).
 * - `connecting`: a connection is tried; `retryAt` tells when, after a failure.
 * - `catching_up`: connected; what came meanwhile is being received.
 * - `online`: everything has been received.
 * - `stopped`: the server does not want this device back; `reason` tells why (revoked, account_deleted, replaced, ...).
 */
export type ConnectionState = "none" | "offline" | "connecting" | "catching_up" | "online" | "stopped";

/** How accounts are made on a server. */
export type RegistrationMode = "open" | "invite" | "verified" | "closed";

/** A device of one account, connected or not. */
export interface Client {
  /** Absent until registered or linked. */
  readonly account: Account | undefined;
  /** How far the connection is. */
  readonly state: ConnectionState;
  readonly chats: Chats;
  readonly messages: Messages;
  readonly groups: Groups;
  readonly statuses: Statuses;
  readonly presence: PresenceApi;
  readonly calls: Calls;
  readonly devices: Devices;
  readonly settings: Settings;
  readonly contacts: ContactsApi;
  readonly safety: Safety;

  /** What this server wants of who registers. Connects if need be. */
  registrationMode(): Promise<RegistrationMode>;
  /** Has a verification code sent to the handle, where the server wants one. */
  requestCode(handle: string): Promise<{ expiresS: number; retryAfterS: number }>;
  /** Makes an account with this device. `handle_taken`, `handle_invalid`, `invite_invalid`, `code_invalid`, `registration_closed`. */
  register(registration: { handle: string; deviceName?: string; invite?: string; code?: string }): Promise<Account>;
  /**
   * Asks to be linked to an account that exists. Show `text` as QR code; `linked` resolves when a device of the account has
   * approved. A linked device starts from now: what was before was not encrypted for it.
   */
  linkThisDevice(options?: { deviceName?: string }): Promise<LinkOffer>;

  /** Connects, and stays connected until `disconnect` or `close`. */
  connect(): void;
  /** Goes offline; messages wait in the outbox. */
  disconnect(): void;
  /** A hint of the platform: true tries a connection at once, false stops trying. Browsers' events are heard anyhow. */
  setOnline(online: boolean): void;
  /** Finishes what is being written, closes connection and storage. The client is of no use afterwards. */
  close(): Promise<void>;

  /** Finds a user by handle. `user_not_found`. */
  lookup(handle: string): Promise<UserId>;
  /** What is known here of a user. A handle that is not is asked for: event "profile" tells it. */
  user(id: UserId): Promise<Profile>;
  /**
   * Sends a text to a handle, a user id ("u...") or a group ("g..."); short for `messages.send`. Returns as soon as the
   * message is stored in the outbox, online or not, but a handle that was never looked up needs a connection.
   */
  send(to: string, text: string): Promise<Message>;

  /** Hears an event; returns what ends that. A listener that throws does not keep others from hearing. */
  on<K extends keyof Events>(event: K, listener: (value: Events[K]) => void): () => void;
}

/** Offers this device for linking. */
export interface LinkOffer {
  /** What the QR code holds: "godwit-link:1:...". */
  text: string;
  /** Until when it is good. */
  expiresAt: number;
  /** Resolves when linked; rejects when it expired or was cancelled. */
  linked: Promise<Account>;
  /** Takes the offer back, for good: if it is approved all the same, the device that it makes is signed out at once. */
  cancel(): void;
}

/** What can be heard by `Client.on`. */
export interface Events {
  /** The connection changed. */
  connection: { state: ConnectionState; retryAt?: number; reason?: string };
  /** This device has an account now, or (undefined) none any more. */
  account: Account | undefined;
  /** A message came from somebody else, and is stored. */
  message: Message;
  /** A stored message changed or is new, own ones too: state, text, reactions, removal. */
  messageChanged: Message;
  /** A message is gone from this device. */
  messageRemoved: { chat: ChatId; id: MessageId };
  /** A chat is new or changed: order, preview, unread, settings, members. */
  chat: Chat;
  /** A chat is gone from this device. */
  chatRemoved: { chat: ChatId };
  /** Somebody began or stopped typing. */
  typing: Typing;
  /** The presence of a watched user changed. */
  presence: Presence;
  /** What is known of a user changed. */
  profile: Profile;
  /** A status came, went, was seen, or its count of views moved: ask `statuses.list` or `own` again. */
  statuses: { author: UserId; id?: string; removed?: boolean; views?: number };
  /** Somebody calls, or began a call in a group of at most 32 members. */
  call: Call;
  /** A call changed: phase, participants, streams. */
  callChanged: Call;
  /** Positions of messages were lost before they came here, and the history could not bring them back. */
  gap: { chat?: ChatId; from: number; to: number };
  /** Something that the user must be told about keys, or the server. Also a line in the chat, where there is one. */
  security: SecurityEvent;
  /**
   * `memory`: the storage was refused (private mode), nothing will survive. `full`: it takes no more; receiving pauses
   * until there is room, the server keeps the messages. `ok`: it works again. `failed`: it broke.
   */
  storage: { state: "memory" | "full" | "ok" | "failed"; error?: unknown };
  /** Something failed that nobody waited for. */
  error: GodwitError;
}

/** What the user must be told about keys, or the server. */
export interface SecurityEvent {
  kind: SecurityKind;
  /** Whom it is about; the user themself for their own devices. */
  user?: UserId;
  chat?: ChatId;
  device?: number;
  /** For people who want to know more. */
  detail?: string;
}

/**
 * - `device_added`, `device_removed`: a user has another device now.
 * - `identity_changed`: a device has other keys than before.
 * - `verified_changed`: a user whose safety number was verified has other keys now.
 * - `own_device_unknown`: one's own account has a device that none of one's devices approved, or one that was revoked before and is
 *   back: revoke it.
 * - `unconfirmed_device`: a user's device is not approved by any other of theirs.
 * - `uninvited_device`: a device came into a group by the server's word alone.
 * - `log_rollback`: the server's key log is not the one from before. Either its operator has restored it from a backup, or it
 *   lies. Nothing is encrypted until the user accepts it (`Safety.acceptKeyLog`).
 * - `log_proof`: the server cannot prove what it says of keys, which no restore explains. Nothing is encrypted.
 * - `log_fork`: a peer's key log is signed by another key: either they cheat, or the server shows two logs.
 * - `replayed`, `reordered`: the server delivered a message twice under another position, or out of order.
 * - `missing`: the server left out a position of a chat.
 * - `sender_mismatch`: the encryption says another sender than the server does.
 */
export type SecurityKind =
  | "device_added" | "device_removed" | "identity_changed" | "verified_changed" | "own_device_unknown" | "unconfirmed_device"
  | "uninvited_device"
  | "log_fork" | "log_rollback" | "log_proof" | "replayed" | "reordered" | "missing" | "sender_mismatch";

/** What is known of a user. */
export interface Profile {
  userId: UserId;
  handle?: string;
  /** As they wrote it inside an encrypted message. */
  name?: string;
  /** A small picture, as they sent it: type and bytes, at most 12 KiB. */
  avatar?: { type: string; data: Uint8Array };
  /** A name that the user of this device gave them; goes before `name`. */
  alias?: string;
}

/** A chat in the list. */
export interface Chat {
  id: ChatId;
  kind: "direct" | "group";
  /** The other side of a direct chat. */
  peer?: UserId;
  /** What to show: alias, name or handle of the peer; the name of the group. */
  title: string;
  /** Messages from others after what the user has read. */
  unread: number;
  /** The user marked it as unread. */
  markedUnread: boolean;
  /** When something last happened; chats are sorted by `pinned`, then this, newest first. */
  lastAt: number;
  /** The last message: its text, shortened, or what it is instead. */
  preview?: { id: MessageId; from: UserId; kind: Content["kind"]; text: string; content?: Content; at: number; state?: MessageState };
  pinned: boolean;
  archived: boolean;
  /** No notifications until then; 0 is not muted, Infinity for good. */
  mutedUntil: number;
  /** Seconds that messages live in it; 0 is without end. */
  timerS: number;
  /** A stranger's message waits for `chats.answerRequest`. */
  request: boolean;
  blocked: boolean;
  /** The user left the group or was removed. */
  left: boolean;
  /** The user's role in the group. */
  role?: Role;
  memberCount?: number;
  /** Text that the user has written and not sent. */
  draft?: string;
}

/** waiting: in the outbox. sent: at the server. delivered, read: by the other side, in groups by all. failed: see `error`. */
export type MessageState = "waiting" | "sent" | "delivered" | "read" | "failed";

/** A message as it is stored here. */
export interface Message {
  id: MessageId;
  chat: ChatId;
  from: UserId;
  fromDevice: number;
  /** Sent by this user, from any device. */
  own: boolean;
  /** Position in the chat; 0 until accepted. */
  seq: number;
  /** When the server accepted it; until then when it was written. */
  at: number;
  content: Content;
  /** Only of own messages. */
  state?: MessageState;
  /** In groups, of own messages: how many have received and read it. */
  receipts?: { delivered: number; read: number; of: number };
  /** With state "failed": why; `messages.retry` tries again. */
  error?: { code: string; message: string };
  replyTo?: Quote;
  /** The status that it answers. */
  replyToStatus?: string;
  reactions: Reaction[];
  /** When it was last edited. */
  editedAt?: number;
  /** When it goes from this device; absent: never. */
  expiresAt?: number;
}

/** What a message answers. */
export interface Quote {
  id: MessageId;
  from?: UserId;
  /** As it was when answered, shortened; absent when it is not here. */
  text?: string;
}

/** A reaction of one user. */
export interface Reaction {
  user: UserId;
  emoji: string;
  at: number;
}

/** What a message is. */
export type Content =
  | { kind: "text"; text: string }
  /** Removed for everyone, or expired. */
  | { kind: "removed"; by?: UserId }
  /**
   * Cannot be read here. `before_joining`: from before this device was there. `waiting`: what it needs has not come yet.
   * `failed`: it is damaged, or the state of the encryption was lost.
   */
  | { kind: "unreadable"; reason: "before_joining" | "waiting" | "failed" }
  /** A change of the group. */
  | { kind: "group"; change: GroupChange }
  /** The chat's timer was set. */
  | { kind: "timer"; timerS: number }
  /** A call that is over; one of a group may still go on. */
  | { kind: "call"; callId: string; video: boolean; outcome: CallOutcome; durationS: number; participants: number }
  /** Keys have changed, or the server misbehaves. */
  | { kind: "security"; event: SecurityEvent }
  /** Made by a newer version; kept, and shown once this one understands it. */
  | { kind: "unknown"; type: number };

/** What became of a call. */
export type CallOutcome = "ended" | "missed" | "cancelled" | "rejected" | "busy" | "failed" | "ongoing";

/** What changed in a group. */
export interface GroupChange {
  created?: boolean;
  name?: string;
  settings?: boolean;
  added?: UserId[];
  removed?: UserId[];
  left?: boolean;
  roles?: { user: UserId; role: Role }[];
}

/** The list of chats, which is kept on this device. */
export interface Chats {
  /** Sorted: pinned first, then the newest. Archived ones only when asked for. */
  list(options?: { archived?: boolean }): Promise<Chat[]>;
  /** One chat; undefined when there is none here. */
  get(chat: ChatId): Promise<Chat | undefined>;
  /** The direct chat with a user, made here if need be. Accepts a handle, too. */
  openDirect(user: UserId | string): Promise<Chat>;
  /** Tells that the user has read everything up to a message, or (without) everything. */
  markRead(chat: ChatId, upTo?: MessageId): Promise<void>;
  markUnread(chat: ChatId): Promise<void>;
  /** On this device. */
  pin(chat: ChatId, pinned: boolean): Promise<void>;
  /** On this device. */
  archive(chat: ChatId, archived: boolean): Promise<void>;
  /** On this device. 0 lifts it. */
  mute(chat: ChatId, until: number): Promise<void>;
  /** Keeps what the user has not sent yet. */
  setDraft(chat: ChatId, text: string): Promise<void>;
  /** Sets how long messages live that are sent from now on, seconds; 0 is without end. */
  setTimer(chat: ChatId, seconds: number): Promise<void>;
  /** Lets a stranger write, or blocks them and drops what came. */
  answerRequest(chat: ChatId, accept: boolean): Promise<void>;
  /** Blocks or unblocks a user; they are not told. */
  block(user: UserId, blocked: boolean): Promise<void>;
  /** Whom the account blocks. */
  blocked(): Promise<UserId[]>;
  /** Removes all messages of a chat from this device. */
  clear(chat: ChatId): Promise<void>;
  /** Tells that the user is typing; call it with every key stroke, it is sent every few seconds. */
  typing(chat: ChatId, state?: "typing" | "recording" | "stopped"): void;
}

/** A page of messages. */
export interface MessagePage {
  /** Oldest first. */
  messages: Message[];
  /** There are older ones here or at the server. */
  more: boolean;
}

/** Messages: those of this device, and sending. */
export interface Messages {
  /** The newest before a message, or the newest of all. Reads from this device, and from the server's history beyond. */
  page(chat: ChatId, options?: { before?: MessageId; limit?: number }): Promise<MessagePage>;
  /** Those around a message, for jumping to it. */
  around(chat: ChatId, id: MessageId, limit?: number): Promise<MessagePage>;
  get(chat: ChatId, id: MessageId): Promise<Message | undefined>;
  /**
   * Stores the message in the outbox and returns. `outbox_full`; `too_large` beyond 44 KiB of text. Written without a
   * connection under a wrong clock it gets another id when it is sent: events `messageRemoved`, `messageChanged`.
   */
  send(chat: ChatId, draft: Draft): Promise<Message>;
  /** Resolves when all that was written (edits and reactions, too) is at the server or has failed. Waits for a connection. */
  settled(): Promise<void>;
  /** Tries a failed message again, under the same id (under a new one when the old was refused as too old). */
  retry(chat: ChatId, id: MessageId): Promise<void>;
  /** Another text for an own message. */
  edit(chat: ChatId, id: MessageId, text: string): Promise<void>;
  /** Sets the user's reaction; "" takes it back. */
  react(chat: ChatId, id: MessageId, emoji: string): Promise<void>;
  /** For everyone: one's own, in groups as an admin others', too. Else from one's own devices only. */
  remove(chat: ChatId, id: MessageId, forEveryone: boolean): Promise<void>;
  /** How far each member has got with an own message of a group. */
  receipts(chat: ChatId, id: MessageId): Promise<{ user: UserId; delivered: boolean; read: boolean }[]>;
  /** What is here about calls of all chats, newest first. */
  calls(options?: { before?: MessageId; limit?: number }): Promise<Message[]>;
  /** Finds messages on this device by words, beginnings of words too; newest first. */
  search(query: string, options?: SearchOptions): Promise<SearchResult[]>;
}

/** What is written. */
export interface Draft {
  text: string;
  replyTo?: MessageId;
  /** The status that it answers. */
  replyToStatus?: string;
  /** Seconds that it lives; absent: as the chat says. */
  ttlS?: number;
}

/** How to search. */
export interface SearchOptions {
  /** Only in this chat. */
  chat?: ChatId;
  /** At most so many. Default 50. */
  limit?: number;
  /** While messages are still being indexed: called with what is found so far, and how far the index is, 0 to 1. */
  onPartial?(results: SearchResult[], progress: number): void;
  /** Ends the search early. */
  signal?: AbortSignal;
}

/** A message that was found. */
export interface SearchResult {
  message: Message;
  /** Where in the text the words begin, and how long they are. */
  matches: { start: number; length: number }[];
}

/** What a member may do. */
export type Role = "member" | "admin" | "owner";

/** A member of a group. */
export interface GroupMember {
  user: UserId;
  role: Role;
}

/** What members may do: the least role for each. */
export interface GroupSettings {
  mayPost: Role;
  mayAdd: Role;
  mayRename: Role;
  timerS: number;
}

/** A group. */
export interface Group {
  chat: ChatId;
  name: string;
  settings: GroupSettings;
  members: GroupMember[];
  /** Only for admins. */
  banned: UserId[];
}

/** A link by which others join. */
export interface InviteLink {
  id: string;
  /** Only when it was made just now: the server does not keep it. */
  link?: string;
  expiresAt: number;
  usesLeft?: number;
  /** Who comes by it waits for an admin. */
  approve: boolean;
  madeBy: UserId;
}

/** Groups. All of these need a connection. */
export interface Groups {
  /** Makes a group and adds members; those who do not want to be added are in `notAdded`. */
  create(group: { name: string; members: UserId[]; settings?: Partial<GroupSettings> }): Promise<{ chat: ChatId; notAdded: UserId[] }>;
  get(chat: ChatId): Promise<Group>;
  rename(chat: ChatId, name: string): Promise<void>;
  setSettings(chat: ChatId, settings: Partial<GroupSettings>): Promise<void>;
  add(chat: ChatId, users: UserId[]): Promise<{ notAdded: UserId[] }>;
  /** Removes members; with `ban` they may not come back. */
  remove(chat: ChatId, users: UserId[], options?: { ban?: boolean }): Promise<void>;
  unban(chat: ChatId, users: UserId[]): Promise<void>;
  /** "owner" hands the group over. */
  setRole(chat: ChatId, user: UserId, role: Role): Promise<void>;
  leave(chat: ChatId): Promise<void>;
  makeInviteLink(chat: ChatId, options?: { expiresS?: number; maxUses?: number; approve?: boolean }): Promise<InviteLink>;
  inviteLinks(chat: ChatId): Promise<InviteLink[]>;
  revokeInviteLink(chat: ChatId, id: string): Promise<void>;
  /** `waiting`: an admin must let the user in; the group appears when that happens. */
  join(link: string): Promise<{ chat: ChatId; waiting: boolean }>;
  joinRequests(chat: ChatId): Promise<UserId[]>;
  answerJoin(chat: ChatId, user: UserId, accept: boolean): Promise<void>;
}

/** A status: gone after a day. */
export interface StatusPost {
  id: string;
  author: UserId;
  at: number;
  expiresAt: number;
  seen: boolean;
  muted: boolean;
}

/** What a status shows. */
export interface StatusContent {
  text: string;
  /** Any CSS colour. */
  background?: string;
}

/** Statuses. All of these need a connection. */
export interface Statuses {
  /** Those of others, not seen ones first. */
  list(options?: { withMuted?: boolean }): Promise<StatusPost[]>;
  own(): Promise<(StatusPost & { viewers: number; views: number })[]>;
  /** Opens one; does not tell that it was seen. Rejects with `unreadable` when its key has not come yet. */
  open(author: UserId, id: string): Promise<StatusContent>;
  /** Only contacts see it: all but some, or only some. Default: as in the privacy settings. */
  post(content: StatusContent, audience?: { except: UserId[] } | { only: UserId[] }): Promise<StatusPost>;
  markSeen(author: UserId, id: string): Promise<void>;
  remove(id: string): Promise<void>;
  mute(author: UserId, muted: boolean): Promise<void>;
  views(id: string): Promise<{ user: UserId; at: number }[]>;
  /** Answers a status in the direct chat with its author. */
  reply(author: UserId, id: string, text: string): Promise<Message>;
}

/** How present a user is. */
export interface Presence {
  user: UserId;
  /** hidden: not told. */
  state: "online" | "idle" | "offline" | "hidden";
  lastSeenAt?: number;
}

/** Somebody types. Ends by itself when not told again. */
export interface Typing {
  chat: ChatId;
  user: UserId;
  state: "typing" | "recording" | "stopped";
}

/** Presence. */
export interface PresenceApi {
  /** How present the user is at this device. */
  set(state: "online" | "idle" | "offline"): void;
  /** Watches users, across reconnects, at most 1,000; what ends that is returned. Changes come as event "presence". */
  watch(users: UserId[]): () => void;
  /** The last known of a watched user. */
  get(user: UserId): Presence | undefined;
}

/** A call. */
export interface Call {
  id: string;
  chat: ChatId;
  video: boolean;
  /** This device called or began it. */
  outgoing: boolean;
  phase: "calling" | "ringing" | "connecting" | "active" | "reconnecting" | "ended";
  /** When it was answered. */
  startedAt?: number;
  endReason?: CallOutcome | "elsewhere" | "lost";
  /** This device's camera and microphone. */
  localStream?: MediaStream;
  participants: CallParticipant[];
  muted: boolean;
  cameraOff: boolean;
}

/** A device in a call, other than this one. */
export interface CallParticipant {
  user: UserId;
  device: number;
  stream?: MediaStream;
  connected: boolean;
}

/** Calls: signalling is end-to-end encrypted, media flows between devices. */
export interface Calls {
  /** Those that ring or go on. */
  list(): Call[];
  /** Calls the peer of a direct chat, or begins or joins the call of a group (at most 8 devices). */
  start(chat: ChatId, options: { video: boolean; stream?: MediaStream }): Promise<Call>;
  /** Answers a call that rings; of a group, joins it. */
  answer(id: string, options?: { stream?: MediaStream }): Promise<Call>;
  /** Declines it, on all devices; of a group, only ends the ringing on this one. */
  reject(id: string): Promise<void>;
  hangUp(id: string): Promise<void>;
  setMuted(id: string, muted: boolean): void;
  setCameraOff(id: string, off: boolean): void;
  /** Another camera or microphone. */
  setStream(id: string, stream: MediaStream): Promise<void>;
  /** Whether a group has a call now. */
  ongoing(chat: ChatId): Promise<{ id: string; video: boolean; participants: UserId[] } | undefined>;
}

/** A device of the account. */
export interface Device {
  id: number;
  name: string;
  addedAt: number;
  lastSeenAt?: number;
  online: boolean;
  current: boolean;
  approvedBy?: number;
}

/** The account's devices. */
export interface Devices {
  list(): Promise<Device[]>;
  rename(id: number, name: string): Promise<void>;
  /** Signs a device out for good. */
  revoke(id: number): Promise<void>;
  /** Lets a new device in by the text of its QR code. `link_invalid`, `too_many_devices`. */
  approve(linkText: string): Promise<{ deviceId: number }>;
}

/** Who may see or do something. */
export interface PrivacyRule {
  audience: "everyone" | "contacts" | "nobody";
  except: UserId[];
}

/** The account's privacy settings. */
export interface Privacy {
  lastSeen: PrivacyRule;
  online: PrivacyRule;
  profile: PrivacyRule;
  status: PrivacyRule;
  mayAddMe: PrivacyRule;
  hideReadReceipts: boolean;
  askFirst: boolean;
}

/** Settings of the account. */
export interface Settings {
  privacy(): Promise<Privacy>;
  setPrivacy(change: Partial<Privacy>): Promise<Privacy>;
  /** The user's own name and picture, which chats get with the next message. */
  profile(): Promise<Profile>;
  setProfile(profile: { name?: string; avatar?: { type: string; data: Uint8Array } }): Promise<void>;
  /** Everything the server holds, as JSON lines, and everything on this device. */
  exportAccount(onProgress?: (bytes: number) => void): Promise<Blob>;
  /** Deletes the account for good, and everything on this device. */
  deleteAccount(): Promise<void>;
  /** Revokes this device and removes everything on it; in state `stopped`, where the server refuses it, only the latter. */
  signOut(): Promise<void>;
}

/** A contact: somebody who counts as "contacts" in the privacy settings. */
export interface Contact extends Profile {}

/** The account's contacts. */
export interface ContactsApi {
  list(): Promise<Contact[]>;
  /** The alias is encrypted for the user's own devices. */
  add(user: UserId, alias?: string): Promise<void>;
  remove(user: UserId): Promise<void>;
  /** Which of these handles are users here; the server sees keyed hashes. */
  find(handles: string[]): Promise<{ handle: string; user: UserId }[]>;
}

/** What two users compare to be sure of one another. */
export interface SafetyNumber {
  /** 60 digits. */
  digits: string;
  /** For a QR code. */
  qr: string;
  verified: boolean;
}

/** What is wrong with the server's key log, of events `log_rollback` and `log_proof`: only the first may be accepted. */
export interface KeyLogFault {
  kind: "log_rollback" | "log_proof";
  /** For people who want to know more. */
  detail: string;
}

/** Verification of users, and of the server. */
export interface Safety {
  /** Needs a connection unless the user's keys are known. */
  number(user: UserId): Promise<SafetyNumber>;
  /** Compares what was scanned. */
  compare(user: UserId, scannedQr: string): Promise<boolean>;
  setVerified(user: UserId, verified: boolean): Promise<void>;
  /** Reads and checks all of the server's key log. */
  auditKeyLog(onProgress?: (done: number, of: number) => void): Promise<{ entries: number; ok: boolean; detail?: string }>;
  /** Why nothing is encrypted at present. After a restart it is found again once there is a connection, and told by event `security`. */
  keyLogFault(): KeyLogFault | undefined;
  /**
   * Goes on with the key log that the server has now, after a `log_rollback`, and connects. To be called only for a user who
   * was told what it means: that the operator should have restored the server, that devices which were signed out since the
   * backup are back, and that safety numbers are to be compared again where it matters. Who has other keys in this log than
   * before is told as ever. Rejects with `wrong_state` when there is nothing to accept.
   */
  acceptKeyLog(): Promise<void>;
}

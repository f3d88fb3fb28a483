/**
 * What the core of the SDK and its encryption expect of each other.
 *
 * The encryption is MLS (RFC 9420): every chat, direct or group, is an MLS group whose members are all devices of all
 * its users, and whose epoch is the chat's epoch at the server.
 *
 * **Who writes.** Messages are opened and sealed within a {@link Transaction}. It changes nothing by itself: the core
 * stores `writes()` in one batch with the messages, the cursor or the outbox entry, and then calls `done()`. So a crash
 * leaves either both or neither, and no message key is ever used twice. What concerns no message of the core (commits
 * under way, published keys, heads of the key log) is handed to {@link E2eHost.write} as one batch.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ClientFrameSchema, Envelope, GroupChanged, KeyStock, ServerFrame, Welcome } from "../gen/godwit_pb.js";

/** A put, or a delete where `value` is absent. All keys begin with `e2e/`; values are secret and must be stored encrypted. */
export interface Write {
  key: string;
  value: Uint8Array | undefined;
}

/** Names a chat: a direct one by its other party, a group by its 16 bytes. */
export type ChatRef = { peer: bigint; chat?: undefined } | { chat: Uint8Array; peer?: undefined };

/** Names a device of a user. */
export interface Device {
  userId: bigint;
  deviceId: number;
}

/** Body of a request, and of its reply. */
export type RequestBody = NonNullable<MessageInitShape<typeof ClientFrameSchema>["body"]>;
export type ReplyBody = ServerFrame["body"];

/** An Ed25519 key whose private half stays where it is. */
export interface SigningKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 64 bytes over `message`. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** A signing key at rest: a CryptoKey that cannot be exported, or else its 32 byte seed. */
export type StoredKey = { publicKey: Uint8Array } & ({ privateKey: CryptoKey } | { seed: Uint8Array });

/** Where signing keys are kept. Saved keys survive a restart; names are short ASCII. */
export interface KeyVault {
  /** Whether it can keep a CryptoKey (IndexedDB can). Otherwise it is given seeds, which it stores encrypted. */
  readonly keepsCryptoKeys: boolean;
  load(name: string): Promise<StoredKey | undefined>;
  save(name: string, key: StoredKey): Promise<void>;
}

/** What the encryption needs of the core. One host is one account on one device. */
export interface E2eHost {
  readonly userId: bigint;
  readonly deviceId: number;
  /** The device key, made by `makeSigningKey` before the account was ({@link device-keys}). */
  readonly deviceKey: SigningKey;
  readonly vault: KeyVault;
  /** Reads what was written before; writes of open transactions are not seen. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** All entries whose key begins with `prefix`, in order of key. */
  list(prefix: string): Promise<Array<[key: string, value: Uint8Array]>>;
  /** Stores all of `writes`, or throws and stores none. */
  write(writes: Write[]): Promise<void>;
  /**
   * Asks the server. A refusal is thrown as an error with `code` (ErrorCode) and, where the server told, `epoch` (of
   * stale_epoch) and `extra` (of device_list_stale). A lost connection is thrown as any other error: nothing is known
   * of the outcome, and the same request may be repeated on the next connection.
   */
  request(body: RequestBody): Promise<ReplyBody>;
  /** Told what happens by itself. Must not throw. */
  emit(event: E2eEvent): void;
  /** Milliseconds since the Unix epoch, by the server's clock as well as it is known. */
  now(): number;
}

/** What happens by itself. The core shows it: a line in the chat, or an alarm. */
export type E2eEvent =
  /** A device came into the encryption of a chat. `by`: a member added it; it is of a user who is in already and came by
   * itself; it came by an invite link that a member made; or the server alone says that it may (a link without the
   * members' part, or one that this device cannot check): then somebody may be in who was not invited. */
  | { kind: "device_added"; chat: ChatRef; device: Device; by: "member" | "itself" | "link" | "server" }
  /** A device is out of the encryption of a chat. */
  | { kind: "device_removed"; chat: ChatRef; device: Device }
  /** The identity of a user has changed: a device was added or removed, or has a new key. Safety numbers changed; if the
   * user was verified (`wasVerified`), they no longer are. */
  | { kind: "identity_changed"; userId: bigint; wasVerified: boolean; added: number[]; removed: number[]; rekeyed: number[] }
  /** This device came into, or back into, the encryption of a chat: what was sent before cannot be read here. */
  | { kind: "joined"; chat: ChatRef; rejoined: boolean }
  /** This device is out of the encryption of a chat: its user left, or was removed. */
  | { kind: "left"; chat: ChatRef }
  /** The key log has devices for one's own account that none of its devices approved, or that were revoked before: somebody
   * else can read along. */
  | { kind: "unknown_own_device"; devices: number[] }
  /** A message of this user tells of a key log that is signed by another key: either they cheat, or the server shows
   * each of you a log of its own. Comparing safety numbers tells. */
  | { kind: "log_differs"; userId: bigint }
  /** The server or the network cheats: proofs that do not hold, a log that was rewritten, two logs for two users. Every
   * use of keys stops until the account is opened anew, or the user accepts the log ({@link E2e.acceptLog}). */
  | ({ kind: "server_lied" } & LogFault)
  /** The server was restored from an older backup, or says so. What was encrypted and not accepted yet must be encrypted
   * anew. Once in a connection. */
  | { kind: "went_back" }
  /** Work of its own failed, such as joining a chat. It is tried again when there is a reason to. */
  | { kind: "failed"; error: unknown };

/** What is wrong with the key log. */
export interface LogFault {
  /** For people. */
  what: string;
  /** It is what a server does, too, that was restored from a backup. */
  acceptable: boolean;
}

/** Why content cannot be read. */
export type UnreadableReason =
  /** It was sent before this device was in the chat. */
  | "before_joining"
  /** This device lost its state and came back later than the message. */
  | "state_lost"
  /** The keys of that time are deleted already: it came too late, or twice. */
  | "too_late"
  /** It was altered, or made by somebody who is not its sender. */
  | "forged";

/** What an envelope brought. */
export type Opened =
  /** Content of the app, from a device whose identity is proved. */
  | { kind: "content"; content: Uint8Array; from: Device }
  /** Nothing for the app: a commit, or an entry without ciphertext. ChatEvents of the envelope count as ever. */
  | { kind: "none" }
  /** There is content, which cannot be read. */
  | { kind: "unreadable"; reason: UnreadableReason };

/**
 * A unit of work. At most one is open at a time, `begin` waits for the one before. Any number of messages may be opened
 * and sealed in it; state is encoded once, by `writes`, before which all
 * that is being opened must be awaited.
 */
export interface Transaction {
  /**
   * Opens an envelope of an inbox or of a page of history, in the order of the chat; several may be under way, which is
   * quicker than one after the other. Never throws for what a sender
   * made; throws when keys could not be looked up (the connection was lost): then `abort`, acknowledge nothing, and
   * begin again on the next connection.
   */
  open(envelope: Envelope): Promise<Opened>;
  /**
   * Encrypts content for a chat. The result is `Send.payload`; `id` is `Send.id`, which the recipients check. Throws {@link NotReadyError} when the chat must be made
   * ready first; then `abort`, await {@link E2e.ready}, and begin again.
   */
  seal(chat: ChatRef, id: Uint8Array, content: Uint8Array): Promise<Uint8Array>;
  /** All changes so far, to be stored in one batch with what they belong to. */
  writes(): Write[];
  /** The writes are stored. Ends the transaction. */
  done(): void;
  /** The writes were not stored. Ends the transaction; all is as before it. */
  abort(): void;
}

/** `seal` without `ready`. */
export class NotReadyError extends Error {
  override readonly name = "NotReadyError";
}

/** Why `ready` and changes of members fail for good, until something changes. */
export type E2eErrorCode =
  /** The other party has no device with keys. */
  | "no_keys"
  /** Proofs do not hold (event `server_lied`). */
  | "server_lied"
  /** There is no fault of the key log, or none that may be accepted. */
  | "nothing_to_accept"
  /** The chat has no group info, so this device cannot come in by itself: another member must add it. */
  | "no_group_info"
  /** This device rejoined too often lately; later again. */
  | "rejoining_too_often"
  /** The group's secret is not known yet: it comes with the next message of somebody who knows it. */
  | "no_secret"
  /** Others changed the chat at the same time, again and again. */
  | "too_many_races";

export class E2eError extends Error {
  override readonly name = "E2eError";
  constructor(
    readonly code: E2eErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** A change of who is in a group. */
export interface MemberChange {
  add?: bigint[];
  remove?: bigint[];
  ban?: bigint[];
}

/** The safety number of two users. */
export interface SafetyNumber {
  /** 60 digits, the same on both sides. */
  digits: string;
  /** For a QR code; checked by `verifySafetyNumber`. */
  qr: Uint8Array;
  /** The user was verified, and their keys have not changed since. */
  verified: boolean;
}

/** The encryption of one account on one device. */
export interface E2e {
  /**
   * To be called after every Welcome, before envelopes are opened. Checks the key log, publishes keys when the stock is
   * low, sends commits again whose answer was lost. Idempotent.
   */
  connected(welcome: Welcome): Promise<void>;
  /** To be called for every push KeyStock. */
  stock(stock: KeyStock): Promise<void>;
  /**
   * To be called when the server turns out to have gone back to an earlier time, before envelopes are opened that it gave
   * out since. Every chat is compared with the server's when it is next used, and joined anew where it does not fit; key
   * packages are replaced. Idempotent within a connection.
   */
  wentBack(): Promise<void>;

  begin(): Promise<Transaction>;

  /**
   * Brings a chat into a state in which it can be written to: makes the encryption of a direct chat, joins by itself,
   * takes out devices that are no more. Quick when there is nothing to do. Needs envelopes to be opened meanwhile: must
   * not be awaited inside a transaction. Throws {@link E2eError}, or what `request` threw.
   */
  ready(chat: ChatRef): Promise<void>;

  /** Makes the encryption of a group that was just made (CreateGroup with `encrypted`) by this device. */
  createGroup(chat: Uint8Array): Promise<void>;
  /** ChangeGroup with a commit. At most 200 users at a time are added in a commit; more are several commits, and the last reply
   * is returned, with everybody's `not_added`. Who is in already is left out. */
  changeMembers(chat: Uint8Array, change: MemberChange): Promise<GroupChanged>;
  /** AnswerJoin; accepting comes with a commit. */
  answerJoin(chat: Uint8Array, userId: bigint, accept: boolean): Promise<GroupChanged>;
  /** What to pass on of a link (InviteLink.link, InviteLink.link_id): with a part that the server does not know. Throws
   * E2eError `no_secret`. */
  extendLink(chat: Uint8Array, link: string, linkId: Uint8Array): Promise<string>;
  /** JoinGroup, by what `extendLink` gave, or by a plain link. `chat_seq` 0 in the reply: it waits for an admin. */
  joinGroup(link: string): Promise<GroupChanged>;

  /** Encrypts a group's name (GroupSettings names are opaque to the server). Needs a chat that is ready. */
  encryptName(chat: Uint8Array, name: string): Promise<Uint8Array>;
  /** Undefined when the key is not known yet: it comes with the first message of somebody who knows it. */
  decryptName(chat: Uint8Array, encrypted: Uint8Array): Promise<string | undefined>;

  /** Encrypts what passes between the devices of a call (offers, answers, candidates). `callId` binds it to the call. */
  sealCall(chat: ChatRef, callId: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array>;
  /** Undefined: not from a device of this chat, or for another call. */
  openCall(chat: ChatRef, callId: Uint8Array, sealed: Uint8Array): Promise<Uint8Array | undefined>;

  /** Encrypts for the user's other devices, each by itself: `Send.device_payloads` of a message to oneself. Empty: there are no others. */
  sealToSelf(plaintext: Uint8Array): Promise<Array<{ userId: bigint; deviceId: number; payload: Uint8Array }>>;
  /** What another device of the user sent by `sealToSelf`; undefined when it is not from one. */
  openFromSelf(envelope: Envelope): Promise<Uint8Array | undefined>;

  /**
   * Encrypts a status with the author's present status key. `keyMessage` must have been sent, sealed as content, to every
   * viewer in `newViewers` before (their direct chats) so that they can read it; the core takes it for content of its
   * kind `status_key` and hands it to `learnStatusKey` at the other end. The key changes when somebody is no longer in
   * the audience.
   */
  sealStatus(audience: bigint[], plaintext: Uint8Array): Promise<{ payload: Uint8Array; keyMessage: Uint8Array; newViewers: bigint[]; writes: Write[] }>;
  /** Keeps a status key of `author`. */
  learnStatusKey(author: bigint, keyMessage: Uint8Array): Promise<Write[]>;
  /** Undefined: the key is not known (yet), or the payload was altered. */
  openStatus(author: bigint, payload: Uint8Array): Promise<Uint8Array | undefined>;

  /** Needs a connection unless the user's keys were looked up lately. */
  safetyNumber(userId: bigint): Promise<SafetyNumber>;
  /** Compares a scanned QR payload. True marks the user as verified. */
  verifySafetyNumber(userId: bigint, qr: Uint8Array): Promise<boolean>;
  /** Marks by hand, after comparing digits, or takes the mark away. */
  setVerified(userId: bigint, verified: boolean): Promise<void>;

  /** Reads and checks the whole key log: that it is as its head says, and that no user's chain of entries was broken. Throws E2eError `server_lied`. `progress` gets entries read, of all. */
  auditKeyLog(progress?: (read: number, of: number) => void): Promise<{ entries: number; users: number }>;

  /** Why nothing is encrypted at present: the fault of the key log that was told by `server_lied`. Told again after a
   * restart, on the next connection, unless it is gone by then. */
  logFault(): LogFault | undefined;
  /**
   * The user goes on with the key log that the server has now: its key and its next head are kept as on the first
   * connection. What is known of users stays, and changes against it are told at their next lookup. Takes effect with
   * the next `connected`. Throws E2eError `nothing_to_accept`.
   */
  acceptLog(): Promise<void>;

  /** Ends work of its own. Transactions must be ended before. */
  close(): void;
}

/** What is known of the encryption of a chat, and its rows. */
import type { Device, Write } from "../api.js";
import { fromHex, hex, utf8 } from "../bytes.js";
import type { Mls, MlsState } from "../mls.js";
import { readState, stateKeys, stateWrites } from "../mls-rows.js";

export interface ChatState {
  /** Absent: this device is not in the group, or not any more. */
  mls: MlsState | undefined;
  /** The epoch with which this device came in; messages of earlier ones cannot be read. */
  joinedEpoch: bigint | undefined;
  /** The state does not fit the chat any more (a commit is missing or cannot be followed): this device has to join anew. */
  lost: boolean;
  /** It is lost because the server has gone back: so it may be for whoever else followed the chat until then. */
  wentBack: boolean;
  /** Of how many restores of the server it is known that this state fits what the server had after them (restores.ts). */
  era: number;
  /** Something came that does not fit it: it is to be compared with what the server has. */
  doubtful: boolean;
  /** Devices that may not be able to follow what this device did when it came in after a restore: the next commit takes them
   * out and in again. */
  behind: Device[];
  /** Users who left or were deleted, whose devices the next commit takes out. */
  departed: bigint[];
  /** The group's secret (frame.ts), once it is known. */
  secret: Uint8Array | undefined;
  /** The epoch in which this device last told the secret. */
  secretTold: bigint | undefined;
  /** The size of the key log in the head that this device last told here. */
  headTold: bigint;
  /** When this device last put a fresh key of its own into the group, milliseconds since the Unix epoch. */
  renewedMs: number;
  /** When this device joined by itself lately, milliseconds since the Unix epoch. */
  joins: number[];
  /** A commit that was sent and not answered. */
  pending: Pending | undefined;
}

/** A commit under way. Kept until it is answered, since it may have been accepted although the answer was lost. */
export interface Pending {
  /** Id of the request, 16 bytes. */
  id: Uint8Array;
  endsEpoch: bigint;
  /** The request, an encoded ClientFrame: it is repeated as it was. */
  frame: Uint8Array;
  /** The state after it. */
  next: MlsState;
  /** It brings this device in. */
  joins: boolean;
  added: Device[];
  removed: Device[];
}

export const kNoChat: ChatState = {
  mls: undefined, joinedEpoch: undefined, lost: false, wentBack: false, era: 0, doubtful: false, behind: [], departed: [],
  secret: undefined, secretTold: undefined, headTold: 0n, renewedMs: 0, joins: [], pending: undefined,
};

export const kChatRows = "e2e/chat/";
/** One row for each chat with a pending commit, so that they are found without reading all chats. */
export const kPendingRows = "e2e/pending/";
const prefixOf = (name: string) => `${kChatRows}${name}/`;

/** The rows that differ between what is stored and `now`. */
export function chatWrites(name: string, before: ChatState, now: ChatState): Write[] {
  const prefix = prefixOf(name);
  return [
    { key: `${prefix}info`, value: encodeInfo(now) },
    ...mlsWrites(`${prefix}mls/`, before.mls, now.mls),
    ...mlsWrites(`${prefix}next/`, before.pending?.next, now.pending?.next),
    ...(!before.pending === !now.pending ? [] : [{ key: kPendingRows + name, value: now.pending && Uint8Array.of(1) }]),
  ];
}

function mlsWrites(prefix: string, before: MlsState | undefined, now: MlsState | undefined): Write[] {
  if (before === now) return [];
  const writes = now ? stateWrites(prefix, before, now) : [];
  if (!before) return writes;
  // What only the state before had is deleted, should another group have taken its place.
  const kept = new Set(writes.map((write) => write.key));
  const gone = stateKeys(prefix, before).filter((key) => !kept.has(key) && !(now && sharesRow(before, now, key)));
  return [...gone.map((key) => ({ key, value: undefined })), ...writes];
}

/** Rows that `stateWrites` left as they are because both states have the same object. */
function sharesRow(before: MlsState, now: MlsState, key: string): boolean {
  const [kind, digits] = key.split("/").slice(-2);
  const epoch = /^\d+$/.test(digits ?? "") ? BigInt(digits!) : undefined;
  if (epoch === undefined) return false;
  const at = (state: MlsState) => (state.groupContext.epoch === epoch ? state : state.historicalReceiverData.get(epoch));
  const [was, is] = [at(before), at(now)];
  if (!was || !is) return false;
  return kind === "tree" ? was.ratchetTree === is.ratchetTree : now.historicalReceiverData.has(epoch);
}

/** Reads a chat back. */
export function readChat(mls: Mls, name: string, rows: Array<[string, Uint8Array]>): ChatState {
  const prefix = prefixOf(name);
  const under = (part: string) => rows.filter(([key]) => key.startsWith(`${prefix}${part}/`));
  const info = rows.find(([key]) => key === `${prefix}info`)?.[1];
  if (!info) return kNoChat;
  const { pending, ...rest } = decodeInfo(info);
  const state = readState(mls, `${prefix}mls/`, under("mls"));
  const next = pending && readState(mls, `${prefix}next/`, under("next"));
  // A damaged state is a lost one, from which the chat comes back by itself.
  return { ...rest, lost: rest.lost || (rest.joinedEpoch !== undefined && !state), mls: state, pending: pending && next && { ...pending, next } };
}

type StoredInfo = Omit<ChatState, "mls" | "pending"> & { pending: Omit<Pending, "next"> | undefined };

function encodeInfo(state: ChatState): Uint8Array {
  const info = { ...state, mls: undefined, pending: state.pending && { ...state.pending, next: undefined } };
  return utf8(JSON.stringify(info, (_key, value: unknown) => {
    if (typeof value === "bigint") return { n: value.toString() };
    if (value instanceof Uint8Array) return { x: hex(value) };
    return value;
  }));
}

function decodeInfo(bytes: Uint8Array): StoredInfo {
  const info = JSON.parse(new TextDecoder().decode(bytes), (_key, value: unknown) => {
    if (value && typeof value === "object" && "n" in value) return BigInt(value.n as string);
    if (value && typeof value === "object" && "x" in value) return fromHex(value.x as string);
    return value;
  }) as Partial<StoredInfo>;
  return { ...kNoChat, pending: undefined, ...info };
}

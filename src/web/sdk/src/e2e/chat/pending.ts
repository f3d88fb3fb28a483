/** Commits under way: made, sent, and accepted or refused. Exactly one of many for the same epoch is accepted. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ClientFrameSchema, ErrorCode, type Commit } from "../../gen/godwit_pb.js";
import type { ChatRef, Device, E2eHost, ReplyBody, RequestBody } from "../api.js";
import { hex, randomBytes } from "../bytes.js";
import { leavesOf, nameOfDevice, sameDevice, seenLeaves, without } from "../leaves.js";
import type { MadeCommit, MlsState } from "../mls.js";
import { codeOf } from "../requests.js";
import type { Restores } from "../restores.js";
import { nameOf } from "./chat-id.js";
import type { ChatState, Pending } from "./chat-state.js";
import type { Chats, Work } from "./chats.js";

/** How a request for a commit ended. */
export type Outcome = { kind: "accepted"; reply: ReplyBody } | { kind: "race"; epoch: bigint } | { kind: "stale_devices" };

/** What goes to the server with a commit. `payload` is left out where the request has it elsewhere (Send). */
export function commitFields(made: MadeCommit, endsEpoch: bigint, joins: Device[], payload: boolean): Omit<Commit, "$typeName" | "ratchetTree"> {
  return {
    endsEpoch,
    payload: payload ? made.commit : new Uint8Array(),
    groupInfo: made.groupInfo,
    welcome: made.welcome ?? new Uint8Array(),
    joins: joins.map((device) => ({ $typeName: "godwit.v1.DeviceRef" as const, ...device })),
  };
}

/** Keeps a commit, so that it is sent until it is answered. False: there is one already, and one at a time. */
export async function keep(tx: Work, chat: ChatRef, body: RequestBody, pending: Omit<Pending, "frame">): Promise<boolean> {
  if ((await tx.get(nameOf(chat))).pending) return false;
  await tx.update(nameOf(chat), { pending: { ...pending, frame: toBinary(ClientFrameSchema, create(ClientFrameSchema, { body })) } });
  return true;
}

/** Users whom the device that comes in first after a restore of the server brings in. In larger chats each comes in by itself. */
const kMaxBroughtIn = 200;

/**
 * Who cannot follow since the server has gone back, by the state from before: whom nobody has let in since, and who has not
 * come in by themselves. Whoever came in before this device may not have known them.
 */
export function stuckIn(before: MlsState | undefined, tree: MlsState["ratchetTree"]): Device[] {
  const stuck = before ? seenLeaves(before, tree) : [];
  return new Set(stuck.map((leaf) => leaf.userId)).size <= kMaxBroughtIn ? stuck.map(nameOfDevice) : [];
}

/** The commit is the chat's: its state becomes ours. */
export async function accept(host: E2eHost, tx: Work, chat: ChatRef, era: number): Promise<void> {
  const name = nameOf(chat);
  const { pending, mls, departed, joinedEpoch, renewedMs, secretTold, wentBack, behind } = await tx.get(name);
  if (!pending) return;
  const comesIn = pending.joins || joinedEpoch === undefined;
  // A commit that only adds has no path (RFC 9420, section 12.4), and so no new key of the one who made it.
  const renews = comesIn || pending.removed.length > 0 || pending.added.length === 0;
  const removed = new Set(pending.removed.map((device) => device.userId));
  const comesBack = pending.joins && wentBack;
  const others = comesBack ? leavesOf(pending.next.ratchetTree).filter((leaf) => !sameDevice(leaf, host)) : [];
  await tx.update(name, {
    pending: undefined, lost: false, wentBack: false, era, doubtful: false, mls: pending.next,
    behind: comesBack ? stuckIn(mls, pending.next.ratchetTree) : without(behind, pending.removed),
    departed: comesBack ? [] : departed.filter((user) => !removed.has(user)),
    renewedMs: renews ? host.now() : renewedMs,
    secretTold: comesIn ? undefined : secretTold,
    joinedEpoch: comesIn ? pending.next.groupContext.epoch : joinedEpoch,
  });
  // Whom the members had taken out is in again because the server says so.
  const before = new Set(comesBack && mls ? leavesOf(mls.ratchetTree).map((leaf) => leaf.userId) : []);
  const uninvited = others.filter((leaf) => !before.has(leaf.userId)).map(nameOfDevice);
  tx.after(() => {
    for (const device of without(pending.added, pending.removed)) host.emit({ kind: "device_added", chat, device, by: "member" });
    for (const device of without(pending.removed, pending.added)) host.emit({ kind: "device_removed", chat, device });
    for (const device of uninvited) host.emit({ kind: "device_added", chat, device, by: "server" });
    if (pending.joins) host.emit({ kind: "joined", chat, rejoined: joinedEpoch !== undefined || mls !== undefined });
  });
}

/** Sends the chat's pending commit; undefined: there is none (any more). Throws what the server refuses for good. */
export async function submit(host: E2eHost, chats: Chats, restores: Restores, chat: ChatRef): Promise<Outcome | undefined> {
  const name = nameOf(chat);
  const { pending } = await chats.read(name);
  if (!pending) return undefined;
  const ours = async (tx: Work) => hex((await tx.get(name)).pending?.id ?? new Uint8Array()) === hex(pending.id);
  const drop = (more: Partial<ChatState> = {}) => chats.change(async (tx) => void ((await ours(tx)) && (await tx.update(name, { pending: undefined, ...more }))));
  try {
    const reply = await host.request(fromBinary(ClientFrameSchema, pending.frame).body as RequestBody);
    await chats.change(async (tx) => void ((await ours(tx)) && (await accept(host, tx, chat, restores.era))));
    return { kind: "accepted", reply };
  } catch (error) {
    const code = codeOf(error);
    // It may have been accepted: it stays, and is sent again.
    if (code === undefined || code === ErrorCode.internal) throw error;
    const epoch = (error as { epoch?: bigint }).epoch ?? pending.endsEpoch + 1n;
    if (code === ErrorCode.stale_epoch && epoch < pending.endsEpoch) {
      await restores.noticed();
      await drop({ lost: true, wentBack: true });
      return { kind: "race", epoch };
    }
    await drop();
    if (code === ErrorCode.stale_epoch) return { kind: "race", epoch };
    // Extra names of users (device_id 0) are not devices that went: the change as a whole is refused.
    const extra = (error as { extra?: Array<{ deviceId: number }> }).extra ?? [];
    if (code === ErrorCode.device_list_stale && extra.every((device) => device.deviceId !== 0)) return { kind: "stale_devices" };
    throw error;
  }
}

/** A UUIDv7 (RFC 9562) for a request. */
export function newId(nowMs: number): Uint8Array {
  const id = randomBytes(16);
  new DataView(id.buffer).setUint16(0, Math.floor(nowMs / 2 ** 32));
  new DataView(id.buffer).setUint32(2, nowMs % 2 ** 32);
  id[6] = 0x70 | (id[6]! & 0x0f);
  id[8] = 0x80 | (id[8]! & 0x3f);
  return id;
}

/** Changes of who is in a group, each with the commit that changes its encryption alike: the server takes both or none. */
import { create } from "@bufbuild/protobuf";
import { ErrorCode, type GroupChanged, GroupChangedSchema } from "../../gen/godwit_pb.js";
import { E2eError, type ChatRef, type E2eHost, type MemberChange, type ReplyBody, type RequestBody } from "../api.js";
import { ask, codeOf } from "../requests.js";
import type { Commit } from "../../gen/godwit_pb.js";
import { proveLink, splitLink } from "../links.js";
import type { Leaf, Mls } from "../mls.js";
import { nameOf } from "./chat-id.js";
import { membersOf } from "./members.js";
import type { Chats } from "./chats.js";
import { commitFields, keep, newId, submit } from "./pending.js";
import type { ReadPackage, Ready } from "./ready.js";
import type { Restores } from "../restores.js";

/** Users who are added by one commit. */
const kMaxUsersPerCommit = 200;
const kMaxTries = 8;
/** How long an event is awaited that the server knows of, milliseconds. */
const kEventMs = 10_000;

type CommitFields = Omit<Commit, "$typeName" | "ratchetTree">;

export class Membership {
  constructor(
    private readonly host: E2eHost,
    private readonly mls: Mls,
    private readonly chats: Chats,
    private readonly ready: Ready,
    private readonly restores: Restores,
    private readonly identityKey: Uint8Array,
  ) {}

  /** Makes the encryption of a group that this device made just now. */
  async create(chat: Uint8Array): Promise<void> {
    await this.ready.make({ chat }, [this.host.userId]);
  }

  async change(chat: Uint8Array, { add = [], remove = [], ban = [] }: MemberChange): Promise<GroupChanged> {
    // Everybody else leaves first, so that who comes in never shares an epoch with them.
    let changed: GroupChanged | undefined;
    if (remove.length > 0 || ban.length > 0 || add.length === 0) {
      changed = await this.apply(chat, [], [...remove, ...ban], (id, commit) => ({ case: "changeGroup", value: { id, chat, remove, ban, commit } }));
    }
    const missing = await this.notIn(chat, add);
    for (let i = 0; i < missing.length; i += kMaxUsersPerCommit) {
      const some = missing.slice(i, i + kMaxUsersPerCommit);
      const next = await this.apply(chat, some, [], (id, commit) => ({ case: "changeGroup", value: { id, chat, add: some, commit } }));
      changed = { ...next, notAdded: [...(changed?.notAdded ?? []), ...next.notAdded] };
    }
    return changed ?? create(GroupChangedSchema, { chat });
  }

  /** Those of `users` who are not in: somebody may be, if the answer to an earlier request was lost. */
  private async notIn(chat: Uint8Array, users: bigint[]): Promise<bigint[]> {
    if (users.length === 0) return [];
    await this.ready.ensure({ chat });
    const seen = await this.seenIn(chat, users);
    const members = await membersOf(this.host, chat, seen);
    const gone = seen.filter((user) => !members.has(user));
    // What took them out is on its way here.
    const until = this.host.now() + kEventMs;
    while (this.host.now() < until && (await this.seenIn(chat, gone)).length > 0) {
      await this.chats.changed(nameOf({ chat }), until - this.host.now());
    }
    return users.filter((user) => !members.has(user));
  }

  /** Those of `users` who are in by what this device has followed. */
  private async seenIn(chat: Uint8Array, users: bigint[]): Promise<bigint[]> {
    const { mls, departed } = await this.chats.read(nameOf({ chat }));
    const present = new Set(mls ? this.mls.leaves(mls).map((leaf) => leaf.userId) : []);
    return users.filter((user) => present.has(user) && !departed.includes(user));
  }

  answer(chat: Uint8Array, userId: bigint, accept: boolean): Promise<GroupChanged> {
    if (!accept) return ask(this.host, "answerJoin", { id: newId(this.host.now()), chat, userId, accept }, "groupChanged");
    return this.apply(chat, [userId], [], (id, commit) => ({ case: "answerJoin", value: { id, chat, userId, accept, commit } }));
  }

  /** Joins by a link: with an external commit, unless the link waits for an admin or the group is not encrypted. */
  async join(extended: string): Promise<GroupChanged> {
    const { link, hidden } = splitLink(extended);
    for (let tries = 0; tries < kMaxTries; tries++) {
      const info = await this.infoByLink(link);
      const id = newId(this.host.now());
      if (!info || info.groupInfo.length === 0) return ask(this.host, "joinGroup", { id, link }, "groupChanged");
      const chat: ChatRef = { chat: info.chat };
      const made = await this.ready.joinExternally(chat, info.groupInfo, hidden && proveLink(hidden, info.chat, this.host, this.identityKey));
      const body: RequestBody = { case: "joinGroup", value: { id, link, commit: commitFields(made, info.epoch, [], true) } };
      const pending = { id, endsEpoch: info.epoch, next: made.state, joins: true, added: [], removed: [] };
      const kept = await this.chats.change((tx) => keep(tx, chat, body, pending));
      const outcome = await submit(this.host, this.chats, this.restores, chat);
      if (!kept) continue;  // That was another one.
      if (outcome?.kind === "accepted") return groupChanged(outcome.reply);
    }
    throw new E2eError("too_many_races", "others changed the group again and again");
  }

  private async infoByLink(link: string) {
    try {
      return await this.ready.groupInfo({ link });
    } catch (error) {
      if (codeOf(error) !== ErrorCode.not_allowed) throw error;
      return undefined;  // The link waits for an admin, whose answer brings the commit.
    }
  }

  /** A change with its commit, until the server takes it. */
  private async apply(chat: Uint8Array, add: bigint[], remove: bigint[], request: (id: Uint8Array, commit: CommitFields) => RequestBody): Promise<GroupChanged> {
    const ref: ChatRef = { chat };
    // Claimed once: each claim uses keys up, and what came in meanwhile only shows in the tree.
    const claimed = add.length > 0 ? await this.ready.claim(add) : [];
    // Somebody without a device in the group could come in by themselves only as one whom nobody invited.
    const without = add.filter((user) => !claimed.some(({ device }) => device.userId === user));
    if (without.length > 0) throw new E2eError("no_keys", `without a device with keys: ${without.join(", ")}`);
    for (let tries = 0; tries < kMaxTries; tries++) {
      await this.ready.ensure(ref);
      const kept = await this.chats.change((tx) => this.prepare(tx, ref, claimed, remove, request));
      const outcome = await submit(this.host, this.chats, this.restores, ref);
      if (!kept) continue;  // That was another one.
      if (outcome?.kind === "accepted") return groupChanged(outcome.reply);
    }
    throw new E2eError("too_many_races", "others changed the group again and again");
  }

  private async prepare(tx: Parameters<Parameters<Chats["change"]>[0]>[0], ref: ChatRef, claimed: ReadPackage[], remove: bigint[],
                        request: (id: Uint8Array, commit: CommitFields) => RequestBody): Promise<boolean> {
    const { mls, secret, pending } = await tx.get(nameOf(ref));
    if (!mls || pending) return false;
    const leaves = this.mls.leaves(mls);
    const isIn = ({ device }: ReadPackage) => leaves.some((leaf) => leaf.userId === device.userId && leaf.deviceId === device.deviceId);
    const out: Leaf[] = leaves.filter((leaf) => remove.includes(leaf.userId));
    const packages = claimed.filter((read) => !isIn(read));
    const made = await this.mls.commit(mls, packages.map(({ keyPackage }) => keyPackage), out.map((leaf) => leaf.index), secret);
    const added = packages.map(({ device }) => device);
    const id = newId(this.host.now());
    const endsEpoch = mls.groupContext.epoch;
    return keep(tx, ref, request(id, commitFields(made, endsEpoch, added, true)), { id, endsEpoch, next: made.state, joins: false, added, removed: out });
  }
}

function groupChanged(reply: ReplyBody): GroupChanged {
  if (reply.case !== "groupChanged") throw new Error(`a change of members was answered with ${reply.case}`);
  return reply.value;
}

/**
 * Brings a chat into a state in which it can be written to.
 *
 * - A direct chat without encryption is made: a group of all devices of both users, by one commit.
 * - A device that is not in the group, or lost its state, joins by itself with an external commit. That is also how a new
 *   device of a member comes in: it needs nobody of the others to be there, and they see the commit.
 * - Once a week a device renews its key.
 * - Devices that do not count (any more), and those of users who left, are taken out. Whoever writes first does it: until
 *   somebody writes there is nothing that they could read.
 *
 * Of commits for the same epoch the server takes one. The others are dropped, the winner's is awaited, and it is tried again.
 */
import type { GroupInfo } from "../../gen/godwit_pb.js";
import type { ChatRef, Device, E2eHost } from "../api.js";
import { E2eError } from "../api.js";
import { randomBytes } from "../bytes.js";
import type { KeyPackage, Leaf, MadeCommit, Mls, MlsState } from "../mls.js";
import { MlsRefused } from "../mls.js";
import { ask } from "../requests.js";
import type { Directory } from "../transparency/directory.js";
import { sameDevice, seenLeaves, within } from "../leaves.js";
import type { Restores } from "../restores.js";
import { groupIdOf, nameOf } from "./chat-id.js";
import type { Chats } from "./chats.js";
import type { ChatState } from "./chat-state.js";
import { membersOf } from "./members.js";
import { commitFields, keep, newId, submit } from "./pending.js";

/** Keys that were looked up this lately are taken as they are, milliseconds. Large groups ask less often: a lookup is one
 * request for up to 1,000 users. */
const kFreshMs = 10 * 60_000;
const kFreshLargeMs = 60 * 60_000;
const kLargeUsers = 50;
/** Tries before it is given up: each lost one means that others changed the chat. */
const kMaxTries = 8;
/** How long the winner's commit is awaited before the state counts as lost, milliseconds. */
const kWinnerMs = 10_000;
/** How long whoever came in first after the server has gone back may take to bring in the others, milliseconds. */
const kBroughtInMs = 3000;
/** Joins by oneself in an hour and chat: a chat whose commits cannot be followed must not end in a storm of joins. */
const kMaxJoins = 5;
const kHourMs = 3_600_000;
/** Chats of which is known that they were checked, with their trees. */
const kMaxChecked = 100;
/** How long a device keeps one key in a group, milliseconds: whoever took it reads on no longer than that. */
const kRenewMs = 7 * 86_400_000;

export class Ready {
  private asking: Promise<unknown> = Promise.resolve();
  // What was checked, and against what: seal() asks.
  private readonly checked = new Map<string, { tree: unknown; departed: number; changes: number; untilMs: number }>();

  constructor(
    private readonly host: E2eHost,
    private readonly mls: Mls,
    private readonly chats: Chats,
    private readonly directory: Directory,
    private readonly restores: Restores,
  ) {}

  /** Whether `state` may be written to without `ensure`. */
  holds(name: string, state: ChatState): boolean {
    const check = this.checked.get(name);
    return (
      !this.directory.caught && check !== undefined && state.mls !== undefined && !state.lost &&
      state.era === this.restores.era && !state.doubtful && state.behind.length === 0 && state.departed.length === check.departed &&
      check.tree === state.mls.ratchetTree && check.changes === this.directory.changes && this.host.now() < check.untilMs
    );
  }

  /** `inBackground`: not to write, but to read on. */
  async ensure(chat: ChatRef, inBackground = false): Promise<void> {
    const name = nameOf(chat);
    for (let tries = 0; tries < kMaxTries; tries++) {
      await this.finish(chat);
      const state = await this.chats.read(name);
      if (this.holds(name, state)) return;
      if (!state.mls || state.lost || state.mls.groupContext.epoch === 0n) {
        await this.comeIn(chat, state);
      } else if (state.doubtful || state.era < this.restores.era) {
        if (!(await this.compare(chat, state.mls, inBackground))) return;
      } else if (!(await this.tidy(chat, state.mls, state))) {
        return;
      }
    }
    throw new E2eError("too_many_races", "others changed the chat again and again");
  }

  /** Sends what is pending, and awaits the winner's commit if it lost. */
  async finish(chat: ChatRef): Promise<void> {
    const outcome = await submit(this.host, this.chats, this.restores, chat);
    if (outcome?.kind === "race") await this.awaitEpoch(chat, outcome.epoch);
    if (outcome?.kind === "stale_devices") await this.directory.refresh(await this.usersOf(chat), 0);
  }

  private async awaitEpoch(chat: ChatRef, epoch: bigint): Promise<void> {
    const name = nameOf(chat);
    const until = this.host.now() + kWinnerMs;
    for (;;) {
      const { mls, lost } = await this.chats.read(name);
      if (lost || (mls && mls.groupContext.epoch >= epoch)) return;
      const left = until - this.host.now();
      if (left <= 0) break;
      await this.chats.changed(name, left);
    }
    await this.chats.change((tx) => tx.update(name, { lost: true }).then(() => undefined));
  }

  private async usersOf(chat: ChatRef): Promise<bigint[]> {
    const { mls } = await this.chats.read(nameOf(chat));
    const users = new Set(mls ? this.mls.leaves(mls).map((leaf) => leaf.userId) : []);
    users.add(this.host.userId);
    if (!chat.chat) users.add(chat.peer);
    return [...users];
  }

  /** Makes the encryption, or joins by itself. */
  private async comeIn(chat: ChatRef, state: ChatState): Promise<void> {
    let info = await this.groupInfo(chat);
    if (state.wentBack && this.isBeingBroughtIn(state, info)) {
      if (await this.awaitWelcome(chat)) return;
      info = await this.groupInfo(chat);
    }
    if (info.epoch === 0n && !chat.chat) return this.make(chat, [chat.peer, this.host.userId]);
    // A group that this device made, whose first commit was refused.
    if (info.epoch === 0n && state.mls) return this.make(chat, [this.host.userId]);
    if (info.groupInfo.length === 0) throw new E2eError("no_group_info", "the chat has no group info: another member has to add this device");
    const joins = state.joins.filter((at) => at > this.host.now() - kHourMs);
    if (joins.length >= kMaxJoins) throw new E2eError("rejoining_too_often", "this device joined the chat too often in the last hour");
    const made = await this.joinExternally(chat, info.groupInfo);
    const id = newId(this.host.now());
    const to = chat.chat ? { chat: chat.chat } : { to: chat.peer };
    await this.chats.change(async (tx) => {
      await tx.update(nameOf(chat), { joins: [...joins, this.host.now()] });
      await keep(tx, chat, { case: "send", value: { id, ...to, payload: made.commit, commit: commitFields(made, info.epoch, [], false) } },
                 { id, endsEpoch: info.epoch, next: made.state, joins: true, added: [], removed: [] });
    });
    await this.finish(chat);
  }

  /** Whether somebody came in since the server has gone back, who is about to bring in the others, and has not brought in this device. */
  private isBeingBroughtIn({ mls }: ChatState, { groupInfo }: GroupInfo): boolean {
    const peeked = this.mls.peek(groupInfo);
    return mls !== undefined && peeked !== undefined && this.mls.wasIn(mls, groupInfo) === false && seenLeaves(mls, peeked.tree).some((leaf) => sameDevice(leaf, this.host));
  }

  /** False: it did not come in time, or cannot be used. */
  private async awaitWelcome(chat: ChatRef): Promise<boolean> {
    const name = nameOf(chat);
    for (const until = this.host.now() + kBroughtInMs; ; ) {
      const { lost, wentBack } = await this.chats.read(name);
      const left = until - this.host.now();
      if (!lost || !wentBack || left <= 0) return !lost;
      await this.chats.changed(name, left);
    }
  }

  /**
   * Whether the state is of the chat as the server has it, which may have gone back. False: nothing can be said yet, since
   * the chat has gone on: what comes next will tell. Any member can make a group info that is of no use, or of an epoch of
   * their own: it counts only where the server went back, and not against a state if nobody could come in by it.
   */
  private async compare(chat: ChatRef, mls: MlsState, inBackground: boolean): Promise<boolean> {
    const name = nameOf(chat);
    const { era } = this.restores;
    const info = await this.groupInfo(chat);
    const { epoch } = mls.groupContext;
    if (info.epoch > epoch) {
      if (!inBackground) await this.awaitEpoch(chat, info.epoch);
      return !inBackground;
    }
    if (info.epoch < epoch) await this.restores.noticed();
    await this.chats.change(async (tx) => {
      const state = await tx.get(name);
      if (state.mls?.ratchetTree !== mls.ratchetTree) return;  // It went on meanwhile: look again.
      const fits = info.epoch === epoch && (state.era === era || this.mls.wasIn(mls, info.groupInfo) !== false);
      await tx.update(name, fits ? { era, doubtful: false } : { lost: true, wentBack: true });
    });
    return true;
  }

  /** GetGroupInfo. The server takes one at a time of a connection. */
  groupInfo(of: ChatRef | { link: string }): Promise<GroupInfo> {
    const reply = this.asking.then(() => ask(this.host, "getGroupInfo", of, "groupInfo"));
    this.asking = reply.catch(() => undefined);
    return reply;
  }

  /** An external commit by what the server has. The users in it are looked up first, all at once. */
  async joinExternally(chat: ChatRef, groupInfo: Uint8Array, authenticatedData: Uint8Array = new Uint8Array()): Promise<MadeCommit> {
    const peeked = this.mls.peek(groupInfo);
    if (peeked) await this.directory.refresh(peeked.leaves.map((leaf) => leaf.userId), kFreshMs);
    try {
      return await this.mls.joinExternally(groupIdOf(this.host.userId, chat), groupInfo, authenticatedData);
    } catch (error) {
      if (error instanceof MlsRefused) throw new E2eError("no_group_info", `the group info cannot be used: ${error.message}`);
      throw error;
    }
  }

  /** Makes the encryption of a chat, with all devices of `users` but this one. */
  async make(chat: ChatRef, users: bigint[]): Promise<void> {
    const name = nameOf(chat);
    const packages = await this.claim(users);
    if (!chat.chat && !packages.some(({ device }) => device.userId === chat.peer)) throw new E2eError("no_keys", "the other party has no device with keys");
    await this.chats.change(async (tx) => {
      const state = await tx.get(name);
      const begun = state.mls && !state.lost && state.mls.groupContext.epoch > 0n;
      if (begun || state.pending) return;  // The other party was quicker.
      const alone = await this.mls.create(groupIdOf(this.host.userId, chat));
      const secret = randomBytes(32);
      const made = await this.mls.commit(alone, packages.map(({ keyPackage }) => keyPackage), [], secret);
      const id = newId(this.host.now());
      const to = chat.chat ? { chat: chat.chat } : { to: chat.peer };
      const added = packages.map(({ device }) => device);
      await tx.update(name, { mls: alone, lost: false, wentBack: false, era: this.restores.era, doubtful: false, behind: [], joinedEpoch: 0n, renewedMs: this.host.now(), secret });
      await keep(tx, chat, { case: "send", value: { id, ...to, payload: made.commit, commit: commitFields(made, 0n, added, false) } },
                 { id, endsEpoch: 0n, next: made.state, joins: false, added, removed: [] });
    });
    await this.finish(chat);
  }

  /** Takes out who must not be in, brings in a peer who has no device in it, renews one's own key. False: there was nothing to do. */
  private async tidy(chat: ChatRef, state: MlsState, { departed, renewedMs, behind }: ChatState): Promise<boolean> {
    const name = nameOf(chat);
    const leaves = this.mls.leaves(state);
    const users = new Set(leaves.map((leaf) => leaf.userId));
    if (!chat.chat) users.add(chat.peer);
    const freshMs = users.size > kLargeUsers ? kFreshLargeMs : kFreshMs;
    await this.directory.refresh(users, freshMs);
    const remove = await this.outdated(leaves, departed);
    const gone = new Set(remove.map((leaf) => leaf.userId));
    const present = leaves.some((leaf) => leaf.userId === chat.peer && !remove.includes(leaf));
    const packages = chat.chat || present ? [] : await this.claim([chat.peer]);
    if (!chat.chat && !present && packages.length === 0) throw new E2eError("no_keys", "the other party has no device with keys");
    const again = await this.bringIn(chat, leaves.filter((leaf) => !remove.includes(leaf)), behind);
    remove.push(...again.remove);
    packages.push(...again.packages);
    const renew = renewedMs + kRenewMs < this.host.now();
    if (remove.length === 0 && packages.length === 0 && !renew) {
      // Departed users without a leaf are done with.
      if (departed.some((user) => !gone.has(user))) await this.chats.change((tx) => tx.update(name, { departed: [] }).then(() => undefined));
      this.checked.delete(name);
      if (this.checked.size >= kMaxChecked) this.checked.delete(this.checked.keys().next().value!);
      this.checked.set(name, { tree: state.ratchetTree, departed: 0, changes: this.directory.changes, untilMs: this.host.now() + freshMs });
      return false;
    }
    await this.commit(chat, state, packages, remove);
    return true;
  }

  /**
   * Takes those out and in again who cannot follow since the server has gone back, so that they read what comes next without
   * having to be there first. Who is no member by now is only taken out, who has no keys comes in by itself.
   */
  private async bringIn(chat: ChatRef, leaves: Leaf[], behind: Device[]): Promise<{ remove: Leaf[]; packages: ReadPackage[] }> {
    if (behind.length === 0) return { remove: [], packages: [] };
    const stale = within(leaves, behind);
    const users = [...new Set(stale.map((leaf) => leaf.userId))];
    const members = chat.chat ? await membersOf(this.host, chat.chat, users) : new Set(users);
    const packages = (await this.claim(users.filter((user) => members.has(user)))).filter(({ device }) => stale.some((leaf) => sameDevice(leaf, device)));
    const remove = stale.filter((leaf) => !members.has(leaf.userId) || packages.some(({ device }) => sameDevice(leaf, device)));
    await this.chats.change(async (tx) => {
      const state = await tx.get(nameOf(chat));
      await tx.update(nameOf(chat), { behind: within(state.behind, remove) });
    });
    return { remove, packages };
  }

  private async outdated(leaves: Leaf[], departed: bigint[]): Promise<Leaf[]> {
    const out: Leaf[] = [];
    for (const leaf of leaves) {
      if (leaf.userId === this.host.userId && leaf.deviceId === this.host.deviceId) continue;
      const counts = await this.directory.counts(leaf, leaf.identityKey);
      if (!counts || departed.includes(leaf.userId)) out.push(leaf);
    }
    return out;
  }

  private async commit(chat: ChatRef, base: MlsState, packages: ReadPackage[], remove: Leaf[]): Promise<void> {
    const name = nameOf(chat);
    const to = chat.chat ? { chat: chat.chat } : { to: chat.peer };
    await this.chats.change(async (tx) => {
      const { mls, secret, pending } = await tx.get(name);
      if (pending || mls?.ratchetTree !== base.ratchetTree) return;  // Something came in between: look again.
      const made = await this.mls.commit(mls, packages.map(({ keyPackage }) => keyPackage), remove.map((leaf) => leaf.index), secret);
      const id = newId(this.host.now());
      const added = packages.map(({ device }) => device);
      await keep(tx, chat, { case: "send", value: { id, ...to, payload: made.commit, commit: commitFields(made, mls.groupContext.epoch, added, false) } },
                 { id, endsEpoch: mls.groupContext.epoch, next: made.state, joins: false, added, removed: remove });
    });
    await this.finish(chat);
  }

  /** Key packages of all devices of `users` but this one, those that are good. */
  async claim(users: bigint[]): Promise<ReadPackage[]> {
    const good: ReadPackage[] = [];
    for (const { device, identityKey, keyPackage } of await this.directory.claimKeys(users, { keyPackages: true })) {
      if (device.userId === this.host.userId && device.deviceId === this.host.deviceId) continue;
      const read = keyPackage && (await this.mls.readKeyPackage(keyPackage, device, identityKey));
      if (read) good.push({ device, keyPackage: read });
    }
    return good;
  }
}

export interface ReadPackage {
  device: Device;
  keyPackage: KeyPackage;
}

/** What envelopes do to the encryption of their chat. */
import type { Envelope } from "../../gen/godwit_pb.js";
import type { ChatRef, Device, E2eHost, Opened, UnreadableReason } from "../api.js";
import { equal } from "../bytes.js";
import type { KeyPackages } from "../key-packages.js";
import { nameOfDevice, sameDevice, without } from "../leaves.js";
import { provesLink } from "../links.js";
import { MlsRefused, type Change, type Leaf, type Mls } from "../mls.js";
import { groupIdOf, nameOf } from "./chat-id.js";
import { accept, stuckIn } from "./pending.js";
import { decodeFrame } from "./frame.js";
import type { ChatState } from "./chat-state.js";
import type { Work } from "./chats.js";
import type { Gossip } from "./gossip.js";
import type { Restores } from "../restores.js";

/** An envelope has done to the encryption what it does: the next may be opened. What it brought may come later. */
export interface Opening {
  brought: Promise<Opened>;
}

const bringing = (opened: Opened): Opening => ({ brought: Promise.resolve(opened) });
const kNothing = bringing({ kind: "none" });
const unreadable = (reason: UnreadableReason): Opened => ({ kind: "unreadable", reason });

export class Incoming {
  constructor(
    private readonly host: E2eHost,
    private readonly mls: Mls,
    private readonly packages: KeyPackages,
    private readonly gossip: Gossip,
    private readonly restores: Restores,
    /** Told of chats that this device has to join by itself before it can read on. */
    private readonly needsJoin: (chat: ChatRef) => void,
  ) {}

  async open(tx: Work, envelope: Envelope): Promise<Opening> {
    const chat = this.chatOf(envelope);
    if (chat.peer === this.host.userId) return kNothing;  // Between one's own devices: self.ts.
    if (envelope.endsEpoch !== undefined) await this.commit(tx, chat, envelope, envelope.endsEpoch);
    if (envelope.event) await this.departures(tx, chat, envelope);
    if (envelope.endsEpoch !== undefined || envelope.payload.length === 0) return kNothing;
    return this.message(tx, chat, envelope);
  }

  private chatOf(envelope: Envelope): ChatRef {
    if (envelope.chat.length > 0) return { chat: envelope.chat };
    return { peer: envelope.from === this.host.userId ? envelope.to : envelope.from };
  }

  private isOwn(envelope: Envelope): boolean {
    return envelope.from === this.host.userId && envelope.fromDevice === this.host.deviceId;
  }

  private async message(tx: Work, chat: ChatRef, envelope: Envelope): Promise<Opening> {
    if (this.isOwn(envelope)) return kNothing;
    const name = nameOf(chat);
    const { mls: state, joinedEpoch, lost, doubtful } = await tx.get(name);
    const doubted = lost || doubtful || (await this.restored(tx, chat));
    if (state && doubted) await this.doubt(tx, chat);
    const message = this.mls.read(envelope.payload);
    if (!message) return bringing(unreadable("forged"));
    const { epoch } = message;
    if (!state) tx.after(() => this.needsJoin(chat));
    if (!state || joinedEpoch === undefined || epoch < joinedEpoch) return bringing(unreadable("before_joining"));
    if (epoch > state.groupContext.epoch) {
      // Commits come in the chat's order, before the messages of their epochs: one of them did not come.
      await this.lost(tx, chat);
      return bringing(unreadable("state_lost"));
    }
    if (epoch !== state.groupContext.epoch && !state.historicalReceiverData.has(epoch)) {
      await this.doubt(tx, chat);
      return bringing(unreadable(doubted ? "state_lost" : "too_late"));
    }
    try {
      const { state: after, plaintext, from, signed } = await this.mls.open(state, message);
      // Any member can encrypt as another one, but not by the server: the keys of the true message stay.
      if (from.userId !== envelope.from || from.deviceId !== envelope.fromDevice) return bringing(unreadable("forged"));
      await tx.update(name, { mls: after });
      return { brought: signed.then((good) => (good ? this.content(tx, name, envelope, plaintext, from) : unreadable("forged"))) };
    } catch (error) {
      if (!(error instanceof MlsRefused)) throw error;
      if (/gen in the past/.test(error.message)) return bringing(unreadable("too_late"));
      await this.doubt(tx, chat);
      return bringing(unreadable(doubted ? "state_lost" : "forged"));
    }
  }

  private async content(tx: Work, name: string, envelope: Envelope, plaintext: Uint8Array, { userId, deviceId }: Leaf): Promise<Opened> {
    const frame = decodeFrame(envelope.id, plaintext);
    if (!frame) return unreadable("forged");
    if (frame.secret && !(await tx.get(name)).secret) await tx.update(name, { secret: frame.secret });
    if (frame.head) tx.after(() => this.gossip.heard(userId, frame.head!));
    return { kind: "content", content: frame.content, from: { userId, deviceId } };
  }

  private async commit(tx: Work, chat: ChatRef, envelope: Envelope, endsEpoch: bigint): Promise<void> {
    const name = nameOf(chat);
    const { mls: state, pending, joinedEpoch } = await tx.get(name);
    if (pending && equal(pending.id, envelope.id)) return accept(this.host, tx, chat, this.restores.era);
    // It is there already, or it came in before this device did. Or the server has gone back, and somebody goes on from there.
    const past = state !== undefined && state.groupContext.epoch > endsEpoch;
    if (past && this.isOwn(envelope)) return;
    if (past && joinedEpoch !== undefined && endsEpoch >= joinedEpoch) await this.wentBack(tx, name);
    if (past) await this.doubt(tx, chat);
    if (past && !(await this.restored(tx, chat))) return;
    if (envelope.welcome.length > 0 && (await this.welcomed(tx, chat, envelope))) return;
    // Whoever came in first has brought in this device, too, by a key that is no more: it comes in by itself.
    if (past && envelope.welcome.length > 0) return this.lost(tx, chat, { wentBack: false });
    if (!state || past) return;
    if (this.isOwn(envelope) || state.groupContext.epoch < endsEpoch) return this.lost(tx, chat);
    try {
      const { state: after, change } = await this.mls.follow(state, envelope.payload, (proposed) => this.allows(chat, envelope, proposed));
      await tx.update(name, { mls: after, pending: undefined, era: this.restores.era, doubtful: false });
      await this.told(tx, chat, change, this.mls.leaves(state));
    } catch (error) {
      if (!(error instanceof MlsRefused)) throw error;
      await this.lost(tx, chat, { pending: undefined, wentBack: await this.restored(tx, chat) });
    }
  }

  /** The server has gone back, and it is not known that this chat's state fits it, or known that it does not. */
  private async restored(tx: Work, chat: ChatRef): Promise<boolean> {
    const { era, wentBack } = await tx.get(nameOf(chat));
    return wentBack || era < this.restores.era;
  }

  /** An epoch that this device has seen the end of was ended again. */
  private async wentBack(tx: Work, name: string): Promise<void> {
    const { era } = await tx.get(name);
    await tx.update(name, { era: Math.min(era, this.restores.era - 1) });
    tx.after(() => void this.restores.noticed().catch((error: unknown) => this.host.emit({ kind: "failed", error })));
  }

  /** What came does not fit: the server may have gone back. The chat is compared with what it has. */
  private async doubt(tx: Work, chat: ChatRef): Promise<void> {
    const name = nameOf(chat);
    if (!(await tx.get(name)).doubtful) await tx.update(name, { doubtful: true });
    if (this.restores.compares(name)) tx.after(() => this.needsJoin(chat));
  }

  private async lost(tx: Work, chat: ChatRef, more: Partial<ChatState> = {}): Promise<void> {
    await tx.update(nameOf(chat), { lost: true, ...more });
    tx.after(() => this.needsJoin(chat));
  }

  private async welcomed(tx: Work, chat: ChatRef, envelope: Envelope): Promise<boolean> {
    const own = this.packages.find(this.mls.welcomeFor(envelope.welcome));
    if (!own) return false;
    const name = nameOf(chat);
    try {
      const { state, secret } = await this.mls.join(groupIdOf(this.host.userId, chat), envelope.welcome, own.own);
      const before = await tx.get(name);
      await tx.update(name, {
        mls: state, joinedEpoch: state.groupContext.epoch, lost: false, wentBack: false, era: this.restores.era, doubtful: false, pending: undefined,
        secret: secret ?? before.secret, secretTold: undefined, departed: [], renewedMs: this.host.now(),
        behind: (await this.restored(tx, chat)) ? stuckIn(before.mls, state.ratchetTree) : [],
      });
      tx.after(() => this.host.emit({ kind: "joined", chat, rejoined: before.joinedEpoch !== undefined }));
    } catch (error) {
      if (!(error instanceof MlsRefused)) throw error;
      await this.lost(tx, chat, { mls: undefined, joinedEpoch: undefined, pending: undefined });
    }
    this.packages.used(own.ref).forEach((write) => tx.put(write));
    tx.after(() => this.packages.forget(own.ref));
    return true;
  }

  /**
   * Whether a commit may do what it does: be of who the server says sent it, and in a direct chat let in nobody but the
   * two. The server, which has the group info, could make an account of its own and have it come into a group by an external
   * commit; that cannot be told from a member who comes by a link, but by the link's proof (links.ts): so it is told, not
   * refused. Who may add and remove whom in a group is for the server to say.
   */
  private allows(chat: ChatRef, envelope: Envelope, change: Change): boolean {
    const { committer } = change;
    if (committer.userId !== envelope.from || committer.deviceId !== envelope.fromDevice) return false;
    if (change.external && !change.removed.every((device) => sameDevice(device, committer))) return false;
    if (chat.chat) return true;
    const mayBeIn = (device: Device) => device.userId === chat.peer || device.userId === this.host.userId;
    return change.added.every(mayBeIn) && mayBeIn(committer);
  }

  private async told(tx: Work, chat: ChatRef, change: Change, before: Leaf[]): Promise<void> {
    const name = nameOf(chat);
    const { departed, behind, mls: state, secret } = await tx.get(name);
    const removedSelf = change.removed.some((leaf) => sameDevice(leaf, this.host));
    const events = [
      ...without(change.added, change.removed).map((device) => ({ kind: "device_added" as const, chat, device, by: "member" as const })),
      ...(change.external ? [{ kind: "device_added" as const, chat, device: nameOfDevice(change.committer), by: howItCame(chat, change, before, secret) }] : []),
      ...(change.external ? [] : without(change.removed, change.added).map((leaf) => ({ kind: "device_removed" as const, chat, device: nameOfDevice(leaf) }))),
    ];
    tx.after(() => events.forEach((event) => this.host.emit(event)));
    if (behind.length > 0) await tx.update(name, { behind: without(behind, [change.committer, ...change.added, ...change.removed]) });
    if (removedSelf && change.added.some((device) => sameDevice(device, this.host))) {
      await this.lost(tx, chat);  // Taken in again by a key that is no more.
    } else if (removedSelf) {
      await tx.update(name, { mls: undefined, joinedEpoch: undefined, lost: false });
      tx.after(() => this.host.emit({ kind: "left", chat }));
    } else if (departed.length > 0 && state) {
      const present = new Set(this.mls.leaves(state).map((leaf) => leaf.userId));
      await tx.update(name, { departed: departed.filter((user) => present.has(user)) });
    }
  }

  /** Users who left without a commit: the next one takes their devices out. */
  private async departures(tx: Work, chat: ChatRef, envelope: Envelope): Promise<void> {
    const { removed, members } = envelope.event!;
    if (removed.length === 0 && members.length === 0) return;
    const name = nameOf(chat);
    const state = await tx.get(name);
    if (!state.mls) return;
    if (removed.includes(this.host.userId)) {
      await tx.update(name, { mls: undefined, joinedEpoch: undefined, lost: false, pending: undefined });
      tx.after(() => this.host.emit({ kind: "left", chat }));
      return;
    }
    const present = new Set(this.mls.leaves(state.mls).map((leaf) => leaf.userId));
    const back = new Set(members.map((member) => member.userId));
    const departed = [...new Set([...state.departed, ...removed])].filter((user) => present.has(user) && !back.has(user));
    if (departed.length !== state.departed.length) await tx.update(name, { departed });
  }
}

function howItCame(chat: ChatRef, { committer, authenticatedData }: Change, before: Leaf[], secret: Uint8Array | undefined): "itself" | "link" | "server" {
  if (!chat.chat || before.some((leaf) => leaf.userId === committer.userId)) return "itself";
  return secret && provesLink(secret, authenticatedData, chat.chat, committer, committer.identityKey) ? "link" : "server";
}

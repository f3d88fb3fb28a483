/**
 * MLS (RFC 9420) by ts-mls: the only file that knows the library, but for the rows in which its state is kept
 * (mls-rows.ts). States are values: every function returns a new one and leaves the old as it is, so that a transaction
 * can be dropped.
 *
 * Of MLS we use: private commits with proposals by value, external commits, application messages. Proposals on their own
 * are refused: they would stop everybody from sending until somebody commits.
 */
import {
  createApplicationMessage, createCommit, createGroup, decodeMlsMessage,
  emptyPskIndex, encodeMlsMessage, generateKeyPackageWithKey, joinGroupExternal, joinGroupWithExtensions, mlsExporter, processMessage,
  type CiphersuiteImpl, type ClientConfig, type ClientState, type Extension, type KeyPackage, type LeafNode,
  type PrivateKeyPackage, type PrivateMessage, type Proposal, type RatchetTree,
} from "ts-mls";
import { createGroupInfo } from "ts-mls/createCommit.js";
import { decodeGroupInfo, encodeGroupInfo } from "ts-mls/groupInfo.js";
import { decodeKeyPackage, encodeKeyPackage, makeKeyPackageRef, verifyKeyPackage } from "ts-mls/keyPackage.js";
import { verifyLeafNodeSignatureKeyPackage } from "ts-mls/leafNode.js";
import { unprotectPrivateMessage } from "ts-mls/messageProtection.js";
import { decodeRatchetTree, encodeRatchetTree } from "ts-mls/ratchetTree.js";
import { decodeWelcome, encodeWelcome } from "ts-mls/welcome.js";
import type { Device, SigningKey } from "./api.js";
import { concat, equal } from "./bytes.js";
import { decodeWhole } from "./decode.js";
import { deviceOf, identityOf, leafAt, leafOf, leavesOf, type Leaf } from "./leaves.js";
import { kSuiteName, makeSuite } from "./suite.js";

export type MlsState = ClientState;
export type { KeyPackage, Leaf };

/** Whether a device had this identity key, by the key log. Throws when it could not be looked up. */
export type Authenticate = (device: Device, identityKey: Uint8Array) => Promise<boolean>;

/** Private parts of a key package, with the public one. */
export interface OwnKeyPackage {
  publicPackage: KeyPackage;
  privatePackage: PrivateKeyPackage;
}

/** What a commit does. `external`: its sender comes in by it. */
export interface Change {
  committer: Leaf;
  external: boolean;
  added: Device[];
  removed: Leaf[];
  authenticatedData: Uint8Array;
}

/** What is made for others to follow. Encoded as the protocol carries it. */
export interface MadeCommit {
  state: MlsState;
  commit: Uint8Array;
  welcome: Uint8Array | undefined;
  groupInfo: Uint8Array;
}

/** What others sent cannot be processed: altered, forged, or not for this state. */
export class MlsRefused extends Error {
  override readonly name = "MlsRefused";
}

/** Epochs whose messages can still be opened after the chat went on. */
const kKeptEpochs = 4;
/** Messages of a device that may be overtaken by later ones of it. */
const kKeptGenerations = 64;
/** Messages of a device that may be lost in a row. Each costs a hash; a chat's history is gap-free, so few ever are. */
const kForwardSteps = 2000;
/** Longest lifetime of a key package that is taken, seconds: what the server allows. */
export const kMaxLifetimeS = 400n * 86_400n;
/** Clocks may differ by this many seconds. */
const kClockSkewS = 3600n;
const kLastResort = 10;
/** Of the range for private use: the group's secret (chat/frame.ts), within the encrypted group info of a welcome. */
const kGroupSecret = 0xf7d0;
const kMinPadded = 256;

export class Mls {
  private readonly suite: CiphersuiteImpl;
  private readonly config: ClientConfig;

  constructor(
    readonly self: Device,
    private readonly identity: SigningKey,
    authenticate: Authenticate,
    private readonly now: () => number,
  ) {
    this.suite = makeSuite(identity);
    this.config = {
      authService: {
        validateCredential: async (credential, key) => {
          const device = deviceOf(credential);
          return device !== undefined && (await authenticate(device, key));
        },
      },
      keyRetentionConfig: {
        retainKeysForEpochs: kKeptEpochs,
        retainKeysForGenerations: kKeptGenerations,
        maximumForwardRatchetSteps: kForwardSteps,
      },
      // Lifetimes are checked when a package is taken and when it comes in by a commit (readKeyPackage, changeOf), not in
      // trees that are joined: a member who never commits stays in a group longer than their package was good for.
      lifetimeConfig: { maximumTotalLifetime: kMaxLifetimeS, validateLifetimeOnReceive: false },
      keyPackageEqualityConfig: {
        compareKeyPackages: (a, b) => equal(a.leafNode.signaturePublicKey, b.leafNode.signaturePublicKey),
        compareKeyPackageToLeafNode: (a, b) => equal(a.leafNode.signaturePublicKey, b.signaturePublicKey),
      },
      paddingConfig: { kind: "padUntilLength", padUntilLength: kMinPadded },
    };
  }

  /** A state that was read back. */
  revive(state: Omit<ClientState, "clientConfig">): MlsState {
    return { ...state, clientConfig: this.config };
  }

  async makeKeyPackage(lifetimeS: number, lastResort: boolean): Promise<OwnKeyPackage> {
    const now = BigInt(Math.floor(this.now() / 1000));
    return generateKeyPackageWithKey(
      { credentialType: "basic", identity: identityOf(this.self) },
      { versions: ["mls10"], ciphersuites: [kSuiteName], extensions: [], proposals: [], credentials: ["basic"] },
      { notBefore: now - kClockSkewS, notAfter: now + BigInt(lifetimeS) },
      lastResort ? [{ extensionType: kLastResort, extensionData: new Uint8Array() }] : [],
      { signKey: this.identity.publicKey, publicKey: this.identity.publicKey },
      this.suite,
    );
  }

  keyPackageRef(keyPackage: KeyPackage): Promise<Uint8Array> {
    return makeKeyPackageRef(keyPackage, this.suite.hash);
  }

  encodeKeyPackage(keyPackage: KeyPackage): Uint8Array {
    return encodeKeyPackage(keyPackage);
  }

  /** Decodes and checks a claimed key package, which must be of `device` with `identityKey`. Undefined: it is not good. */
  async readKeyPackage(bytes: Uint8Array, device: Device, identityKey: Uint8Array): Promise<KeyPackage | undefined> {
    const keyPackage = decodeWhole(decodeKeyPackage, bytes);
    if (!keyPackage || keyPackage.cipherSuite !== kSuiteName || !this.lifetimeGood(keyPackage)) return undefined;
    const { leafNode } = keyPackage;
    const of = deviceOf(leafNode.credential);
    if (!of || of.userId !== device.userId || of.deviceId !== device.deviceId) return undefined;
    if (!equal(leafNode.signaturePublicKey, identityKey)) return undefined;
    const signed =
      (await verifyLeafNodeSignatureKeyPackage(leafNode, this.suite.signature)) &&
      (await verifyKeyPackage(keyPackage, this.suite.signature));
    return signed ? keyPackage : undefined;
  }

  private lifetimeGood(keyPackage: KeyPackage): boolean {
    const { notBefore, notAfter } = keyPackage.leafNode.lifetime;
    const now = BigInt(Math.floor(this.now() / 1000));
    return notBefore <= now + kClockSkewS && notAfter > now && notAfter - notBefore <= kMaxLifetimeS + 2n * kClockSkewS;
  }

  /** A group with this device alone, in epoch 0. */
  async create(groupId: Uint8Array): Promise<MlsState> {
    const own = await this.makeKeyPackage(Number(kMaxLifetimeS), false);
    return createGroup(groupId, own.publicPackage, own.privatePackage, [], this.suite, this.config);
  }

  /** Joins by a welcome for `own`. The tree is in it, and the group's secret if the one who sent it has it. */
  async join(groupId: Uint8Array, welcome: Uint8Array, own: OwnKeyPackage): Promise<{ state: MlsState; secret: Uint8Array | undefined }> {
    const decoded = decodeWhole(decodeWelcome, welcome);
    if (!decoded) throw new MlsRefused("the welcome is malformed");
    const [state, extensions] = await refusing(() =>
      joinGroupWithExtensions(decoded, own.publicPackage, own.privatePackage, emptyPskIndex, this.suite, undefined, undefined, this.config),
    );
    if (!equal(state.groupContext.groupId, groupId)) throw new MlsRefused("the welcome is for another chat");
    const secret = extensions.find((extension) => extension.extensionType === kGroupSecret)?.extensionData;
    return { state, secret: secret?.length === 32 ? secret : undefined };
  }

  /** The key packages (by reference) that a welcome is for. */
  welcomeFor(welcome: Uint8Array): Uint8Array[] {
    return decodeWhole(decodeWelcome, welcome)?.secrets.map((secret) => secret.newMember) ?? [];
  }

  /** Takes devices in and others out; with neither, renews the keys of this device. Only who comes in learns `secret`. */
  async commit(state: MlsState, add: KeyPackage[], remove: number[], secret: Uint8Array | undefined): Promise<MadeCommit> {
    const proposals: Proposal[] = [
      ...remove.map((removed): Proposal => ({ proposalType: "remove", remove: { removed } })),
      ...add.map((keyPackage): Proposal => ({ proposalType: "add", add: { keyPackage } })),
    ];
    const made = await createCommit(
      { state, cipherSuite: this.suite },
      {
        extraProposals: proposals,
        ratchetTreeExtension: true,
        groupInfoExtensions: secret ? [{ extensionType: kGroupSecret, extensionData: secret }] : [],
      },
    );
    return {
      state: made.newState,
      commit: encodeMlsMessage(made.commit),
      welcome: made.welcome && encodeWelcome(made.welcome),
      groupInfo: await this.groupInfo(made.newState),
    };
  }

  /**
   * What others come in by. Not by the library's function for it: that one leaves out the length before the key, which RFC
   * 9420, section 12.4.3.2, has (and hpke.ts takes off again).
   */
  private async groupInfo(state: MlsState): Promise<Uint8Array> {
    const external = await this.suite.hpke.deriveKeyPair(state.keySchedule.externalSecret);
    const key = await this.suite.hpke.exportPublicKey(external.publicKey);
    const extensions: Extension[] = [
      { extensionType: "external_pub", extensionData: concat(Uint8Array.of(key.length), key) },
      { extensionType: "ratchet_tree", extensionData: encodeRatchetTree(state.ratchetTree) },
    ];
    return encodeGroupInfo(await createGroupInfo(state.groupContext, state.confirmationTag, state, extensions, this.suite));
  }

  /** The group id and members of a group info, before it is verified. */
  peek(groupInfo: Uint8Array): { groupId: Uint8Array; tree: RatchetTree; leaves: Leaf[] } | undefined {
    const info = decodeWhole(decodeGroupInfo, groupInfo);
    const tree = info?.extensions.find((extension) => extension.extensionType === "ratchet_tree");
    if (!info || !tree) return undefined;
    const decoded = decodeWhole(decodeRatchetTree, tree.extensionData);
    return decoded && { groupId: info.groupContext.groupId, tree: decoded, leaves: leavesOf(decoded) };
  }

  /**
   * Whether `state` is, or was, in the epoch that a group info is of. An epoch of the same number that others made is told by
   * its confirmation tag, a past one by its transcript. Undefined: it is too long ago to tell, or of no use.
   */
  wasIn(state: MlsState, groupInfo: Uint8Array): boolean | undefined {
    const info = decodeWhole(decodeGroupInfo, groupInfo);
    if (!info || !equal(info.groupContext.groupId, state.groupContext.groupId)) return undefined;
    const { epoch, confirmedTranscriptHash } = info.groupContext;
    if (epoch === state.groupContext.epoch) return equal(info.confirmationTag, state.confirmationTag);
    if (epoch > state.groupContext.epoch) return false;
    const past = state.historicalReceiverData.get(epoch);
    return past && equal(past.groupContext.confirmedTranscriptHash, confirmedTranscriptHash);
  }

  /** Comes in by an external commit; takes an earlier leaf of this device out, if there is one. */
  async joinExternally(groupId: Uint8Array, groupInfo: Uint8Array, authenticatedData: Uint8Array): Promise<MadeCommit> {
    const info = decodeWhole(decodeGroupInfo, groupInfo);
    const peeked = this.peek(groupInfo);
    if (!info || !peeked || !equal(peeked.groupId, groupId)) throw new MlsRefused("the group info is malformed or of another chat");
    const own = await this.makeKeyPackage(Number(kMaxLifetimeS), false);
    const resync = peeked.leaves.some((leaf) => equal(leaf.identityKey, this.identity.publicKey));
    const { publicMessage, newState } = await refusing(() =>
      joinGroupExternal(info, own.publicPackage, own.privatePackage, resync, this.suite, undefined, this.config, authenticatedData),
    );
    return {
      state: newState,
      commit: encodeMlsMessage({ version: "mls10", wireformat: "mls_public_message", publicMessage }),
      welcome: undefined,
      groupInfo: await this.groupInfo(newState),
    };
  }

  /**
   * Follows a commit of another device. `allow` sees what it would do and may refuse. The state says
   * `removedFromGroup` in groupActiveState when it takes this device out.
   */
  async follow(state: MlsState, commit: Uint8Array, allow: (change: Change) => boolean): Promise<{ state: MlsState; change: Change }> {
    const message = decodeWhole(decodeMlsMessage, commit);
    if (message?.wireformat !== "mls_private_message" && message?.wireformat !== "mls_public_message") throw new MlsRefused("not a commit");
    const open = message.wireformat === "mls_public_message" ? message.publicMessage.content : undefined;
    if (open && open.contentType !== "commit") throw new MlsRefused("not a commit");
    const groupId = open ? open.groupId : message.wireformat === "mls_private_message" ? message.privateMessage.groupId : undefined;
    if (!groupId || !equal(groupId, state.groupContext.groupId)) throw new MlsRefused("of another chat");
    const authenticatedData = open?.authenticatedData ?? new Uint8Array();
    let change: Change | undefined;
    const result = await refusing(() =>
      processMessage(message, state, emptyPskIndex, (incoming) => {
        if (incoming.kind !== "commit") return "reject";
        const joiner = open?.contentType === "commit" && incoming.senderLeafIndex === undefined ? open.commit.path?.leafNode : undefined;
        change = this.changeOf(state, incoming.senderLeafIndex, joiner, incoming.proposals.map((p) => p.proposal), authenticatedData);
        return change && allow(change) ? "accept" : "reject";
      }, this.suite),
    );
    if (result.kind !== "newState" || result.actionTaken !== "accept" || !change) throw new MlsRefused("the commit is not allowed");
    return { state: result.newState, change };
  }

  private changeOf(state: MlsState, sender: number | undefined, joiner: LeafNode | undefined, proposals: Proposal[],
                   authenticatedData: Uint8Array): Change | undefined {
    const committer = joiner ? leafOf(joiner, -1) : sender === undefined ? undefined : leafAt(state.ratchetTree, sender);
    if (!committer) return undefined;
    const change: Change = { committer, external: joiner !== undefined, added: [], removed: [], authenticatedData };
    for (const proposal of proposals) {
      if (proposal.proposalType === "add") {
        const device = deviceOf(proposal.add.keyPackage.leafNode.credential);
        if (!device || !this.lifetimeGood(proposal.add.keyPackage)) return undefined;
        change.added.push(device);
      } else if (proposal.proposalType === "remove") {
        const leaf = leafAt(state.ratchetTree, proposal.remove.removed);
        if (!leaf) return undefined;
        change.removed.push(leaf);
      } else if (proposal.proposalType !== "external_init") {
        return undefined;  // Nothing else is part of this protocol.
      }
    }
    return change;
  }

  async seal(state: MlsState, plaintext: Uint8Array): Promise<{ state: MlsState; message: Uint8Array }> {
    const padded = { ...state, clientConfig: { ...this.config, paddingConfig: { kind: "padUntilLength" as const, padUntilLength: paddedLength(plaintext.length) } } };
    const { newState, privateMessage } = await createApplicationMessage(padded, plaintext, this.suite);
    return {
      state: { ...newState, clientConfig: this.config },
      message: encodeMlsMessage({ version: "mls10", wireformat: "mls_private_message", privateMessage }),
    };
  }

  /** An application message; undefined: it is none. */
  read(message: Uint8Array): PrivateMessage | undefined {
    const decoded = decodeWhole(decodeMlsMessage, message);
    return decoded?.wireformat === "mls_private_message" && decoded.privateMessage.contentType === "application" ? decoded.privateMessage : undefined;
  }

  /**
   * Opens an application message of the present epoch or of one that is kept. By the library's inner function, since
   * the outer one does not tell who the sender is. It is theirs once `signed` is true: that takes another thread the longest,
   * and the next message can be opened meanwhile.
   */
  async open(state: MlsState, privateMessage: PrivateMessage): Promise<{ state: MlsState; plaintext: Uint8Array; from: Leaf; signed: Promise<boolean> }> {
    if (!equal(privateMessage.groupId, state.groupContext.groupId)) throw new MlsRefused("of another chat");
    const past = privateMessage.epoch === state.groupContext.epoch ? undefined : state.historicalReceiverData.get(privateMessage.epoch);
    if (!past && privateMessage.epoch !== state.groupContext.epoch) throw new MlsRefused("of an epoch that is not kept");
    const at = past ?? { ...state, senderDataSecret: state.keySchedule.senderDataSecret };
    let signed = Promise.resolve(false);
    const later = { ...this.suite.signature, verify: async (...of: Parameters<CiphersuiteImpl["signature"]["verify"]>) => ((signed = this.suite.signature.verify(...of)), true) };
    const { tree, content } = await refusing(() =>
      unprotectPrivateMessage(at.senderDataSecret, privateMessage, at.secretTree, at.ratchetTree, at.groupContext, this.config.keyRetentionConfig, { ...this.suite, signature: later }),
    );
    const { sender } = content.content;
    const from = sender.senderType === "member" ? leafAt(at.ratchetTree, sender.leafIndex) : undefined;
    if (content.content.contentType !== "application" || !from) throw new MlsRefused("not an application message");
    const opened: MlsState = past
      ? { ...state, historicalReceiverData: new Map(state.historicalReceiverData).set(privateMessage.epoch, { ...past, secretTree: tree }) }
      : { ...state, secretTree: tree };
    return { state: opened, plaintext: content.content.applicationData, from, signed };
  }

  /** RFC 9420, section 8.5: a secret that all members of the present epoch have. */
  exporter(state: MlsState, label: string, context: Uint8Array, length: number): Promise<Uint8Array> {
    return mlsExporter(state.keySchedule.exporterSecret, label, context, length, this.suite);
  }

  leaves(state: MlsState): Leaf[] {
    return leavesOf(state.ratchetTree);
  }

  isActive(state: MlsState): boolean {
    return state.groupActiveState.kind === "active";
  }
}

/** Lengths of plaintexts are hidden: at least 256 bytes, above that at most 12 % more than needed (as Padmé does). */
function paddedLength(plaintext: number): number {
  const length = plaintext + 80;  // What MLS puts around it: lengths and the signature.
  if (length <= kMinPadded) return kMinPadded;
  const exponent = Math.floor(Math.log2(length));
  const step = 2 ** (exponent - Math.floor(Math.log2(exponent)) - 1);
  return Math.ceil(length / step) * step;
}

/** What the library throws about input of others becomes MlsRefused; failures to look up keys stay as they are. */
async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof LookupFailed) throw error.reason;
    throw new MlsRefused(error instanceof Error ? error.message : String(error));
  }
}

/** Thrown by an Authenticate that could not find out. */
export class LookupFailed extends Error {
  override readonly name = "LookupFailed";
  constructor(readonly reason: unknown) {
    super("keys could not be looked up");
  }
}

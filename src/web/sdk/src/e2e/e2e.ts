/** Puts the encryption of an account on a device together. */
import type { Envelope, KeyStock, Welcome } from "../gen/godwit_pb.js";
import { E2eError, type ChatRef, type E2e, type E2eHost, type MemberChange, type Transaction, type Write } from "./api.js";
import { Calls } from "./calls.js";
import { chatOfName, nameOf } from "./chat/chat-id.js";
import { kChatRows } from "./chat/chat-state.js";
import { Chats, type Work } from "./chat/chats.js";
import { Gossip } from "./chat/gossip.js";
import { Incoming } from "./chat/incoming.js";
import { Joiner } from "./chat/joiner.js";
import { Membership } from "./chat/membership.js";
import { Outgoing } from "./chat/outgoing.js";
import { Ready } from "./chat/ready.js";
import { loadSigningKey, makeSigningKey } from "./device-keys.js";
import { KeyPackages } from "./key-packages.js";
import { extendLink } from "./links.js";
import { LookupFailed, Mls } from "./mls.js";
import { decryptName, encryptName } from "./names.js";
import { Publisher } from "./publish.js";
import { Restores } from "./restores.js";
import { SafetyNumbers } from "./safety-number.js";
import { SelfChannel } from "./self.js";
import { Statuses } from "./status.js";
import { audit } from "./transparency/audit.js";
import { Directory } from "./transparency/directory.js";
import { Heads, ServerLied } from "./transparency/heads.js";
import { Monitor } from "./transparency/monitor.js";

const kIdentityKey = "identity";

/** Opens the encryption; what it kept is read, and nothing is asked of the server yet. */
export async function openE2e(host: E2eHost): Promise<E2e> {
  const identity = (await loadSigningKey(host.vault, kIdentityKey)) ?? (await makeSigningKey(host.vault, kIdentityKey));
  const heads = await Heads.load(host);
  const directory = new Directory(host, heads);
  const mls = new Mls(
    { userId: host.userId, deviceId: host.deviceId },
    identity,
    async (device, key) => {
      try {
        return await directory.proves(device, key);
      } catch (error) {
        throw new LookupFailed(error);
      }
    },
    () => host.now(),
  );
  const packages = await KeyPackages.load(host, mls, identity.publicKey);
  const self = await SelfChannel.load(host, identity, directory);
  const restores = await Restores.load(host);
  const chats = new Chats(host, mls);
  const gossip = new Gossip(directory);
  const ready = new Ready(host, mls, chats, directory, restores);
  const membership = new Membership(host, mls, chats, ready, restores, identity.publicKey);
  const joiner = new Joiner(host, ready);
  const incoming = new Incoming(host, mls, packages, gossip, restores, (chat) => joiner.add(chat));
  const outgoing = new Outgoing(mls, ready, gossip);
  const publisher = new Publisher(host, identity, packages, directory, self, restores);
  const monitor = new Monitor(host, directory);
  const calls = new Calls(host, identity, mls, chats, directory);
  const statuses = new Statuses(host, identity, directory);
  const safety = new SafetyNumbers(host, directory);

  async function secretOf(chat: Uint8Array): Promise<Uint8Array> {
    const { secret } = await chats.read(nameOf({ chat }));
    if (!secret) throw new E2eError("no_secret", "the group's secret is not known yet: it comes with the next message");
    return secret;
  }

  /** Commits whose answer was lost are sent again, each by itself: one that fails must not stop the others. */
  async function resume(): Promise<void> {
    for (const name of await chats.withPending()) {
      await ready.finish(chatOfName(name)).catch((error: unknown) => {
        if (error instanceof ServerLied) throw error;
        host.emit({ kind: "failed", error });
      });
    }
  }

  /** Heads of another log, which may be shorter, are told in all chats again. */
  async function forgetHeadsTold(): Promise<void> {
    const names = new Set((await host.list(kChatRows)).map(([key]) => key.slice(kChatRows.length).split("/")[0]!));
    for (const name of names) await chats.change((tx) => tx.update(name, { headTold: 0n }).then(() => undefined));
  }

  async function greet(welcome: Welcome): Promise<void> {
    await directory.serial(() => heads.pin(welcome));
    await monitor.check();
    await directory.compareDisputed();
    const few = restores.packagesOld;
    const identity = await publisher.fill();
    if (identity) await monitor.check();
    if (identity || few) {
      void publisher.fill().catch((error: unknown) => host.emit({ kind: "failed", error }));
    }
    await joiner.addAll();
  }

  /** Twice: one may have begun before, and the first replaces only a few. What fails is done on the next connection. */
  restores.onNoticed = () => {
    void greeted
      .then(() => publisher.fill())
      .then(() => publisher.fill())
      .catch((error: unknown) => host.emit({ kind: "failed", error }));
  };

  // Of the present connection. Nobody takes a commit of a device whose identity is not in the key log yet.
  let greeted: Promise<void> = Promise.resolve();
  const whenGreeted = <T>(work: () => Promise<T>) => telling(() => greeted.then(work));

  return {
    async connected(welcome: Welcome) {
      restores.connected();
      greeted = greet(welcome);
      await telling(() => greeted);
      // In the background: the winners of races come with the envelopes that the core opens next.
      void resume().catch((error: unknown) => host.emit({ kind: "failed", error }));
    },
    stock: (stock: KeyStock) => telling(async () => void (stock.low && (await publisher.fill()))),
    wentBack: () => restores.noticed(),
    begin: async () => transaction(await chats.begin(), incoming, outgoing),
    ready: (chat: ChatRef) => whenGreeted(() => ready.ensure(chat)),
    createGroup: (chat: Uint8Array) => whenGreeted(() => membership.create(chat)),
    changeMembers: (chat: Uint8Array, change: MemberChange) => whenGreeted(() => membership.change(chat, change)),
    answerJoin: (chat: Uint8Array, userId: bigint, accept: boolean) => whenGreeted(() => membership.answer(chat, userId, accept)),
    joinGroup: (link: string) => whenGreeted(() => membership.join(link)),
    extendLink: async (chat: Uint8Array, link: string, linkId: Uint8Array) => extendLink(await secretOf(chat), link, linkId),
    encryptName: async (chat: Uint8Array, name: string) => encryptName(await secretOf(chat), chat, name),
    async decryptName(chat: Uint8Array, encrypted: Uint8Array) {
      const { secret } = await chats.read(nameOf({ chat }));
      return secret && decryptName(secret, chat, encrypted);
    },
    async sealCall(chat: ChatRef, callId: Uint8Array, plaintext: Uint8Array) {
      await whenGreeted(() => ready.ensure(chat));
      const sealed = await calls.seal(chat, callId, plaintext);
      if (!sealed) throw new E2eError("too_many_races", "the chat's encryption went away");
      return sealed;
    },
    openCall: (chat: ChatRef, callId: Uint8Array, sealed: Uint8Array) => calls.open(chat, callId, sealed),
    sealToSelf: (plaintext: Uint8Array) => telling(() => self.seal(plaintext)),
    openFromSelf: (envelope: Envelope) => self.open(envelope),
    sealStatus: (audience: bigint[], plaintext: Uint8Array) => statuses.seal(audience, plaintext),
    learnStatusKey: (author: bigint, keyMessage: Uint8Array) => statuses.learn(author, keyMessage),
    openStatus: (author: bigint, payload: Uint8Array) => statuses.open(author, payload),
    safetyNumber: (userId: bigint) => telling(() => safety.of(userId)),
    verifySafetyNumber: (userId: bigint, qr: Uint8Array) => telling(() => safety.verify(userId, qr)),
    setVerified: (userId: bigint, verified: boolean) => directory.setVerified(userId, verified),
    logFault: () => directory.fault,
    async acceptLog() {
      if (directory.fault?.acceptable) await forgetHeadsTold();
      await directory.acceptLog(statuses.renew());
    },
    auditKeyLog: (progress?: (read: number, of: number) => void) => telling(() => audit(directory, progress)),
    close() {
      joiner.close();
      chats.close();
    },
  };
}

/** The app sees one error for a server that lies, whatever it lied about. */
async function telling<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ServerLied) throw new E2eError("server_lied", error.message);
    throw error;
  }
}

function transaction(work: Work, incoming: Incoming, outgoing: Outgoing): Transaction {
  let last: Promise<unknown> = Promise.resolve();
  return {
    open(envelope: Envelope) {
      const opening = last.then(() => incoming.open(work, envelope));
      last = opening.catch(() => undefined);
      return telling(async () => (await opening).brought);
    },
    seal: (chat: ChatRef, id: Uint8Array, content: Uint8Array) => outgoing.seal(work, chat, id, content),
    writes: (): Write[] => work.writes(),
    done: () => work.done(),
    abort: () => work.abort(),
  };
}

// Delivers keys, messages and commits in memory as docs/protocol says, so that the logic of groups is tested without a
// server, and so that there is a server which can lie. The same tests of chats run against the daemon (daemon.test.ts).
import { create } from "@bufbuild/protobuf";
import { decodeKeyPackage } from "ts-mls/keyPackage.js";
import {
  ChatsSchema, ClaimedKeysSchema, DeviceKeysSchema, EnvelopeSchema, ErrorCode, GroupChangedSchema, GroupInfoSchema, GroupSchema, KeyLogPageSchema, KeyStockSchema,
  SentSchema, WelcomeSchema, type ClaimKeys, type Commit, type DeviceKeys, type Envelope, type ListKeyLog, type PublishKeys, type TreeHead, type Welcome,
} from "../../src/gen/godwit_pb.js";
import type { Device, E2eEvent, E2eHost, KeyVault, Opened, ReplyBody, RequestBody, SigningKey, Write } from "../../src/e2e/api.js";
import type { E2e } from "../../src/e2e/api.js";
import { NotReadyError, type ChatRef } from "../../src/e2e/api.js";
import { be64, fromHex, hex, labelled, randomBytes, utf8 } from "../../src/e2e/bytes.js";
import { makeSigningKey } from "../../src/e2e/device-keys.js";
import { openE2e } from "../../src/e2e/e2e.js";
import { newId } from "../../src/e2e/chat/pending.js";
import { FakeLog } from "./fake-log.js";
import { memoryVault } from "./memory-vault.js";

export class Refused extends Error {
  constructor(readonly code: ErrorCode, readonly epoch?: bigint, readonly extra?: Device[]) {
    super(ErrorCode[code]);
  }
}

/** A link is this and the group in hex. */
export const kLink = "link:";

interface ServerDevice {
  keys: DeviceKeys;
  packages: Uint8Array[];
  lastResort: Uint8Array | undefined;
  revoked: boolean;
  client: TestClient | undefined;
}

interface ServerChat {
  epoch: bigint;
  groupInfo: Uint8Array;
  members: Set<bigint>;
  log: Envelope[];
  seen: Map<string, ReplyBody>;
  group: Uint8Array | undefined;
}

export class FakeServer {
  readonly users = new Map<bigint, Map<number, ServerDevice>>();
  readonly chats = new Map<string, ServerChat>();
  log = new FakeLog();
  // Set by tests that lie: who sees another log, and what replies become.
  logFor: (device: Device) => FakeLog = () => this.log;
  tamper: (device: Device, reply: ReplyBody) => ReplyBody = (_device, reply) => reply;
  // Requests that are handled although their answer is lost.
  loseAnswers = 0;
  private nextUser = 1n;

  async register(): Promise<TestClient> {
    const userId = this.nextUser++;
    this.users.set(userId, new Map());
    return this.device(userId, 0);
  }

  /** Links a device to the account of `by`. */
  async link(by: TestClient): Promise<TestClient> {
    return this.device(by.userId, by.deviceId, by.deviceKey);
  }

  /** A device whose approval is by a key that nobody has: what a server makes that wants to read along. */
  async smuggle(userId: bigint): Promise<TestClient> {
    return this.device(userId, 1, await makeSigningKey(memoryVault(), "any"));
  }

  /** A backup of chats, key packages and inboxes; what it returns puts it back. Who is connected has to connect anew. */
  backup(): () => void {
    const copyOf = (chat: ServerChat): ServerChat => ({ ...chat, members: new Set(chat.members), log: [...chat.log], seen: new Map(chat.seen) });
    const chats = [...this.chats].map(([name, chat]) => [name, copyOf(chat)] as const);
    const devices = [...this.users.values()].flatMap((of) => [...of.values()]).map((device) => {
      const { packages, lastResort, client } = device;
      return { device, packages: [...packages], lastResort, client, inbox: [...(client?.inbox ?? [])] };
    });
    return () => {
      this.chats.clear();
      for (const [name, chat] of chats) this.chats.set(name, copyOf(chat));
      for (const { device, packages, lastResort, client, inbox } of devices) {
        Object.assign(device, { packages: [...packages], lastResort });
        if (client) client.inbox = inbox.filter((envelope) => !client.opened.some((done) => done.envelope === envelope));
      }
    };
  }

  private async device(userId: bigint, approvedBy: number, approver?: SigningKey): Promise<TestClient> {
    const devices = this.users.get(userId)!;
    const deviceId = devices.size + 1;
    const vault = memoryVault(deviceId % 2 === 0);
    const deviceKey = await makeSigningKey(vault, "device");
    const approvalLinkId = randomBytes(16);
    const approvalSignature = (await approver?.sign(labelled("link-approve", approvalLinkId, deviceKey.publicKey, be64(userId)))) ?? new Uint8Array();
    const keys = create(DeviceKeysSchema, { deviceId, deviceKey: deviceKey.publicKey, approvedBy, approvalSignature, approvalLinkId });
    const entry: ServerDevice = { keys, packages: [], lastResort: undefined, revoked: false, client: undefined };
    devices.set(deviceId, entry);
    entry.client = await TestClient.open(this, userId, deviceId, deviceKey, vault);
    return entry.client;
  }

  revoke({ userId, deviceId }: Device): void {
    const device = this.users.get(userId)!.get(deviceId)!;
    device.revoked = true;
    device.client = undefined;
    this.logDevices(userId);
  }

  welcome(device: Device): Welcome {
    const log = this.logFor(device);
    return create(WelcomeSchema, { ...device, logKey: log.key, logSize: BigInt(log.entries.length) });
  }

  async request(device: Device, body: RequestBody): Promise<ReplyBody> {
    const reply = this.tamper(device, this.handle(device, body));
    if (this.loseAnswers > 0) {
      this.loseAnswers--;
      throw new Error("the connection was lost");
    }
    return reply;
  }

  private handle(device: Device, body: RequestBody): ReplyBody {
    const log = this.logFor(device);
    switch (body.case) {
      case "publishKeys": return this.publish(device, body.value as PublishKeys);
      case "getKeyStock": return this.stock(device);
      case "claimKeys": return this.claim(device, body.value as ClaimKeys, log);
      case "getTreeHead": return { case: "treeHead", value: this.head(log, body.value.logSize ?? 0n) };
      case "listKeyLog": return this.list(body.value as ListKeyLog, log);
      case "getGroupInfo": {
        const group = body.value.link ? fromHex(body.value.link.slice(kLink.length)) : undefined;
        if (group) return this.infoOf(this.chats.get(hex(group))!);
        return this.groupInfo(device, body.value.chat ?? new Uint8Array(), body.value.peer ?? 0n);
      }
      case "getGroup": {
        const { members } = this.chat(device, body.value.chat!, 0n);
        const { after = 0n, limit = 1000 } = body.value;
        const wanted = [...members].sort((a, b) => (a < b ? -1 : 1)).filter((userId) => userId > after);
        const page = wanted.slice(0, limit).map((userId) => ({ userId }));
        return { case: "group", value: create(GroupSchema, { chat: body.value.chat!, members: page, more: page.length < wanted.length }) };
      }
      case "listChats": {
        const chats = [...this.chats.values()].filter((chat) => chat.members.has(device.userId)).map((chat) => {
          const peer = chat.group ? 0n : [...chat.members].find((member) => member !== device.userId)!;
          return { peer, chat: chat.group, epoch: chat.epoch };
        });
        return { case: "chats", value: create(ChatsSchema, { chats }) };
      }
      case "joinGroup": {
        const { id, link, commit } = body.value;
        const group = fromHex(link!.slice(kLink.length));
        const chat = this.chats.get(hex(group))!;
        return this.once(chat, id!, () => {
          if (!commit) throw new Refused(ErrorCode.commit_needed);
          this.check(chat, commit as Commit, chat.members);
          chat.members.add(device.userId);
          this.append(device, chat, { id: id!, payload: commit.payload!, event: { members: [{ userId: device.userId }] } }, commit as Commit);
          return { case: "groupChanged", value: create(GroupChangedSchema, { chat: group, chatSeq: BigInt(chat.log.length) }) };
        });
      }
      case "send": {
        const chat = this.chat(device, body.value.chat ?? new Uint8Array(), body.value.to ?? 0n);
        const chatSeq = () => ({ case: "sent" as const, value: create(SentSchema, { chatSeq: BigInt(chat.log.length) }) });
        return this.once(chat, body.value.id!, () => {
          this.append(device, chat, { id: body.value.id!, payload: body.value.payload! }, body.value.commit as Commit | undefined);
          return chatSeq();
        });
      }
      case "changeGroup": {
        const { id, chat: name, add = [], remove = [], ban = [], commit } = body.value;
        const chat = this.chat(device, name!, 0n);
        return this.once(chat, id!, () => {
          const leaves = [...remove, ...ban];
          if (!commit && (add.length > 0 || leaves.some((user) => user !== device.userId))) throw new Refused(ErrorCode.commit_needed);
          const members = new Set([...chat.members, ...add]);
          if (commit) this.check(chat, commit as Commit, members);
          const told = new Set([...chat.members, ...add]);
          for (const user of add) chat.members.add(user);
          for (const user of leaves) chat.members.delete(user);
          this.append(device, chat, { id: id!, payload: commit?.payload ?? new Uint8Array(), event: { members: add.map((userId) => ({ userId })), removed: leaves } }, commit as Commit | undefined, told);
          return { case: "groupChanged", value: create(GroupChangedSchema, { chat: name!, chatSeq: BigInt(chat.log.length) }) };
        });
      }
      default: throw new Error(`the fake server does not know ${body.case}`);
    }
  }

  createGroup(owner: TestClient): Uint8Array {
    const group = randomBytes(16);
    this.chats.set(hex(group), { epoch: 0n, groupInfo: new Uint8Array(), members: new Set([owner.userId]), log: [], seen: new Map(), group });
    return group;
  }

  private publish(device: Device, request: PublishKeys): ReplyBody {
    const entry = this.users.get(device.userId)!.get(device.deviceId)!;
    if (request.identityKey?.length) {
      entry.keys = { ...entry.keys, identityKey: request.identityKey, identitySignature: request.identitySignature, deviceSignature: request.deviceSignature };
      entry.packages = [];
      this.logDevices(device.userId);
    }
    if (request.replace) entry.packages = [];
    if (request.signedPrekey) entry.keys = { ...entry.keys, signedPrekey: request.signedPrekey };
    for (const keyPackage of request.keyPackages ?? []) {
      const lastResort = decodeKeyPackage(keyPackage, 0)![0].extensions.some((extension) => extension.extensionType === 10);
      if (lastResort) entry.lastResort = keyPackage;
      else entry.packages.push(keyPackage);
    }
    return this.stock(device);
  }

  private logDevices(userId: bigint): void {
    this.log.append(userId, [...this.users.get(userId)!.values()].filter((entry) => !entry.revoked && entry.keys.identityKey.length > 0).map((entry) => entry.keys));
  }

  private stock(device: Device): ReplyBody {
    const { packages, lastResort, keys } = this.users.get(device.userId)!.get(device.deviceId)!;
    const value = create(KeyStockSchema, { keyPackages: packages.length, low: packages.length < 20, identity: keys.identityKey.length > 0, lastResort: lastResort !== undefined, max: 200 });
    return { case: "keyStock", value };
  }

  private claim(by: Device, request: ClaimKeys, log: FakeLog): ReplyBody {
    const users = request.users.filter((userId) => this.users.has(userId)).map((userId) => {
      const index = log.latest(userId);
      if (index < 0) return { userId };
      const entry = log.entries[index]!;
      const devices = entry.devices.map((logged) => {
        const device = this.users.get(userId)?.get(logged.deviceId);
        const take = request.keyPackages && !(by.userId === userId && by.deviceId === logged.deviceId);
        return { ...device!.keys, deviceKey: logged.deviceKey, identityKey: logged.identityKey, keyPackage: (take ? device!.packages.shift() ?? device!.lastResort : undefined) ?? new Uint8Array() };
      });
      return { ...entry, logIndex: BigInt(index), devices };
    });
    const proof = log.prove(users.flatMap((user) => ("logIndex" in user ? [Number(user.logIndex)] : [])));
    const unknown = request.users.filter((userId) => !this.users.has(userId));
    return { case: "claimedKeys", value: create(ClaimedKeysSchema, { users, unknown, head: this.head(log, request.logSize), proof }) };
  }

  private head(log: FakeLog, since: bigint): TreeHead {
    if (since > BigInt(log.entries.length)) throw new Refused(ErrorCode.invalid_argument);
    return log.head(since);
  }

  private list(request: ListKeyLog, log: FakeLog): ReplyBody {
    const all = log.entries.map((entry, index) => ({ ...entry, index: BigInt(index) }));
    const wanted = request.userId ? all.filter((entry) => entry.userId === request.userId && entry.version >= request.from) : all.slice(Number(request.from));
    const entries = wanted.slice(0, request.limit || 100);
    const value = create(KeyLogPageSchema, { entries, more: entries.length < wanted.length, head: this.head(log, request.logSize), proof: log.prove(entries.map((entry) => Number(entry.index))) });
    return { case: "keyLogPage", value };
  }

  private groupInfo(device: Device, group: Uint8Array, peer: bigint): ReplyBody {
    return this.infoOf(this.chat(device, group, peer));
  }

  private infoOf({ epoch, groupInfo, group }: ServerChat): ReplyBody {
    return { case: "groupInfo", value: create(GroupInfoSchema, { epoch, groupInfo, chat: group }) };
  }

  private chat(device: Device, group: Uint8Array, peer: bigint): ServerChat {
    const users = [device.userId, peer].sort((a, b) => (a < b ? -1 : 1));
    const name = group.length > 0 ? hex(group) : users.join();
    let chat = this.chats.get(name);
    if (!chat && group.length === 0) {
      chat = { epoch: 0n, groupInfo: new Uint8Array(), members: new Set(users), log: [], seen: new Map(), group: undefined };
      this.chats.set(name, chat);
    }
    if (!chat?.members.has(device.userId)) throw new Refused(ErrorCode.chat_not_found);
    return chat;
  }

  private once(chat: ServerChat, id: Uint8Array, work: () => ReplyBody): ReplyBody {
    const reply = chat.seen.get(hex(id)) ?? work();
    chat.seen.set(hex(id), reply);
    return reply;
  }

  private check(chat: ServerChat, commit: Commit, members: Set<bigint>): void {
    if (commit.endsEpoch !== chat.epoch) throw new Refused(ErrorCode.stale_epoch, chat.epoch);
    const extra = commit.joins.filter(({ userId, deviceId }) => !members.has(userId) || this.users.get(userId)?.get(deviceId)?.revoked !== false);
    if (extra.length > 0) throw new Refused(ErrorCode.device_list_stale, undefined, extra);
  }

  private append(from: Device, chat: ServerChat, envelope: { id: Uint8Array; payload: Uint8Array; event?: object }, commit?: Commit, told = chat.members): void {
    if (commit) {
      if (!envelope.event) this.check(chat, commit, chat.members);
      chat.epoch++;
      chat.groupInfo = commit.groupInfo;
    }
    const joins = commit?.joins ?? [];
    const whole = create(EnvelopeSchema, { ...envelope, from: from.userId, fromDevice: from.deviceId, chat: chat.group ?? new Uint8Array(), chatSeq: BigInt(chat.log.length + 1), endsEpoch: commit?.endsEpoch, welcome: commit?.welcome ?? new Uint8Array() });
    chat.log.push(whole);
    for (const userId of told) {
      for (const [deviceId, { client }] of this.users.get(userId)!) {
        const joined = joins.some((device) => device.userId === userId && device.deviceId === deviceId);
        const other = [...chat.members].find((member) => member !== from.userId);
        client?.push(create(EnvelopeSchema, { ...whole, welcome: joined ? whole.welcome : new Uint8Array(), to: !chat.group && userId === from.userId ? other! : 0n }));
      }
    }
  }
}

/** A client as the core of the SDK is one: stores what is opened with the writes, and acknowledges nothing before. */
export class TestClient {
  e2e!: E2e;
  readonly events: E2eEvent[] = [];
  readonly opened: Array<{ envelope: Envelope; opened: Opened }> = [];
  readonly failures: unknown[] = [];
  offline = false;
  rows = new Map<string, Uint8Array>();
  inbox: Envelope[] = [];
  private pumping: Promise<void> = Promise.resolve();

  private constructor(readonly server: FakeServer, readonly userId: bigint, readonly deviceId: number, readonly deviceKey: SigningKey, readonly vault: KeyVault) {}

  static async open(server: FakeServer, userId: bigint, deviceId: number, deviceKey: SigningKey, vault: KeyVault): Promise<TestClient> {
    const client = new TestClient(server, userId, deviceId, deviceKey, vault);
    await client.restart();
    return client;
  }

  /** As after a crash: all that is left are the rows. */
  async restart(): Promise<void> {
    this.e2e?.close();
    this.e2e = await openE2e(this.host());
  }

  private host(): E2eHost {
    const { userId, deviceId, deviceKey, vault } = this;
    return {
      userId, deviceId, deviceKey, vault,
      get: async (key) => this.rows.get(key),
      list: async (prefix) => [...this.rows].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1)),
      write: async (writes) => this.write(writes),
      request: (body) => this.server.request({ userId, deviceId }, body),
      emit: (event) => void this.events.push(event),
      now: () => Date.now(),
    };
  }

  private write(writes: Write[]): void {
    for (const { key, value } of writes) {
      if (value) this.rows.set(key, value);
      else this.rows.delete(key);
    }
  }

  async connect(): Promise<void> {
    this.offline = false;
    await this.e2e.connected(this.server.welcome(this));
    await this.settle();
  }

  /** Connects to a server of which the core knows that it has gone back. */
  async connectAfterRestore(): Promise<void> {
    await this.e2e.connected(this.server.welcome(this));
    await this.e2e.wentBack();
    this.offline = false;
    await this.settle();
  }

  push(envelope: Envelope): void {
    this.inbox.push(envelope);
    this.pumping = this.pumping.then(() => this.pump());
  }

  private async pump(): Promise<void> {
    while (this.inbox.length > 0 && !this.offline) {
      const tx = await this.e2e.begin();
      try {
        const envelope = this.inbox[0]!;
        const opened = await tx.open(envelope);
        this.write(tx.writes());
        tx.done();
        this.opened.push({ envelope, opened });
        this.inbox.shift();
      } catch (error) {
        tx.abort();
        this.failures.push(error);
        return;
      }
    }
  }

  /** Waits until everything that was delivered is opened. */
  async settle(): Promise<void> {
    this.pumping = this.pumping.then(() => this.pump());
    await this.pumping;
  }

  /** Sends text as the outbox does. */
  async send(chat: ChatRef, text: string): Promise<void> {
    const id = newId(Date.now());
    let payload: Uint8Array | undefined;
    for (let tries = 0; !payload && tries < 5; tries++) {
      await this.e2e.ready(chat);
      const tx = await this.e2e.begin();
      try {
        payload = await tx.seal(chat, id, utf8(text));
        this.write(tx.writes());
        tx.done();
      } catch (error) {
        tx.abort();
        if (!(error instanceof NotReadyError)) throw error;
      }
    }
    await this.server.request(this, { case: "send", value: { id, ...(chat.chat ? { chat: chat.chat } : { to: chat.peer }), payload } });
  }

  /** Texts that were read, in order. */
  get texts(): string[] {
    return this.opened.flatMap(({ opened }) => (opened.kind === "content" ? [new TextDecoder().decode(opened.content)] : []));
  }

  get unreadable(): string[] {
    return this.opened.flatMap(({ opened }) => (opened.kind === "unreadable" ? [opened.reason] : []));
  }

  count(kind: E2eEvent["kind"]): number {
    return this.events.filter((event) => event.kind === kind).length;
  }
}

/**
 * Whose devices are whose: what ClaimKeys tells, once it is proved. A device counts only when
 * - the user's entry is in the key log under a head that goes on from all heads before (heads.ts),
 * - the entry goes on from the one that this device knew (version and previous never go back),
 * - device key and identity key sign each other, and
 * - a device that counts let it into the account; the first one stands by itself.
 *
 * Lookups run one after the other, so that heads are checked in the order in which they came.
 */
import { ErrorCode, type ClaimedKeys, type KeyLogEntry, type SignedPrekey, type TreeHead, type UserKeys } from "../../gen/godwit_pb.js";
import { E2eError, type Device, type E2eEvent, type E2eHost, type LogFault, type Write } from "../api.js";
import { be64, concat, equal, hex, readBe64 } from "../bytes.js";
import { ask, codeOf } from "../requests.js";
import { confirm } from "./approvals.js";
import { entryHash, wellFormed } from "./entries.js";
import type { Head, Heads } from "./heads.js";
import { decodeHead, encodeHead, LogWentBack, ServerLied } from "./heads.js";
import { rootOfProof } from "./merkle.js";
import { decodeUser, encodeUser, type KnownDevice, type KnownUser } from "./user-rows.js";

/** Users in one request. */
const kMaxUsers = 1000;
/** Users kept in memory; the rest are rows. */
const kMaxCached = 2000;
/** Past keys that are remembered of a user, the latest. */
const kMaxFormer = 64;
/** Versions of a user that are read at most, the latest. */
const kMaxVersions = 1000n;
/** A peer's head that is not of our log, until it is shown to be, or the user accepts it. */
const kDisputedRow = "e2e/log/disputed";
/** What one page of the log is asked for. */
const kPage = 200;

/** A device that counts, with the keys of it that were claimed. */
export interface ClaimedDevice {
  device: Device;
  identityKey: Uint8Array;
  /** Absent: not asked for, or it has none. */
  keyPackage: Uint8Array | undefined;
  prekey: SignedPrekey | undefined;
}

/** What a claim asks for beside identities. */
type Wanted = { keyPackages?: boolean; prekeys?: boolean };

export class Directory {
  private readonly users = new Map<bigint, KnownUser>();
  private queue: Promise<unknown> = Promise.resolve();
  private lie: ServerLied | undefined;
  /** Counts changes of keys, of anybody: what was checked against the directory holds while it stays the same. */
  changes = 0;

  constructor(
    private readonly host: E2eHost,
    readonly heads: Heads,
  ) {}

  /** Set once the server was caught: nothing must be encrypted any more. */
  get caught(): boolean {
    return this.lie !== undefined;
  }

  /** Of what; undefined: of nothing. */
  get fault(): LogFault | undefined {
    return this.lie && { what: this.lie.message, acceptable: this.lie instanceof LogWentBack };
  }

  /**
   * The user goes on with the log that the server has now, as if it were seen for the first time. What is known of users
   * stays, and is compared with what this log says of them. `also` is stored in the same batch. Throws E2eError
   * `nothing_to_accept`.
   */
  acceptLog(also: Write[]): Promise<void> {
    const result = this.queue.then(async () => {
      if (!(this.lie instanceof LogWentBack)) throw new E2eError("nothing_to_accept", this.lie?.message ?? "nothing is wrong with the key log");
      await this.heads.startAnew([...also, { key: kDisputedRow, value: undefined }]);
      this.lie = undefined;
      this.changes++;
    });
    this.queue = result.catch(() => undefined);
    return result;
  }

  /** What is known of a user, however old; undefined: nothing. */
  async known(userId: bigint): Promise<KnownUser | undefined> {
    let user = this.users.get(userId);
    if (!user) {
      const row = await this.host.get(rowOf(userId));
      // What was looked up meanwhile is newer.
      user = this.users.get(userId) ?? (row && decodeUser(row));
      if (user) this.cache(userId, user);
    }
    return user;
  }

  /** Looks up those of `userIds` that were not looked up in the last `maxAgeMs`. */
  async refresh(userIds: Iterable<bigint>, maxAgeMs: number): Promise<void> {
    if (this.lie) throw this.lie;
    const oldest = this.host.now() - maxAgeMs;
    const stale: bigint[] = [];
    for (const id of new Set(userIds)) {
      const user = await this.known(id);
      if (!user || !this.isOfThisLog(user) || user.fetchedMs <= oldest) stale.push(id);
    }
    for (let i = 0; i < stale.length; i += kMaxUsers) await this.claim(stale.slice(i, i + kMaxUsers), {});
  }

  /** Claims keys of all devices of the users that count. */
  async claimKeys(userIds: bigint[], wanted: Wanted): Promise<ClaimedDevice[]> {
    const claimed: ClaimedDevice[] = [];
    for (let i = 0; i < userIds.length; i += kMaxUsers) claimed.push(...(await this.claim(userIds.slice(i, i + kMaxUsers), wanted)));
    return claimed;
  }

  /** Whether version, position and hash are of the present log. */
  private isOfThisLog(user: KnownUser): boolean {
    return user.generation === this.heads.generation;
  }

  /**
   * Whether a device has, or had, this identity key, by the log. That is what a leaf in a tree must have; before anything is
   * sealed, leaves that do not count now are taken out (chat/ready.ts).
   */
  async proves(device: Device, identityKey: Uint8Array): Promise<boolean> {
    const matches = (user: KnownUser | undefined) =>
      user?.devices.some((known) => known.deviceId === device.deviceId && known.counts && equal(known.identityKey, identityKey)) ||
      user?.former.some((known) => known.deviceId === device.deviceId && equal(known.identityKey, identityKey)) ||
      user?.logged.some((known) => known.deviceId === device.deviceId && equal(known.identityKey, identityKey));
    if (matches(await this.known(device.userId))) return true;
    await this.claim([device.userId], {});
    if (matches(await this.known(device.userId))) return true;
    await this.serial(async () => {
      const user = await this.known(device.userId);
      if (!user || user.version === 0n) return;
      const now = { ...user, logged: await this.history(device.userId, user.version) };
      await this.host.write([{ key: rowOf(device.userId), value: encodeUser(now) }]);
      this.cache(device.userId, now);
    });
    return matches(await this.known(device.userId)) === true;
  }

  /** Whether a device is the user's now, with this identity key, by what is known. */
  async counts(device: Device, identityKey: Uint8Array): Promise<boolean> {
    const user = await this.known(device.userId);
    return user?.devices.some((known) => known.deviceId === device.deviceId && known.counts && equal(known.identityKey, identityKey)) ?? false;
  }

  /** Compares a head that a peer sent (gossip). */
  compareHead(from: bigint, head: Head): Promise<void> {
    return this.serial(async () => {
      try {
        const { foreign, writes } = await this.heads.compare(head, (logSize) => this.treeHead(logSize));
        if (foreign) this.host.emit({ kind: "log_differs", userId: from });
        if (writes.length > 0) await this.host.write(writes);
      } catch (error) {
        // Our own log may be as before, so that nothing else would tell after a restart.
        if (error instanceof LogWentBack) await this.host.write([{ key: kDisputedRow, value: concat(be64(from), encodeHead(head)) }]);
        throw error;
      }
    });
  }

  /** Compares the head again that was not of our log, on an earlier connection. */
  async compareDisputed(): Promise<void> {
    const row = await this.host.get(kDisputedRow);
    const head = row && decodeHead(row.subarray(8));
    if (!head) return;
    await this.compareHead(readBe64(row, 0), head);
    await this.host.write([{ key: kDisputedRow, value: undefined }]);
  }

  /** The newest head, with the proof that the log of size `logSize`, which the server showed once, is its beginning. */
  private async treeHead(logSize: bigint): Promise<TreeHead> {
    try {
      return await ask(this.host, "getTreeHead", { logSize }, "treeHead");
    } catch (error) {
      if (codeOf(error) === ErrorCode.invalid_argument) throw new LogWentBack("the key log has become shorter");
      throw error;
    }
  }

  /** Runs after what is under way. What proves that the server lies ends all further use. */
  serial<T>(work: () => Promise<T>): Promise<T> {
    const result = this.queue.then(async () => {
      if (this.lie) throw this.lie;
      try {
        return await work();
      } catch (error) {
        if (error instanceof ServerLied) {
          this.lie = error;
          this.host.emit({ kind: "server_lied", ...this.fault! });
        }
        throw error;
      }
    });
    this.queue = result.catch(() => undefined);
    return result;
  }

  private claim(userIds: bigint[], wanted: Wanted): Promise<ClaimedDevice[]> {
    return this.serial(async () => {
      const claimed: ClaimedDevice[] = [];
      let users = userIds;
      while (users.length > 0) {
        const asked = this.heads.known;
        const reply = await ask(this.host, "claimKeys", { users, ...wanted, logSize: asked.size }, "claimedKeys");
        claimed.push(...(await this.take(reply, asked, users)));
        // Each round answers at least one, or it would never end.
        if (reply.leftOut.length >= users.length) throw new ServerLied("a claim was not answered");
        users = reply.leftOut;
      }
      return claimed;
    });
  }

  private async take(reply: ClaimedKeys, asked: Head, users: bigint[]): Promise<ClaimedDevice[]> {
    const expected = new Set(users);
    const seen = reply.users.filter((user) => user.version > 0n);
    for (const user of reply.users) if (!expected.delete(user.userId)) throw new ServerLied("keys of somebody else were told");
    const writes = await this.heads.advance(reply.head, asked);
    const head = reply.head!;
    if (!seen.every(wellFormed)) throw new ServerLied("an entry of the key log is malformed");
    const leaves = seen.map((user): [bigint, Uint8Array] => [user.logIndex, entryHash(user)]).sort(([a], [b]) => (a < b ? -1 : 1));
    const root = rootOfProof(head.size, leaves, reply.proof);
    if (seen.length > 0 && (!root || !equal(root, head.root))) throw new ServerLied("keys are not in the key log");

    const claimed: ClaimedDevice[] = [];
    const events: E2eEvent[] = [];
    for (const told of reply.users) {
      const before = await this.known(told.userId);
      const now = await this.accept(before, told);
      writes.push({ key: rowOf(told.userId), value: encodeUser(now) });
      events.push(...changes(told.userId, before, now));
      this.cache(told.userId, now);
      if (before && !sameKeys(before, now)) this.changes++;
      for (const { deviceId, identityKey, keyPackage, signedPrekey } of told.devices) {
        if (!now.devices.some((known) => known.deviceId === deviceId && known.counts)) continue;
        claimed.push({ device: { userId: told.userId, deviceId }, identityKey, keyPackage: keyPackage.length > 0 ? keyPackage : undefined, prekey: signedPrekey });
      }
    }
    for (const userId of reply.unknown) {
      const before = await this.known(userId);
      const now = before && before.version > 0n ? await this.gone(userId, before) : undefined;
      if (!now) continue;
      writes.push({ key: rowOf(userId), value: encodeUser(now) });
      events.push(...changes(userId, before, now));
      this.cache(userId, now);
      this.changes++;
    }
    await this.host.write(writes);
    events.forEach((event) => this.host.emit(event));
    return claimed;
  }

  /**
   * What is known of a user whom the server does not know any more: their last entry, which has no devices, proves it. Who
   * is known from a log that was given up may have no entry in this one, and then has no device that counts.
   */
  private async gone(userId: bigint, before: KnownUser): Promise<KnownUser | undefined> {
    const goesOn = this.isOfThisLog(before);
    const [last] = (await this.page({ userId, from: goesOn ? before.version + 1n : 1n, limit: kPage })).slice(-1);
    if (last ? last.userId !== userId || last.devices.length > 0 : goesOn) return undefined;
    return {
      ...before, version: last?.version ?? 0n, logIndex: last?.index ?? 0n, hash: last ? entryHash(last) : new Uint8Array(32),
      generation: this.heads.generation, fetchedMs: this.host.now(), verified: false, devices: [],
      former: [...before.former, ...before.devices.filter((device) => device.counts)].slice(-kMaxFormer),
    };
  }

  /** What is known of a user after `told`. */
  private async accept(before: KnownUser | undefined, told: UserKeys): Promise<KnownUser> {
    const fetchedMs = this.host.now();
    const last = before && this.isOfThisLog(before) ? before : undefined;
    if (last && told.version < last.version) throw new ServerLied("the keys of a user went back");
    if (last && last.version > 0n && told.version === last.version) {
      if (told.logIndex !== last.logIndex || !equal(entryHash(told), last.hash)) throw new ServerLied("a user has two entries of one version");
      if (last.devices.every((device) => device.counts)) return { ...last, fetchedMs };
    } else if (told.version > 0n) {
      const goesOn = told.version === 1n ? told.previous === 0n : told.previous > 0n && told.previous <= told.logIndex;
      const next = !last || told.version > last.version + 1n || (told.version === 1n ? true : told.previous === last.logIndex + 1n);
      if (!goesOn || !next) throw new ServerLied("the chain of entries of a user is broken");
    }
    // A key that a device had before and has again was not revoked. Those that were, and are back, stay in `former`.
    const hasAgain = (old: KnownDevice) => isIn(told.devices, old) && before!.devices.some((device) => device.deviceId === old.deviceId && !isIn([device], old));
    const former = (before?.former ?? []).filter((old) => !hasAgain(old));
    for (const device of before?.devices ?? []) {
      if (!isIn(told.devices, device) && device.counts) former.push(device);
    }
    const user: KnownUser = {
      version: told.version, logIndex: told.logIndex, hash: entryHash(told), generation: this.heads.generation, fetchedMs,
      verified: before?.verified ?? false,
      devices: [], former: former.slice(-kMaxFormer), logged: before?.logged ?? [],
    };
    user.devices = await confirm(told, user.former);
    // Seen for the first time, with approvers that are revoked by now: who was in the log before is taken for genuine, as
    // everything is that is seen for the first time. From then on it takes an approval by a device that counts.
    if (isNew(before) && told.version > 1n && user.devices.some((device) => !device.counts)) {
      user.logged = await this.history(told.userId, told.version - 1n);
      user.devices = await confirm(told, user.logged);
    }
    if (before && !sameKeys(before, user)) user.verified = false;
    return user;
  }

  /** All devices in the user's entries from `first` to `version`, with proof. Runs within `serial`. */
  async history(userId: bigint, version: bigint, first = 1n): Promise<KnownDevice[]> {
    const devices = new Map<string, KnownDevice>();
    let before: KeyLogEntry | undefined;
    for (let from = version - first >= kMaxVersions ? version - kMaxVersions + 1n : first; from <= version; ) {
      const page = await this.page({ userId, from, limit: Math.min(kPage, Number(version - from) + 1) });
      if (page.length === 0) throw new ServerLied("entries of a user are missing from the key log");
      for (const entry of page) {
        const goesOn = before ? entry.previous === before.index + 1n : entry.version !== 1n || entry.previous === 0n;
        if (entry.userId !== userId || entry.version !== from || !goesOn) throw new ServerLied("the chain of entries of a user is broken");
        for (const device of entry.devices) devices.set(`${device.deviceId} ${hex(device.identityKey)}`, { ...device, approvedBy: -1, counts: false });
        before = entry;
        from++;
      }
    }
    return [...devices.values()].slice(-kMaxFormer);
  }

  /** A page of the log, proved. Runs within `serial`. */
  async page(query: { userId?: bigint; from: bigint; limit: number }): Promise<KeyLogEntry[]> {
    const asked = this.heads.known;
    const page = await ask(this.host, "listKeyLog", { ...query, logSize: asked.size }, "keyLogPage");
    const writes = await this.heads.advance(page.head, asked);
    if (!page.entries.every(wellFormed)) throw new ServerLied("an entry of the key log is malformed");
    const leaves = page.entries.map((entry): [bigint, Uint8Array] => [entry.index, entryHash(entry)]);
    const root = rootOfProof(page.head!.size, leaves, page.proof);
    if (leaves.length > 0 && (!root || !equal(root, page.head!.root))) throw new ServerLied("entries are not in the key log");
    if (writes.length > 0) await this.host.write(writes);
    return page.entries;
  }

  /** Marks a user as verified, or no longer. */
  setVerified(userId: bigint, verified: boolean): Promise<void> {
    return this.serial(async () => {
      const user = await this.known(userId);
      if (!user) return;
      const now = { ...user, verified };
      await this.host.write([{ key: rowOf(userId), value: encodeUser(now) }]);
      this.cache(userId, now);
    });
  }

  private cache(userId: bigint, user: KnownUser): void {
    this.users.delete(userId);
    this.users.set(userId, user);
    if (this.users.size > kMaxCached) this.users.delete(this.users.keys().next().value!);
  }
}

const rowOf = (userId: bigint) => `e2e/user/${userId}`;

/** Whether nothing was known of a user. */
function isNew(user: KnownUser | undefined): boolean {
  return !user || (user.version === 0n && user.former.length === 0);
}

/** Whether a device is among `devices` with the same identity. */
export function isIn(devices: Array<Pick<KnownDevice, "deviceId" | "identityKey">>, device: KnownDevice): boolean {
  return devices.some((other) => other.deviceId === device.deviceId && equal(other.identityKey, device.identityKey));
}

function sameKeys(a: KnownUser, b: KnownUser): boolean {
  const differs = (from: KnownUser, to: KnownUser) =>
    from.devices.some((device) => device.counts && !to.devices.some((other) => other.counts && equal(other.identityKey, device.identityKey)));
  return !differs(a, b) && !differs(b, a);
}

/** What the app is told of a change of keys. Nothing of a user that is seen for the first time. */
function changes(userId: bigint, before: KnownUser | undefined, now: KnownUser): E2eEvent[] {
  if (!before || isNew(before) || sameKeys(before, now)) return [];
  const was = new Map(before.devices.filter((device) => device.counts).map((device) => [device.deviceId, device]));
  const is = new Map(now.devices.filter((device) => device.counts).map((device) => [device.deviceId, device]));
  return [{
    kind: "identity_changed", userId, wasVerified: before.verified,
    added: [...is.keys()].filter((id) => !was.has(id)),
    removed: [...was.keys()].filter((id) => !is.has(id)),
    rekeyed: [...is].filter(([id, device]) => was.has(id) && !equal(was.get(id)!.identityKey, device.identityKey)).map(([id]) => id),
  }];
}

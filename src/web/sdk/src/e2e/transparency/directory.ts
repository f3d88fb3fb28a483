/**
 * Whose devices are whose: what ClaimKeys tells, once it is proved. A device counts only when
 * - the user's entry is in the key log under a head that goes on from all heads before (heads.ts),
 * - the entry goes on from the one that this device knew (version and previous never go back),
 * - device key and identity key sign each other, and
 * - a device that counts let it into the account; the first one stands by itself.
 *
 * Lookups run one after the other, so that heads are checked in the order in which they came.
 */
import type { ClaimedKeys, KeyLogEntry, SignedPrekey, UserKeys } from "../../gen/godwit_pb.js";
import type { Device, E2eEvent, E2eHost } from "../api.js";
import { equal, hex } from "../bytes.js";
import { ask } from "../requests.js";
import { confirm } from "./approvals.js";
import { entryHash, wellFormed } from "./entries.js";
import type { Head, Heads } from "./heads.js";
import { ServerLied } from "./heads.js";
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
    for (const id of new Set(userIds)) if (((await this.known(id))?.fetchedMs ?? 0) <= oldest) stale.push(id);
    for (let i = 0; i < stale.length; i += kMaxUsers) await this.claim(stale.slice(i, i + kMaxUsers), {});
  }

  /** Claims keys of all devices of the users that count. */
  async claimKeys(userIds: bigint[], wanted: Wanted): Promise<ClaimedDevice[]> {
    const claimed: ClaimedDevice[] = [];
    for (let i = 0; i < userIds.length; i += kMaxUsers) claimed.push(...(await this.claim(userIds.slice(i, i + kMaxUsers), wanted)));
    return claimed;
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
      const { foreign, writes } = await this.heads.compare(head, (logSize) => ask(this.host, "getTreeHead", { logSize }, "treeHead"));
      if (foreign) this.host.emit({ kind: "log_differs", userId: from });
      if (writes.length > 0) await this.host.write(writes);
    });
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
          this.host.emit({ kind: "server_lied", what: error.message });
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

  /** What is known of a user whom the server does not know any more: their last entry, which has no devices, proves it. */
  private async gone(userId: bigint, before: KnownUser): Promise<KnownUser | undefined> {
    const [last] = (await this.page({ userId, from: before.version + 1n, limit: kPage })).slice(-1);
    if (!last || last.userId !== userId || last.devices.length > 0) return undefined;
    return {
      ...before, version: last.version, logIndex: last.index, hash: entryHash(last), fetchedMs: this.host.now(), verified: false, devices: [],
      former: [...before.former, ...before.devices.filter((device) => device.counts)].slice(-kMaxFormer),
    };
  }

  /** What is known of a user after `told`. */
  private async accept(before: KnownUser | undefined, told: UserKeys): Promise<KnownUser> {
    const fetchedMs = this.host.now();
    if (before && told.version < before.version) throw new ServerLied("the keys of a user went back");
    if (before && before.version > 0n && told.version === before.version) {
      if (told.logIndex !== before.logIndex || !equal(entryHash(told), before.hash)) throw new ServerLied("a user has two entries of one version");
      if (before.devices.every((device) => device.counts)) return { ...before, fetchedMs };
    } else if (told.version > 0n) {
      const goesOn = told.version === 1n ? told.previous === 0n : told.previous > 0n && told.previous <= told.logIndex;
      const next = !before || told.version > before.version + 1n || (told.version === 1n ? true : told.previous === before.logIndex + 1n);
      if (!goesOn || !next) throw new ServerLied("the chain of entries of a user is broken");
    }
    const former = [...(before?.former ?? [])];
    for (const device of before?.devices ?? []) {
      const stays = told.devices.some((now) => now.deviceId === device.deviceId && equal(now.identityKey, device.identityKey));
      if (!stays && device.counts) former.push(device);
    }
    const user: KnownUser = {
      version: told.version, logIndex: told.logIndex, hash: entryHash(told), fetchedMs, verified: before?.verified ?? false,
      devices: [], former: former.slice(-kMaxFormer), logged: before?.logged ?? [],
    };
    user.devices = await confirm(told, user.former);
    // Seen for the first time, with approvers that are revoked by now: who was in the log before is taken for genuine, as
    // everything is that is seen for the first time. From then on it takes an approval by a device that counts.
    if ((!before || before.version === 0n) && told.version > 1n && user.devices.some((device) => !device.counts)) {
      user.logged = await this.history(told.userId, told.version - 1n);
      user.devices = await confirm(told, user.logged);
    }
    if (before && before.version > 0n && !sameKeys(before, user)) user.verified = false;
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

function sameKeys(a: KnownUser, b: KnownUser): boolean {
  const differs = (from: KnownUser, to: KnownUser) =>
    from.devices.some((device) => device.counts && !to.devices.some((other) => other.counts && equal(other.identityKey, device.identityKey)));
  return !differs(a, b) && !differs(b, a);
}

/** What the app is told of a change of keys. Nothing of a user that is seen for the first time. */
function changes(userId: bigint, before: KnownUser | undefined, now: KnownUser): E2eEvent[] {
  if (!before || before.version === 0n || sameKeys(before, now)) return [];
  const was = new Map(before.devices.filter((device) => device.counts).map((device) => [device.deviceId, device]));
  const is = new Map(now.devices.filter((device) => device.counts).map((device) => [device.deviceId, device]));
  return [{
    kind: "identity_changed", userId, wasVerified: before.verified,
    added: [...is.keys()].filter((id) => !was.has(id)),
    removed: [...was.keys()].filter((id) => !is.has(id)),
    rekeyed: [...is].filter(([id, device]) => was.has(id) && !equal(was.get(id)!.identityKey, device.identityKey)).map(([id]) => id),
  }];
}

/**
 * The head of the key log as this device knows it: the key that signs it is kept from the first connection on, and every
 * head that is accepted is proved to go on from the one before. So the server cannot take back or change what it once
 * showed to this device. That it shows the same log to others is what gossip is for: devices put their head into
 * encrypted messages, and whoever gets one asks the server to prove that both belong to one log.
 *
 * A server that was restored from a backup has lost what came after it, and looks like one that takes it back. Nobody but
 * the user can tell one from the other: they may give the log up for the one that the server has now, which is then kept
 * as that of a first connection is.
 */
import type { TreeHead, Welcome } from "../../gen/godwit_pb.js";
import type { E2eHost, Write } from "../api.js";
import { be32, be64, concat, equal, labelled, readBe32, readBe64 } from "../bytes.js";
import { verify } from "../device-keys.js";
import { consistent, kEmptyRoot } from "./merkle.js";

/** A head as it is kept and passed on, with the signature, so that nobody but the server can be blamed for it. */
export type Head = Pick<TreeHead, "size" | "root" | "timeMs" | "signature">;

/** The server was caught: nothing it says of keys is used any more. */
export class ServerLied extends Error {
  override readonly name = "ServerLied";
}

/** The log is not the one from before, as after a restore from a backup: the user may accept it (Directory.acceptLog). */
export class LogWentBack extends ServerLied {}

/** Bytes of an encoded head. */
export const kHeadBytes = 112;
const kKeyRow = "e2e/log/key";
const kHeadRow = "e2e/log/head";
const kAcceptedRow = "e2e/log/accepted";
/** The server's clock may run ahead of ours by this much, milliseconds. */
const kMaxAheadMs = 3_600_000n;
/** How long heads of a log that was given up may still come with messages, milliseconds. */
const kOldHeadsMs = 30n * 86_400_000n;
/** Tries to get two proofs that lead to one head: the log may grow between them. */
const kMaxTries = 8;
const kNoHead: Head = { size: 0n, root: kEmptyRoot, timeMs: 0n, signature: new Uint8Array(64) };

export class Heads {
  private logKey: Uint8Array | undefined;
  private head: Head = kNoHead;
  // When the user accepted another log for the last time, by that log's first head; 0: it has not come yet.
  private acceptedMs = 0n;
  /** How many logs the user has given up for another. */
  generation = 0;

  private constructor(private readonly host: E2eHost) {}

  static async load(host: E2eHost): Promise<Heads> {
    const heads = new Heads(host);
    heads.logKey = await host.get(kKeyRow);
    const row = await host.get(kHeadRow);
    heads.head = (row && decodeHead(row)) ?? heads.head;
    const accepted = await host.get(kAcceptedRow);
    if (accepted) [heads.generation, heads.acceptedMs] = [readBe32(accepted, 0), readBe64(accepted, 4)];
    return heads;
  }

  get known(): Head {
    return this.head;
  }

  /** Keeps the log's key from the first time on; throws ServerLied for another one. */
  async pin(welcome: Pick<Welcome, "logKey" | "logSize">): Promise<void> {
    if (!this.logKey) {
      if (welcome.logKey.length !== 32) throw new ServerLied("the server has no key for the key log");
      await this.host.write([{ key: kKeyRow, value: welcome.logKey }]);
      this.logKey = welcome.logKey;
    }
    if (!equal(this.logKey, welcome.logKey)) throw new LogWentBack("the key that signs the key log has changed");
    if (welcome.logSize < this.head.size) throw new LogWentBack("the key log has become shorter");
  }

  /** Gives the log up: key and head that come next are kept, as on the first connection. `also` is stored with it. */
  async startAnew(also: Write[]): Promise<void> {
    const generation = this.generation + 1;
    await this.host.write([
      ...also,
      { key: kKeyRow, value: undefined },
      { key: kHeadRow, value: undefined },
      { key: kAcceptedRow, value: encodeAccepted(generation, 0n) },
    ]);
    [this.logKey, this.head, this.generation, this.acceptedMs] = [undefined, kNoHead, generation, 0n];
  }

  /** Checks a head that came with a request which named `known.size`. Returns the writes that keep it. */
  async advance(next: TreeHead | undefined, asked: Head): Promise<Write[]> {
    if (!next) throw new ServerLied("a reply has no head of the key log");
    await this.checkSignature(next);
    // A request that was overtaken by another is proved against what it asked about, and both against one another by size.
    if (asked.size > 0n && !consistent(asked.size, asked.root, next.size, next.root, next.consistency)) {
      throw new LogWentBack("the key log was rewritten");
    }
    if (next.size < this.head.size) throw new LogWentBack("the key log has become shorter");
    if (next.size === this.head.size && !equal(next.root, this.head.root)) throw new LogWentBack("two key logs of one size");
    const writes: Write[] = [];
    if (this.generation > 0 && this.acceptedMs === 0n) {
      // Not later than now, or the server could have all heads to come taken for old ones.
      const nowMs = BigInt(this.host.now());
      this.acceptedMs = next.timeMs < nowMs ? next.timeMs : nowMs;
      writes.push({ key: kAcceptedRow, value: encodeAccepted(this.generation, this.acceptedMs) });
    }
    if (next.size > this.head.size) {
      this.head = { size: next.size, root: next.root, timeMs: next.timeMs, signature: next.signature };
      writes.push({ key: kHeadRow, value: encodeHead(this.head) });
    }
    return writes;
  }

  private async checkSignature(head: Head): Promise<void> {
    if (!(await this.signed(head))) throw new ServerLied("the signature of a head of the key log is wrong");
    if (head.timeMs > BigInt(this.host.now()) + kMaxAheadMs) throw new ServerLied("a head of the key log is from the future");
  }

  private async signed(head: Head): Promise<boolean> {
    const content = labelled("tree-head", be64(head.size), head.root, be64(head.timeMs));
    return this.logKey !== undefined && head.root.length === 32 && (await verify(this.logKey, content, head.signature));
  }

  /** Whether a head may be of a log that the user gave up: of those, messages from before tell for a while. */
  private mayBeGivenUp(head: Head): boolean {
    if (this.generation === 0) return false;
    return this.acceptedMs === 0n || (head.timeMs <= this.acceptedMs && BigInt(this.host.now()) < this.acceptedMs + kOldHeadsMs);
  }

  /**
   * Compares a head that a peer knows with ours, with the server's proof where sizes differ. Throws LogWentBack when they
   * belong to two logs. `foreign`: it is signed by another key, so that either the peer or the server cheats.
   */
  async compare(theirs: Head, get: (size: bigint) => Promise<TreeHead>): Promise<{ foreign: boolean; writes: Write[] }> {
    if (theirs.size === 0n || this.mayBeGivenUp(theirs)) return { foreign: false, writes: [] };
    if (!(await this.signed(theirs))) return { foreign: true, writes: [] };
    const differs = () => new LogWentBack("a peer was shown another key log");
    const writes: Write[] = [];
    if (theirs.size > this.head.size) {
      // A log that is shorter than theirs cannot be asked about it.
      writes.push(...(await this.advance(await get(this.head.size), this.head)));
      if (theirs.size > this.head.size) throw differs();
    }
    if (theirs.size === this.head.size) {
      if (!equal(theirs.root, this.head.root)) throw differs();
      return { foreign: false, writes };
    }
    // Ours and theirs must lead to one head: with two, each could be of a log of its own.
    for (let tries = 0; tries < kMaxTries; tries++) {
      const ours = this.head;
      const [next, same] = await Promise.all([get(ours.size), get(theirs.size)]);
      writes.push(...(await this.advance(next, ours)));
      await this.checkSignature(same);
      if (same.size < theirs.size || !consistent(theirs.size, theirs.root, same.size, same.root, same.consistency)) throw differs();
      if (same.size !== this.head.size) continue;
      if (!equal(same.root, this.head.root)) throw differs();
      return { foreign: false, writes };
    }
    throw new Error("the key log grew between any two proofs");
  }
}

function encodeAccepted(generation: number, acceptedMs: bigint): Uint8Array {
  return concat(be32(generation), be64(acceptedMs));
}

/** {@link kHeadBytes} bytes: size, root, time, signature. */
export function encodeHead(head: Head): Uint8Array {
  return concat(be64(head.size), head.root, be64(head.timeMs), head.signature);
}

/** The head at the beginning of `bytes`; undefined: they are too few. */
export function decodeHead(bytes: Uint8Array): Head | undefined {
  if (bytes.length < kHeadBytes) return undefined;
  return { size: readBe64(bytes, 0), root: bytes.slice(8, 40), timeMs: readBe64(bytes, 40), signature: bytes.slice(48, kHeadBytes) };
}

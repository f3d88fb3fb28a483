/**
 * The head of the key log as this device knows it: the key that signs it is kept from the first connection on, and every
 * head that is accepted is proved to go on from the one before. So the server cannot take back or change what it once
 * showed to this device. That it shows the same log to others is what gossip is for: devices put their head into
 * encrypted messages, and whoever gets one asks the server to prove that both belong to one log.
 */
import type { TreeHead, Welcome } from "../../gen/godwit_pb.js";
import type { E2eHost, Write } from "../api.js";
import { be64, concat, equal, labelled, readBe64 } from "../bytes.js";
import { verify } from "../device-keys.js";
import { consistent, kEmptyRoot } from "./merkle.js";

/** A head as it is kept and passed on, with the signature, so that nobody but the server can be blamed for it. */
export type Head = Pick<TreeHead, "size" | "root" | "timeMs" | "signature">;

/** The server was caught: nothing it says of keys is used any more. */
export class ServerLied extends Error {
  override readonly name = "ServerLied";
}

/** Bytes of an encoded head. */
export const kHeadBytes = 112;
const kKeyRow = "e2e/log/key";
const kHeadRow = "e2e/log/head";
/** The server's clock may run ahead of ours by this much, milliseconds. */
const kMaxAheadMs = 3_600_000n;

export class Heads {
  private logKey: Uint8Array | undefined;
  private head: Head = { size: 0n, root: kEmptyRoot, timeMs: 0n, signature: new Uint8Array(64) };

  private constructor(private readonly host: E2eHost) {}

  static async load(host: E2eHost): Promise<Heads> {
    const heads = new Heads(host);
    heads.logKey = await host.get(kKeyRow);
    const row = await host.get(kHeadRow);
    heads.head = (row && decodeHead(row)) ?? heads.head;
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
    if (!equal(this.logKey, welcome.logKey)) throw new ServerLied("the key that signs the key log has changed");
    if (welcome.logSize < this.head.size) throw new ServerLied("the key log has become shorter");
  }

  /** Checks a head that came with a request which named `known.size`. Returns the writes that keep it. */
  async advance(next: TreeHead | undefined, asked: Head): Promise<Write[]> {
    if (!next) throw new ServerLied("a reply has no head of the key log");
    await this.checkSignature(next);
    // A request that was overtaken by another is proved against what it asked about, and both against one another by size.
    if (asked.size > 0n && !consistent(asked.size, asked.root, next.size, next.root, next.consistency)) {
      throw new ServerLied("the key log was rewritten");
    }
    if (next.size < this.head.size) throw new ServerLied("the key log has become shorter");
    if (next.size === this.head.size && !equal(next.root, this.head.root)) throw new ServerLied("two key logs of one size");
    if (next.size === this.head.size) return [];
    this.head = { size: next.size, root: next.root, timeMs: next.timeMs, signature: next.signature };
    return [{ key: kHeadRow, value: encodeHead(this.head) }];
  }

  private async checkSignature(head: Head): Promise<void> {
    if (!(await this.signed(head))) throw new ServerLied("the signature of a head of the key log is wrong");
    if (head.timeMs > BigInt(this.host.now()) + kMaxAheadMs) throw new ServerLied("a head of the key log is from the future");
  }

  private async signed(head: Head): Promise<boolean> {
    const content = labelled("tree-head", be64(head.size), head.root, be64(head.timeMs));
    return this.logKey !== undefined && head.root.length === 32 && (await verify(this.logKey, content, head.signature));
  }

  /**
   * Compares a head that a peer knows with ours, with the server's proof where sizes differ. Throws ServerLied when they
   * belong to two logs. `foreign`: it is signed by another key, so that either the peer or the server cheats.
   */
  async compare(theirs: Head, get: (size: bigint) => Promise<TreeHead>): Promise<{ foreign: boolean; writes: Write[] }> {
    const ours = this.head;
    if (theirs.size === 0n) return { foreign: false, writes: [] };
    if (!(await this.signed(theirs))) return { foreign: true, writes: [] };
    if (theirs.size === ours.size) {
      if (!equal(theirs.root, ours.root)) throw new ServerLied("a peer was shown another key log");
      return { foreign: false, writes: [] };
    }
    // The proof goes from their head, whatever its size, to the present one, and ours goes there as well.
    const next = await get(theirs.size);
    await this.checkSignature(next);
    if (next.size < theirs.size || !consistent(theirs.size, theirs.root, next.size, next.root, next.consistency)) {
      throw new ServerLied("a peer was shown another key log");
    }
    return { foreign: false, writes: await this.advance(await get(ours.size), ours) };
  }
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

// A key log as the server has it, for tests without a server. Proofs are made the slow way, from the definitions.
import { ed25519 } from "@noble/curves/ed25519.js";
import { create } from "@bufbuild/protobuf";
import { TreeHeadSchema, type TreeHead } from "../../src/gen/godwit_pb.js";
import { be64, labelled, randomBytes } from "../../src/e2e/bytes.js";
import { entryHash, type Entry } from "../../src/e2e/transparency/entries.js";
import { kEmptyRoot, nodeHash } from "../../src/e2e/transparency/merkle.js";

function split(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

export function rootOf(leaves: Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return kEmptyRoot;
  if (leaves.length === 1) return leaves[0]!;
  const middle = split(leaves.length);
  return nodeHash(rootOf(leaves.slice(0, middle)), rootOf(leaves.slice(middle)));
}

export function multiProof(leaves: Uint8Array[], wanted: number[]): Uint8Array[] {
  if (leaves.length === 0) return [];
  if (wanted.length === 0) return [rootOf(leaves)];
  if (leaves.length === 1) return [];
  const middle = split(leaves.length);
  return [
    ...multiProof(leaves.slice(0, middle), wanted.filter((index) => index < middle)),
    ...multiProof(leaves.slice(middle), wanted.filter((index) => index >= middle).map((index) => index - middle)),
  ];
}

// RFC 9162, section 2.1.4.1.
export function consistencyProof(leaves: Uint8Array[], first: number, whole = true): Uint8Array[] {
  if (first === leaves.length) return whole ? [] : [rootOf(leaves)];
  const middle = split(leaves.length);
  if (first <= middle) return [...consistencyProof(leaves.slice(0, middle), first, whole), rootOf(leaves.slice(middle))];
  return [...consistencyProof(leaves.slice(middle), first - middle, false), rootOf(leaves.slice(0, middle))];
}

export class FakeLog {
  private readonly seed: Uint8Array;
  readonly key: Uint8Array;
  entries: Entry[] = [];

  constructor(from?: FakeLog) {
    this.seed = from?.seed ?? randomBytes(32);
    this.key = ed25519.getPublicKey(this.seed);
    if (from) this.entries = from.entries.slice();
  }

  get leaves(): Uint8Array[] {
    return this.entries.map(entryHash);
  }

  append(userId: bigint, devices: Entry["devices"]): void {
    const before = this.latest(userId);
    const previous = before < 0 ? 0n : BigInt(before + 1);
    const version = before < 0 ? 1n : this.entries[before]!.version + 1n;
    this.entries.push({ userId, version, timeMs: BigInt(Date.now()), previous, devices: devices.slice().sort((a, b) => a.deviceId - b.deviceId) });
  }

  latest(userId: bigint): number {
    return this.entries.map((entry) => entry.userId).lastIndexOf(userId);
  }

  head(since: bigint): TreeHead {
    const { leaves } = this;
    const size = BigInt(leaves.length);
    const root = rootOf(leaves);
    const timeMs = BigInt(Date.now());
    const signature = ed25519.sign(labelled("tree-head", be64(size), root, be64(timeMs)), this.seed);
    const consistency = since > 0n && since <= size ? consistencyProof(leaves, Number(since)) : [];
    return create(TreeHeadSchema, { size, root, timeMs, signature, consistency });
  }

  prove(indexes: number[]): Uint8Array[] {
    return multiProof(this.leaves, [...new Set(indexes)].sort((a, b) => a - b));
  }
}

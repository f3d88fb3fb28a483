/** The Merkle tree of the key log (RFC 9162, section 2.1), as one who verifies needs it. docs/protocol/keys.md has the bytes. */
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, equal } from "../bytes.js";

export const kEmptyRoot = sha256(new Uint8Array());

export function leafHash(entry: Uint8Array): Uint8Array {
  return sha256(concat(Uint8Array.of(0), entry));
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concat(Uint8Array.of(1), left, right));
}

/** The largest power of two below `size`, which must be above 1. */
function split(size: bigint): bigint {
  let power = 1n;
  while (power * 2n < size) power *= 2n;
  return power;
}

/**
 * The root of a log of `size` entries by the proof that entries are in it: `leaves` are (position, leaf hash) in ascending
 * order of position. Undefined: the proof does not fit.
 */
export function rootOfProof(size: bigint, leaves: Array<[bigint, Uint8Array]>, proof: Uint8Array[]): Uint8Array | undefined {
  for (let i = 0; i < leaves.length; i++) {
    if (leaves[i]![0] >= size || leaves[i]![0] < 0n || (i > 0 && leaves[i]![0] <= leaves[i - 1]![0])) return undefined;
  }
  if (proof.some((hash) => hash.length !== 32)) return undefined;
  if (size === 0n) return proof.length === 0 ? kEmptyRoot : undefined;
  let used = 0;
  // `from` and `to` bound the wanted leaves in [lo, hi): the recursion is as deep as the tree and visits what is wanted.
  const root = (lo: bigint, hi: bigint, from: number, to: number): Uint8Array | undefined => {
    if (from === to) return proof[used++];
    if (hi - lo === 1n) return leaves[from]![1];
    const middle = lo + split(hi - lo);
    let cut = from;
    while (cut < to && leaves[cut]![0] < middle) cut++;
    const left = root(lo, middle, from, cut);
    const right = left && root(middle, hi, cut, to);
    return right && nodeHash(left, right);
  };
  const result = root(0n, size, 0, leaves.length);
  return used === proof.length ? result : undefined;
}

/** Whether a log of `first` entries with `firstRoot` is the beginning of one of `second` with `secondRoot` (RFC 9162, section 2.1.4.2). */
export function consistent(first: bigint, firstRoot: Uint8Array, second: bigint, secondRoot: Uint8Array, proof: Uint8Array[]): boolean {
  if (first > second || proof.some((hash) => hash.length !== 32)) return false;
  if (first === second) return proof.length === 0 && equal(firstRoot, secondRoot);
  if (first === 0n) return proof.length === 0 && equal(firstRoot, kEmptyRoot);
  const path = proof.slice();
  // When the first log is a complete subtree of the second, its root is the first hash, and is left out of the proof.
  if ((first & (first - 1n)) === 0n) path.unshift(firstRoot);
  let node = path.shift();
  if (!node) return false;
  let [fn, sn] = [first - 1n, second - 1n];
  while (fn & 1n) [fn, sn] = [fn >> 1n, sn >> 1n];
  let [fr, sr] = [node, node];
  while ((node = path.shift())) {
    if (sn === 0n) return false;
    if (fn & 1n || fn === sn) {
      fr = nodeHash(node, fr);
      sr = nodeHash(node, sr);
      while (!(fn & 1n) && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      sr = nodeHash(sr, node);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n && equal(fr, firstRoot) && equal(sr, secondRoot);
}

/** The root of a log that grows entry by entry, in memory that grows with the logarithm of its size. */
export class RunningRoot {
  size = 0n;
  // Roots of the complete subtrees, largest first: one per bit of the size.
  private readonly peaks: Uint8Array[] = [];

  append(hash: Uint8Array): void {
    let node = hash;
    for (let bits = this.size; bits & 1n; bits >>= 1n) node = nodeHash(this.peaks.pop()!, node);
    this.peaks.push(node);
    this.size++;
  }

  root(): Uint8Array {
    if (this.peaks.length === 0) return kEmptyRoot;
    return this.peaks.reduceRight((right, left) => nodeHash(left, right));
  }
}

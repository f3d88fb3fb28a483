/**
 * How the state of a group is kept: one row for what every message changes, one per tree (a tree is as large as the group
 * and the same for a whole epoch), one per past epoch whose messages can still be opened. Values hold private keys: the
 * store encrypts them (api.ts, Write).
 */
import type { ClientState } from "ts-mls";
import { decodeGroupStateWithoutTree, encodeGroupStateWithoutTree } from "ts-mls/clientState.js";
import { mapDecoders } from "ts-mls/codec/tlsDecoder.js";
import { contramapBufferEncoders, encode } from "ts-mls/codec/tlsEncoder.js";
import { decodeVarLenData, varLenDataEncoder } from "ts-mls/codec/variableLength.js";
import { decodeGroupContext, groupContextEncoder } from "ts-mls/groupContext.js";
import { decodeRatchetTree, encodeRatchetTree } from "ts-mls/ratchetTree.js";
import { decodeSecretTree, secretTreeEncoder } from "ts-mls/secretTree.js";
import type { Write } from "./api.js";
import { decodeWhole } from "./decode.js";
import type { Mls, MlsState } from "./mls.js";

type Past = ClientState["historicalReceiverData"] extends Map<bigint, infer T> ? T : never;

const epochKey = (epoch: bigint) => epoch.toString().padStart(20, "0");

/** The rows under `prefix` that differ between `before` (what is stored; undefined: nothing) and `now`. */
export function stateWrites(prefix: string, before: MlsState | undefined, now: MlsState): Write[] {
  const writes: Write[] = [{ key: `${prefix}state`, value: encodeGroupStateWithoutTree({ ...now, historicalReceiverData: new Map() }) }];
  const kept = treesOf(now);
  const stored = before ? treesOf(before) : new Map<bigint, Past["ratchetTree"]>();
  for (const [epoch, tree] of kept) {
    if (stored.get(epoch) !== tree) writes.push({ key: `${prefix}tree/${epochKey(epoch)}`, value: encodeRatchetTree(tree) });
  }
  for (const [epoch, past] of now.historicalReceiverData) {
    if (before?.historicalReceiverData.get(epoch) === past) continue;
    writes.push({ key: `${prefix}past/${epochKey(epoch)}`, value: encodePast(past) });
  }
  for (const epoch of stored.keys()) {
    if (!kept.has(epoch)) writes.push({ key: `${prefix}tree/${epochKey(epoch)}`, value: undefined });
    if (!now.historicalReceiverData.has(epoch)) writes.push({ key: `${prefix}past/${epochKey(epoch)}`, value: undefined });
  }
  return writes;
}

/** The keys of all rows of a state. */
export function stateKeys(prefix: string, state: MlsState): string[] {
  const trees = [...treesOf(state).keys()].map((epoch) => `${prefix}tree/${epochKey(epoch)}`);
  const pasts = [...state.historicalReceiverData.keys()].map((epoch) => `${prefix}past/${epochKey(epoch)}`);
  return [`${prefix}state`, ...trees, ...pasts];
}

function treesOf(state: MlsState): Map<bigint, Past["ratchetTree"]> {
  const trees = new Map([[state.groupContext.epoch, state.ratchetTree]]);
  for (const [epoch, past] of state.historicalReceiverData) trees.set(epoch, past.ratchetTree);
  return trees;
}

/** Reads back what `stateWrites` wrote. `rows` are all rows under `prefix`. Undefined: there is no state, or it is damaged. */
export function readState(mls: Mls, prefix: string, rows: Array<[string, Uint8Array]>): MlsState | undefined {
  const trees = new Map<string, Past["ratchetTree"]>();
  const pasts: Array<[string, Uint8Array]> = [];
  let encoded: Uint8Array | undefined;
  for (const [key, value] of rows) {
    const [kind, epoch = ""] = key.slice(prefix.length).split("/");
    if (kind === "state") encoded = value;
    if (kind === "past") pasts.push([epoch, value]);
    if (kind === "tree") {
      const tree = decodeWhole(decodeRatchetTree, value);
      if (tree) trees.set(epoch, tree);
    }
  }
  if (!encoded) return undefined;
  // The epoch, and so the tree, is only known when the rest is decoded.
  const state = decodeWhole(decodeGroupStateWithoutTree([]), encoded);
  const tree = state && trees.get(epochKey(state.groupContext.epoch));
  if (!state || !tree) return undefined;
  const historicalReceiverData: ClientState["historicalReceiverData"] = new Map();
  for (const [epoch, value] of pasts) {
    const past = decodePast(value);
    const ratchetTree = trees.get(epoch);
    if (past && ratchetTree) historicalReceiverData.set(BigInt(epoch), { ...past, ratchetTree });
  }
  return mls.revive({ ...state, ratchetTree: tree, historicalReceiverData });
}

type StoredPast = Omit<Past, "ratchetTree">;
type StoredFields = [Uint8Array, Past["secretTree"], Uint8Array, Past["groupContext"]];

const encodePast = encode(
  contramapBufferEncoders<StoredFields, StoredPast>(
    [varLenDataEncoder, secretTreeEncoder, varLenDataEncoder, groupContextEncoder],
    (past) => [past.resumptionPsk, past.secretTree, past.senderDataSecret, past.groupContext],
  ),
);

const pastDecoder = mapDecoders<StoredFields, StoredPast>(
  [decodeVarLenData, decodeSecretTree, decodeVarLenData, decodeGroupContext],
  (resumptionPsk, secretTree, senderDataSecret, groupContext) => ({ resumptionPsk, secretTree, senderDataSecret, groupContext }),
);

const decodePast = (bytes: Uint8Array) => decodeWhole(pastDecoder, bytes);

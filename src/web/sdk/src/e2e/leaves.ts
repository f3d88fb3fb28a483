/** The devices in a group: what stands in credentials and leaves of MLS. */
import type { ClientState, Credential, LeafNode, RatchetTree } from "ts-mls";
import type { Device } from "./api.js";
import { be32, be64, concat, hex, readBe32, readBe64 } from "./bytes.js";

/** A leaf of a group: a device and the key that it signs with. */
export interface Leaf extends Device {
  index: number;
  identityKey: Uint8Array;
}

/** The identity in a credential: user_id (8 bytes, big endian) device_id (4 bytes). */
export function identityOf(device: Device): Uint8Array {
  return concat(be64(device.userId), be32(device.deviceId));
}

export function deviceOf(credential: Credential): Device | undefined {
  if (credential.credentialType !== "basic" || !("identity" in credential) || credential.identity.length !== 12) return undefined;
  return { userId: readBe64(credential.identity, 0), deviceId: readBe32(credential.identity, 8) };
}

export function leafOf(leaf: LeafNode, index: number): Leaf | undefined {
  const device = deviceOf(leaf.credential);
  return device && { ...device, index, identityKey: leaf.signaturePublicKey };
}

export function leafAt(tree: RatchetTree, index: number): Leaf | undefined {
  const node = tree[2 * index];
  return node?.nodeType === "leaf" ? leafOf(node.leaf, index) : undefined;
}

export function leavesOf(tree: RatchetTree): Leaf[] {
  const leaves: Leaf[] = [];
  for (let index = 0; 2 * index < tree.length; index++) {
    const leaf = leafAt(tree, index);
    if (leaf) leaves.push(leaf);
  }
  return leaves;
}

/**
 * The leaves of `tree` that `state` has seen as they are, with the same key, now or in a past epoch that it keeps: of devices
 * that nobody has let in since, and that have not come in by themselves.
 */
export function seenLeaves(state: ClientState, tree: RatchetTree): Leaf[] {
  const keysOf = (of: RatchetTree) => of.map((node) => (node?.nodeType === "leaf" ? hex(node.leaf.hpkePublicKey) : ""));
  const past = [...state.historicalReceiverData.values()].map((epoch) => epoch.ratchetTree);
  const seen = new Set([state.ratchetTree, ...past].flatMap(keysOf));
  const keys = keysOf(tree);
  return leavesOf(tree).filter(({ index }) => seen.has(keys[2 * index]!));
}

/** A device without what else is known of it. */
export function nameOfDevice({ userId, deviceId }: Device): Device {
  return { userId, deviceId };
}

export function sameDevice(a: Device, b: Device): boolean {
  return a.userId === b.userId && a.deviceId === b.deviceId;
}

/** Those of `devices` that are not in `others`. */
export function without<T extends Device>(devices: readonly T[], others: readonly Device[]): T[] {
  const names = new Set(others.map(({ userId, deviceId }) => `${userId}/${deviceId}`));
  return devices.filter(({ userId, deviceId }) => !names.has(`${userId}/${deviceId}`));
}

/** Those of `devices` that are in `others`, too. */
export function within<T extends Device>(devices: readonly T[], others: readonly Device[]): T[] {
  const rest = new Set(without(devices, others));
  return devices.filter((device) => !rest.has(device));
}

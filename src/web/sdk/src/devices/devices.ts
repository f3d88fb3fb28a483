// The account's devices, and letting new ones in.

import type { Device, Devices } from "../api.js";
import { ask, type Core } from "../core.js";
import type { SigningKey } from "../e2e/api.js";
import { GodwitError } from "../errors.js";
import { bytesOf, fromBase64Url, toBase64Url } from "../ids.js";
import { proofs } from "../transport/proofs.js";

const kPrefix = "godwit-link:1:";

/** What a new device shows. */
export function linkText(linkId: Uint8Array, deviceKey: Uint8Array): string {
  return kPrefix + toBase64Url(bytesOf(linkId, deviceKey));
}

/** Throws `link_invalid`. */
export function parseLink(text: string): { linkId: Uint8Array; deviceKey: Uint8Array } {
  let bytes = new Uint8Array();
  try {
    if (text.startsWith(kPrefix)) bytes = fromBase64Url(text.slice(kPrefix.length).trim());
  } catch {
    // no base64
  }
  if (bytes.length !== 48) throw new GodwitError("link_invalid", "this is no code of a new device");
  return { linkId: bytes.slice(0, 16), deviceKey: bytes.slice(16) };
}

export class DeviceBook implements Devices {
  readonly #core: Core;
  readonly #key: () => SigningKey;

  constructor(core: Core, key: () => SigningKey) {
    this.#core = core;
    this.#key = key;
  }

  async list(): Promise<Device[]> {
    const { devices } = await ask(this.#core, { case: "listDevices", value: {} }, "devices");
    return devices.map((device) => ({
      id: device.deviceId,
      name: device.name,
      addedAt: Number(device.createdMs),
      ...(device.lastSeenMs > 0n ? { lastSeenAt: Number(device.lastSeenMs) } : {}),
      online: device.online,
      current: device.current,
      ...(device.approvedBy > 0 ? { approvedBy: device.approvedBy } : {}),
    }));
  }

  async rename(id: number, name: string): Promise<void> {
    await ask(this.#core, { case: "renameDevice", value: { deviceId: id, name } }, "done");
  }

  async revoke(id: number): Promise<void> {
    await ask(this.#core, { case: "revokeDevice", value: { deviceId: id } }, "done");
  }

  /** The key comes from the code, not from the server, so that the server cannot put one of its own in its place. */
  async approve(text: string): Promise<{ deviceId: number }> {
    const { linkId, deviceKey } = parseLink(text);
    const signature = await proofs.linkApprove(this.#key(), linkId, deviceKey, BigInt(this.#core.me().userId));
    const { deviceId } = await ask(this.#core, { case: "linkApprove", value: { linkId, deviceKey, signature } }, "linkApproved");
    return { deviceId };
  }
}

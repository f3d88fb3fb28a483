/**
 * Watches what the key log says of one's own account. A device in it that none of one's own let in can read along with
 * everybody who trusts the server: only the account's own devices can tell that it is not theirs. So can one that was
 * signed out and is back: a server that was restored from a backup has forgotten that.
 */
import type { E2eHost } from "../api.js";
import { equal } from "../bytes.js";
import { isIn, type Directory } from "./directory.js";
import type { KnownDevice } from "./user-rows.js";

export class Monitor {
  private told = "";

  constructor(
    private readonly host: E2eHost,
    private readonly directory: Directory,
  ) {}

  /** Reads all that is new of one's own entries. */
  async check(): Promise<void> {
    const { userId, deviceId } = this.host;
    const before = await this.directory.known(userId);
    await this.directory.refresh([userId], 0);
    const now = await this.directory.known(userId);
    if (!now) return;
    const isStrange = (device: KnownDevice) => !device.counts || (device.deviceId !== deviceId && isIn(now.former, device));
    const strange = new Set(now.devices.filter(isStrange).map((device) => device.deviceId));
    // Entries in between: a device that came and went while this one was away was there all the same. Of a log that is new
    // to this device nothing can be told of the time before.
    if (before && before.generation === now.generation && now.version > before.version + 1n) {
      const own = [...now.devices, ...now.former].filter((device) => device.counts);
      const seen = await this.directory.serial(() => this.directory.history(userId, now.version, before.version + 1n));
      const isOwn = (device: KnownDevice) => own.some((known) => known.deviceId === device.deviceId && equal(known.deviceKey, device.deviceKey));
      for (const device of seen) if (!isOwn(device)) strange.add(device.deviceId);
    }
    const devices = [...strange].sort((a, b) => a - b);
    if (devices.length > 0 && devices.join() !== this.told) this.host.emit({ kind: "unknown_own_device", devices });
    this.told = devices.join();
  }
}

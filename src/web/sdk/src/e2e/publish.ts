/** Publishes this device's identity, key packages and the prekey of its channel to the other ones, and keeps the stock filled. */
import type { E2eHost, SigningKey } from "./api.js";
import { be32, be64, concat, equal, labelled } from "./bytes.js";
import type { KeyPackages } from "./key-packages.js";
import { ask } from "./requests.js";
import type { Restores } from "./restores.js";
import type { SelfChannel } from "./self.js";
import type { Directory } from "./transparency/directory.js";

/** Key packages that the server should have of this device. */
const kWanted = 100;
/** Of these with a new identity, or after a restore of the server: a device is ready to be written to at once, the others are
 * made in the background. */
const kFirst = 10;
/** A last resort is used by many, so it is replaced this often, milliseconds. */
const kLastResortMs = 30 * 86_400_000;

export class Publisher {
  private running: Promise<boolean> | undefined;

  constructor(
    private readonly host: E2eHost,
    private readonly identity: SigningKey,
    private readonly packages: KeyPackages,
    private readonly directory: Directory,
    private readonly self: SelfChannel,
    private readonly restores: Restores,
  ) {}

  /**
   * Brings the server's stock up to what is wanted. One at a time: another call waits for the one under way. True: the
   * identity was published, and must now be in the key log.
   */
  fill(): Promise<boolean> {
    this.running ??= this.run().finally(() => (this.running = undefined));
    return this.running;
  }

  private async run(): Promise<boolean> {
    // Asked for anew: what a push told may be older than what was published since.
    const stock = await ask(this.host, "getKeyStock", {}, "keyStock");
    const own = (await this.directory.known(this.host.userId))?.devices.find((device) => device.deviceId === this.host.deviceId);
    const identity = !stock.identity || (own !== undefined && !equal(own.identityKey, this.identity.publicKey));
    const { era, packagesOld } = this.restores;
    // The server has packages whose private parts are no more: nobody must get them.
    const replace = identity || packagesOld || stock.keyPackages > this.packages.oneTimeLeft;
    const missing = Math.min(identity || packagesOld ? kFirst : kWanted, stock.max) - (replace ? 0 : stock.keyPackages);
    const oneTime = replace || stock.low ? Math.max(0, missing) : 0;
    const lastResort = replace || !stock.lastResort || this.packages.lastResortMs + kLastResortMs < this.host.now();
    const signedPrekey = await this.self.prekeyToPublish(identity || packagesOld);
    if (oneTime === 0 && !lastResort && !signedPrekey) return false;
    const keyPackages = await this.packages.make(oneTime, lastResort);
    await ask(this.host, "publishKeys", { ...(identity ? await this.signedIdentity() : {}), keyPackages, replace, signedPrekey }, "keyStock");
    if (packagesOld) await this.restores.replaced(era);
    return identity;
  }

  private async signedIdentity() {
    const { userId, deviceId, deviceKey } = this.host;
    const who = concat(be64(userId), be32(deviceId));
    return {
      identityKey: this.identity.publicKey,
      identitySignature: await this.identity.sign(labelled("identity", deviceKey.publicKey, who)),
      deviceSignature: await deviceKey.sign(labelled("device-identity", this.identity.publicKey, who)),
    };
  }
}

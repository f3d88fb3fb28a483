/**
 * The private parts of this device's key packages: kept from before the package is published until it was used for a
 * welcome, or is long expired.
 */
import { encode } from "ts-mls/codec/tlsEncoder.js";
import { decodeKeyPackage, keyPackageEncoder } from "ts-mls/keyPackage.js";
import type { E2eHost, Write } from "./api.js";
import { be64, concat, hex, readBe64 } from "./bytes.js";
import { decodeWhole } from "./decode.js";
import type { Mls, OwnKeyPackage } from "./mls.js";

/** Lifetimes. A last resort is replaced long before it expires. */
const kOneTimeS = 90 * 86_400;
const kLastResortS = 390 * 86_400;
/** A welcome may be on its way for as long as the server keeps messages for a device that is offline. */
const kKeepAfterExpiryMs = 30 * 86_400_000;

const kRows = "e2e/package/";
const kHeaderBytes = 8 + 1 + 32 + 32;

interface Kept {
  own: OwnKeyPackage;
  madeMs: number;
  lastResort: boolean;
}

export class KeyPackages {
  private readonly kept = new Map<string, Kept>();

  private constructor(
    private readonly host: E2eHost,
    private readonly mls: Mls,
    private readonly signatureHandle: Uint8Array,
  ) {}

  static async load(host: E2eHost, mls: Mls, identityKey: Uint8Array): Promise<KeyPackages> {
    const packages = new KeyPackages(host, mls, identityKey);
    for (const [key, row] of await host.list(kRows)) {
      const kept = packages.decode(row);
      if (kept) packages.kept.set(key.slice(kRows.length), kept);
    }
    return packages;
  }

  /** One-time packages that were not used, of those that are not expired. */
  get oneTimeLeft(): number {
    return [...this.kept.values()].filter((kept) => !kept.lastResort && kept.madeMs + kOneTimeS * 1000 > this.host.now()).length;
  }

  /** When the newest last resort was made; 0: there is none. */
  get lastResortMs(): number {
    return Math.max(0, ...[...this.kept.values()].filter((kept) => kept.lastResort).map((kept) => kept.madeMs));
  }

  /** Makes packages and stores them; the public parts may then be published. */
  async make(oneTime: number, lastResort: boolean): Promise<Uint8Array[]> {
    const writes: Write[] = [];
    const published: Uint8Array[] = [];
    const made = new Map<string, Kept>();
    for (let i = 0; i < oneTime + (lastResort ? 1 : 0); i++) {
      const kept: Kept = { own: await this.mls.makeKeyPackage(i < oneTime ? kOneTimeS : kLastResortS, i === oneTime), madeMs: this.host.now(), lastResort: i === oneTime };
      const ref = hex(await this.mls.keyPackageRef(kept.own.publicPackage));
      made.set(ref, kept);
      writes.push({ key: kRows + ref, value: encodeKept(kept) });
      published.push(this.mls.encodeKeyPackage(kept.own.publicPackage));
    }
    await this.host.write([...writes, ...this.expired()]);
    for (const [ref, kept] of made) this.kept.set(ref, kept);
    return published;
  }

  /** The package of this device that one of `refs` names. */
  find(refs: Uint8Array[]): { ref: string; own: OwnKeyPackage } | undefined {
    for (const bytes of refs) {
      const ref = hex(bytes);
      const kept = this.kept.get(ref);
      if (kept) return { ref, own: kept.own };
    }
    return undefined;
  }

  /** The package was used. The write belongs into the transaction that uses it; a last resort stays. */
  used(ref: string): Write[] {
    return this.kept.get(ref)?.lastResort ? [] : [{ key: kRows + ref, value: undefined }];
  }

  /** That transaction is done. */
  forget(ref: string): void {
    if (!this.kept.get(ref)?.lastResort) this.kept.delete(ref);
  }

  /** Takes out what nobody can use any more. */
  private expired(): Write[] {
    const writes: Write[] = [];
    for (const [ref, kept] of this.kept) {
      const lifetimeMs = (kept.lastResort ? kLastResortS : kOneTimeS) * 1000;
      if (kept.madeMs + lifetimeMs + kKeepAfterExpiryMs > this.host.now()) continue;
      this.kept.delete(ref);
      writes.push({ key: kRows + ref, value: undefined });
    }
    return writes;
  }

  private decode(row: Uint8Array): Kept | undefined {
    const publicPackage = decodeWhole(decodeKeyPackage, row.subarray(kHeaderBytes));
    return publicPackage && {
      madeMs: Number(readBe64(row, 0)),
      lastResort: row[8] === 1,
      own: {
        publicPackage,
        privatePackage: { initPrivateKey: row.slice(9, 41), hpkePrivateKey: row.slice(41, 73), signaturePrivateKey: this.signatureHandle },
      },
    };
  }
}

const encodePublic = encode(keyPackageEncoder);

function encodeKept({ own, madeMs, lastResort }: Kept): Uint8Array {
  const { initPrivateKey, hpkePrivateKey } = own.privatePackage;
  return concat(be64(BigInt(madeMs)), Uint8Array.of(lastResort ? 1 : 0), initPrivateKey, hpkePrivateKey, encodePublic(own.publicPackage));
}

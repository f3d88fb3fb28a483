/**
 * Statuses: each is encrypted with the author's status key, which the author sends to every viewer in their direct chat,
 * once. A status then costs one upload, whoever may see it. The key is replaced when somebody is no longer in the audience,
 * or the devices of a viewer have changed; who had it can still read statuses from before, which they could see anyway.
 */
import type { Device, E2eHost, SigningKey, Write } from "./api.js";
import { be64, concat, equal, randomBytes, readBe64 } from "./bytes.js";
import { openSigned, sealSigned } from "./signed-box.js";
import type { Directory } from "./transparency/directory.js";

const kIdBytes = 8;
const kKeyBytes = 32;
const kMessageBytes = kIdBytes + kKeyBytes;
/** Keys that are kept of an author; a status lives for a day. */
const kMaxKeys = 16;
const kOwnRow = "e2e/status/own";
const keysRow = (author: bigint) => `e2e/status/of/${author}`;

/** The author's present key, and which versions of viewers' keys have it. */
interface OwnKey {
  message: Uint8Array;
  told: Map<bigint, bigint>;
}

export class Statuses {
  constructor(
    private readonly host: E2eHost,
    private readonly identity: SigningKey,
    private readonly directory: Directory,
  ) {}

  async seal(audience: bigint[], plaintext: Uint8Array): Promise<{ payload: Uint8Array; keyMessage: Uint8Array; newViewers: bigint[]; writes: Write[] }> {
    const row = await this.host.get(kOwnRow);
    let own = row && decodeOwn(row);
    const versions = new Map<bigint, bigint>();
    for (const user of audience) versions.set(user, (await this.directory.known(user))?.version ?? 0n);
    const mayGoOn = own && [...own.told].every(([user, version]) => versions.get(user) === version);
    if (!own || !mayGoOn) own = { message: randomBytes(kMessageBytes), told: new Map() };
    const newViewers = audience.filter((user) => !own.told.has(user));
    const id = own.message.subarray(0, kIdBytes);
    const payload = concat(id, await sealSigned(this.identity, this.host, own.message.subarray(kIdBytes), "status", id, plaintext));
    const writes = [{ key: kOwnRow, value: encodeOwn({ message: own.message, told: versions }) }, ...(await this.learn(this.host.userId, own.message))];
    return { payload, keyMessage: own.message, newViewers, writes };
  }

  /** What gives the next status another key: which devices had the present one is no longer known. */
  renew(): Write[] {
    return [{ key: kOwnRow, value: undefined }];
  }

  async learn(author: bigint, message: Uint8Array): Promise<Write[]> {
    if (message.length !== kMessageBytes) return [];
    const kept = split((await this.host.get(keysRow(author))) ?? new Uint8Array());
    if (kept.some((known) => equal(known, message))) return [];
    return [{ key: keysRow(author), value: concat(...kept.slice(1 - kMaxKeys), message) }];
  }

  async open(author: bigint, payload: Uint8Array): Promise<Uint8Array | undefined> {
    const id = payload.subarray(0, kIdBytes);
    const kept = split((await this.host.get(keysRow(author))) ?? new Uint8Array());
    const message = kept.find((known) => equal(known.subarray(0, kIdBytes), id));
    const opened = message && (await openSigned(message.subarray(kIdBytes), "status", id, payload.subarray(kIdBytes), (device) => this.identityOf(author, device)));
    return opened?.plaintext;
  }

  private async identityOf(author: bigint, device: Device): Promise<Uint8Array | undefined> {
    if (device.userId !== author) return undefined;
    return (await this.directory.known(author))?.devices.find((known) => known.deviceId === device.deviceId && known.counts)?.identityKey;
  }
}

function split(messages: Uint8Array): Uint8Array[] {
  return Array.from({ length: messages.length / kMessageBytes }, (_, i) => messages.slice(i * kMessageBytes, (i + 1) * kMessageBytes));
}

function encodeOwn({ message, told }: OwnKey): Uint8Array {
  return concat(message, ...[...told].map(([user, version]) => concat(be64(user), be64(version))));
}

function decodeOwn(row: Uint8Array): OwnKey {
  const told = new Map<bigint, bigint>();
  for (let at = kMessageBytes; at + 16 <= row.length; at += 16) told.set(readBe64(row, at), readBe64(row, at + 8));
  return { message: row.slice(0, kMessageBytes), told };
}

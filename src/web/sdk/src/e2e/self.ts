/**
 * The channel between one's own devices (Send.device_payloads to oneself): each of them gets its own ciphertext, by HPKE to
 * the X25519 prekey that it publishes signed by its identity key, and signed by the device that sends it. The prekey is
 * replaced every month and the last one kept, so what is older cannot be read by somebody who takes a device.
 *
 * The server could deliver an old one again: contents must carry their own time and be the same when they come twice.
 */
import type { Envelope, SignedPrekey } from "../gen/godwit_pb.js";
import type { Device, E2eHost, SigningKey } from "./api.js";
import { be32, be64, concat, labelled, readBe32 } from "./bytes.js";
import { verify } from "./device-keys.js";
import { hpke } from "./hpke.js";
import type { Directory } from "./transparency/directory.js";
import { publicOf } from "./x25519.js";

const kFormat = 1;
const kEncBytes = 32;
const kSignatureBytes = 64;
const kHeaderBytes = 1 + 4 + kEncBytes + kSignatureBytes;
const kRow = "e2e/self/prekeys";
const kRotateMs = 30 * 86_400_000;
const kKeptPrekeys = 2;

interface OwnPrekey {
  id: number;
  secret: Uint8Array;
  madeMs: number;
}

export class SelfChannel {
  private prekeys: OwnPrekey[] = [];

  private constructor(
    private readonly host: E2eHost,
    private readonly identity: SigningKey,
    private readonly directory: Directory,
  ) {}

  static async load(host: E2eHost, identity: SigningKey, directory: Directory): Promise<SelfChannel> {
    const channel = new SelfChannel(host, identity, directory);
    const row = await host.get(kRow);
    if (row) channel.prekeys = decodePrekeys(row);
    return channel;
  }

  /** The prekey to publish; undefined: the present one is good. `anew`: the server has none. */
  async prekeyToPublish(anew: boolean): Promise<Omit<SignedPrekey, "$typeName"> | undefined> {
    let newest = this.prekeys.at(-1);
    if (!newest || newest.madeMs + kRotateMs < this.host.now()) {
      const { privateKey } = await hpke.generateKeyPair();
      newest = { id: (newest?.id ?? 0) + 1, secret: await hpke.exportPrivateKey(privateKey), madeMs: this.host.now() };
      this.prekeys = [...this.prekeys, newest].slice(-kKeptPrekeys);
      await this.host.write([{ key: kRow, value: encodePrekeys(this.prekeys) }]);
    } else if (!anew) {
      return undefined;
    }
    const publicKey = await publicOf(newest.secret);
    return { id: newest.id, publicKey, signature: await this.identity.sign(labelled("prekey", be32(newest.id), publicKey)) };
  }

  async seal(plaintext: Uint8Array): Promise<Array<{ userId: bigint; deviceId: number; payload: Uint8Array }>> {
    const { userId, deviceId } = this.host;
    const payloads: Array<{ userId: bigint; deviceId: number; payload: Uint8Array }> = [];
    for (const { device, identityKey, prekey } of await this.directory.claimKeys([userId], { prekeys: true })) {
      if (!prekey || device.deviceId === deviceId) continue;
      if (!(await verify(identityKey, labelled("prekey", be32(prekey.id), prekey.publicKey), prekey.signature))) continue;
      const info = infoOf(this.host, device);
      const { enc, ct } = await hpke.seal(await hpke.importPublicKey(prekey.publicKey), plaintext, info);
      const signature = await this.identity.sign(labelled("self", info, be32(prekey.id), enc, ct));
      payloads.push({ ...device, payload: concat(Uint8Array.of(kFormat), be32(prekey.id), enc, signature, ct) });
    }
    return payloads;
  }

  async open(envelope: Envelope): Promise<Uint8Array | undefined> {
    const { payload, from, fromDevice } = envelope;
    if (from !== this.host.userId || payload[0] !== kFormat || payload.length < kHeaderBytes) return undefined;
    const sender = (await this.directory.known(from))?.devices.find((known) => known.deviceId === fromDevice && known.counts);
    const id = readBe32(payload, 1);
    const prekey = this.prekeys.find((own) => own.id === id);
    if (!sender || !prekey) return undefined;
    const enc = payload.slice(5, 5 + kEncBytes);
    const ct = payload.slice(kHeaderBytes);
    const info = infoOf({ userId: from, deviceId: fromDevice }, this.host);
    if (!(await verify(sender.identityKey, labelled("self", info, be32(id), enc, ct), payload.subarray(5 + kEncBytes, kHeaderBytes)))) return undefined;
    try {
      return await hpke.open(await hpke.importPrivateKey(prekey.secret), enc, ct, info);
    } catch {
      return undefined;
    }
  }
}

function infoOf(from: Device, to: Device): Uint8Array {
  return labelled("self-channel", be64(from.userId), be32(from.deviceId), be32(to.deviceId));
}

function encodePrekeys(prekeys: OwnPrekey[]): Uint8Array {
  return concat(...prekeys.map(({ id, secret, madeMs }) => concat(be32(id), secret, be64(BigInt(madeMs)))));
}

function decodePrekeys(row: Uint8Array): OwnPrekey[] {
  return Array.from({ length: row.length / 44 }, (_, i) => {
    const part = row.slice(i * 44, (i + 1) * 44);
    return { id: readBe32(part, 0), secret: part.slice(4, 36), madeMs: Number(new DataView(part.buffer).getBigUint64(36)) };
  });
}

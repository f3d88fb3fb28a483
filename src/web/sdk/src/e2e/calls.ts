/**
 * Signals of calls: offers, answers and candidates, whose fingerprints decide whom one talks to. Encrypted with a key that
 * the MLS exporter gives to all devices of the chat, and signed by the device that sends them.
 */
import type { ChatRef, Device, E2eHost, SigningKey } from "./api.js";
import { be64, concat, hex, readBe64 } from "./bytes.js";
import { nameOf } from "./chat/chat-id.js";
import type { Chats } from "./chat/chats.js";
import type { Mls } from "./mls.js";
import { openSigned, sealSigned } from "./signed-box.js";
import type { Directory } from "./transparency/directory.js";

const kLabel = "godwit/call";
/** Keys of calls that are remembered: a commit during a call must not end it. */
const kMaxKeys = 64;

export class Calls {
  private readonly keys = new Map<string, Uint8Array>();

  constructor(
    private readonly host: E2eHost,
    private readonly identity: SigningKey,
    private readonly mls: Mls,
    private readonly chats: Chats,
    private readonly directory: Directory,
  ) {}

  /** Undefined: the chat has no encryption yet. */
  async seal(chat: ChatRef, callId: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array | undefined> {
    const { mls } = await this.chats.read(nameOf(chat));
    const key = mls && (await this.keyOf(chat, callId, mls.groupContext.epoch));
    if (!key) return undefined;
    return concat(be64(mls.groupContext.epoch), await sealSigned(this.identity, this.host, key, "call", callId, plaintext));
  }

  async open(chat: ChatRef, callId: Uint8Array, sealed: Uint8Array): Promise<Uint8Array | undefined> {
    if (sealed.length < 8) return undefined;
    const key = await this.keyOf(chat, callId, readBe64(sealed, 0));
    return key && (await openSigned(key, "call", callId, sealed.subarray(8), (device) => this.identityOf(chat, device)))?.plaintext;
  }

  /** Of a device that is in the chat and counts. */
  private async identityOf(chat: ChatRef, device: Device): Promise<Uint8Array | undefined> {
    const { mls } = await this.chats.read(nameOf(chat));
    const leaf = mls && this.mls.leaves(mls).find((other) => other.userId === device.userId && other.deviceId === device.deviceId);
    return leaf && (await this.directory.counts(device, leaf.identityKey)) ? leaf.identityKey : undefined;
  }

  private async keyOf(chat: ChatRef, callId: Uint8Array, epoch: bigint): Promise<Uint8Array | undefined> {
    const name = nameOf(chat);
    const id = `${name} ${epoch} ${hex(callId)}`;
    const { mls } = await this.chats.read(name);
    if (!this.keys.has(id) && mls?.groupContext.epoch === epoch) {
      this.keys.set(id, await this.mls.exporter(mls, kLabel, callId, 32));
      if (this.keys.size > kMaxKeys) this.keys.delete(this.keys.keys().next().value!);
    }
    return this.keys.get(id);
  }
}

// One call, as this device takes part in it or is rung for it.

import type { Call, CallParticipant, ChatId } from "../api.js";
import type { Core } from "../core.js";
import type { E2e } from "../e2e/api.js";
import { CallEndReason, CallSignalKind, type CallSignaled } from "../gen/godwit_pb.js";
import { chatRef, fromHex } from "../ids.js";
import { Peer } from "./peer.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const kUnsealTries = 20;
const kUnsealPause = 250;

const kReasons: Partial<Record<CallEndReason, Call["endReason"]>> = {
  [CallEndReason.REJECTED]: "rejected",
  [CallEndReason.BUSY]: "busy",
  [CallEndReason.ELSEWHERE]: "elsewhere",
  [CallEndReason.FAILED]: "failed",
  [CallEndReason.LOST]: "lost",
};

interface Other {
  user: bigint;
  device: number;
  peer: Peer;
  stream?: MediaStream;
  connected: boolean;
}

export interface CallEnvironment {
  core: Core;
  RTC: typeof RTCPeerConnection;
  configuration(): Promise<RTCConfiguration>;
  changed(call: ActiveCall): void;
}

export class ActiveCall {
  phase: Call["phase"];
  startedAt: number | undefined;
  endReason: Call["endReason"];
  localStream: MediaStream | undefined;
  muted = false;
  cameraOff = false;
  /** The offer of who calls, until it is answered. */
  offer: Uint8Array | undefined;
  /** When it is next looked whether a group's call still rings. */
  ring: ReturnType<typeof setTimeout> | undefined;
  readonly #env: CallEnvironment;
  readonly #others = new Map<string, Other>();

  constructor(
    env: CallEnvironment,
    readonly id: string,
    readonly chat: ChatId,
    readonly video: boolean,
    readonly outgoing: boolean,
    phase: Call["phase"],
  ) {
    this.#env = env;
    this.phase = phase;
  }

  get group(): boolean {
    return this.chat.startsWith("g");
  }

  /** This device is in it, not only rung. */
  get joined(): boolean {
    return this.#others.size > 0 || (this.group && this.phase !== "ringing" && this.phase !== "ended");
  }

  show(): Call {
    const participants: CallParticipant[] = [...this.#others.values()].map(({ user, device, stream, connected }) => ({ user: String(user), device, stream, connected }));
    const { id, chat, video, outgoing, phase, startedAt, endReason, localStream, muted, cameraOff } = this;
    return { id, chat, video, outgoing, phase, startedAt, endReason, localStream, participants, muted, cameraOff };
  }

  named(): { id: Uint8Array; peer?: bigint; chat?: Uint8Array } {
    return { id: fromHex(this.id), ...chatRef(this.chat) };
  }

  async seal(text: string): Promise<Uint8Array> {
    return this.#e2e.sealCall(chatRef(this.chat), fromHex(this.id), encoder.encode(text));
  }

  /**
   * Undefined when it does not come from a device of the chat, or is for another call. The first call of a chat may be here
   * before the message that sets up its encryption, so it is tried for a while.
   */
  async unseal(sealed: Uint8Array): Promise<string | undefined> {
    for (let tries = 0; ; tries++) {
      const bytes = await this.#e2e.openCall(chatRef(this.chat), fromHex(this.id), sealed);
      if (bytes !== undefined) return decoder.decode(bytes);
      if (tries === kUnsealTries || this.phase === "ended") return undefined;
      await new Promise((resolve) => setTimeout(resolve, kUnsealPause));
    }
  }

  get #e2e(): E2e {
    return this.#env.core.e2e();
  }

  /** The connection to a device; device 0 while it is not known which one will answer. */
  async connect(user: bigint, device: number): Promise<Peer> {
    const key = this.group ? `${user}/${device}` : "";
    const configuration = await this.#env.configuration();
    const known = this.#others.get(key);
    if (known !== undefined) {
      known.device = device || known.device;
      return known.peer;
    }
    const me = this.#env.core.me();
    const polite = this.group ? `${me.userId}/${me.deviceId}` < `${user}/${device}` : !this.outgoing;
    const other: Other = { user, device, connected: false, peer: undefined as never };
    other.peer = new Peer(this.#env.RTC, configuration, this.localStream, polite, {
      signal: (kind, payloads) => this.#signal(other, kind, payloads),
      onStream: (stream) => {
        other.stream = stream;
        this.#env.changed(this);
      },
      onState: (state) => this.#peerState(other, state),
    });
    this.#others.set(key, other);
    return other.peer;
  }

  peer(): Peer | undefined {
    return this.#others.get("")?.peer;
  }

  #peerState(other: Other, state: RTCPeerConnectionState): void {
    other.connected = state === "connected";
    if (state === "connected") {
      this.phase = "active";
      this.startedAt ??= this.#env.core.connection.now();
    } else if (state === "failed" && this.phase === "active") {
      this.phase = "reconnecting";
      void other.peer.restart().catch(() => {}); // without a connection to the server, `resumed` does it
    }
    this.#env.changed(this);
  }

  async #signal(other: Other, kind: CallSignalKind, payloads: string[]): Promise<void> {
    const sealed = await Promise.all(payloads.map((payload) => this.seal(payload)));
    const to = this.group ? { to: other.user, toDevice: other.device } : {};
    await this.#env.core.connection.request({ case: "signalCall", value: { ...this.named(), ...to, kind, payloads: sealed } });
  }

  async signaled({ from, fromDevice, kind, payloads }: CallSignaled): Promise<void> {
    const peer = this.group ? await this.connect(from, fromDevice) : this.peer();
    if (peer === undefined) return;
    for (const sealed of payloads) {
      const text = await this.unseal(sealed);
      if (text === undefined) continue;
      if (kind === CallSignalKind.CANDIDATES) await peer.candidate(text);
      else if (kind === CallSignalKind.NEW_ANSWER) await peer.accept(text);
      else if (kind === CallSignalKind.NEW_OFFER) {
        const answer = await peer.answer(text);
        if (answer === undefined) continue;
        const other = [...this.#others.values()].find((candidate) => candidate.peer === peer)!;
        await this.#signal(other, CallSignalKind.NEW_ANSWER, [answer]);
        peer.release();
      }
    }
  }

  /** In groups: who is in it now, other than this device. Newcomers offer to those who were there. */
  async participants(present: { user: bigint; device: number }[], offer: boolean): Promise<void> {
    const names = new Set(present.map(({ user, device }) => `${user}/${device}`));
    for (const [key, other] of this.#others) {
      if (names.has(key)) continue;
      other.peer.close();
      this.#others.delete(key);
    }
    if (offer) {
      for (const { user, device } of present) {
        const peer = await this.connect(user, device);
        const other = this.#others.get(`${user}/${device}`)!;
        await this.#signal(other, CallSignalKind.NEW_OFFER, [await peer.offer()]);
        peer.release();
      }
    }
    this.#env.changed(this);
  }

  /** There is no connection to the server. Media goes on as long as its own path does. */
  hold(): void {
    for (const { peer } of this.#others.values()) peer.hold();
  }

  /** The server goes on with the call: new addresses for all. */
  async resumed(): Promise<void> {
    for (const { peer } of this.#others.values()) await peer.restart();
  }

  async setStream(stream: MediaStream): Promise<void> {
    this.localStream = stream;
    this.applyMuting();
    for (const { peer } of this.#others.values()) await peer.replace(stream);
  }

  applyMuting(): void {
    for (const track of this.localStream?.getAudioTracks() ?? []) track.enabled = !this.muted;
    for (const track of this.localStream?.getVideoTracks() ?? []) track.enabled = !this.cameraOff;
  }

  end(reason: CallEndReason): void {
    clearTimeout(this.ring);
    const answered = this.startedAt !== undefined;
    this.phase = "ended";
    this.endReason = kReasons[reason] ?? (answered || this.joined ? "ended" : this.outgoing ? "cancelled" : "missed");
    for (const { peer } of this.#others.values()) peer.close();
    this.#others.clear();
    for (const track of this.localStream?.getTracks() ?? []) track.stop();
    this.#env.changed(this);
  }
}

// The media connection to one other device of a call: an RTCPeerConnection whose descriptions and candidates travel
// through the server, sealed.

import { CallSignalKind } from "../gen/godwit_pb.js";

/** Candidates found within this time go together, milliseconds; and so many at most (SignalCall.payloads). */
const kBatchMs = 50;
const kBatchMax = 32;
/** Candidates that wait for the description they belong to. */
const kMaxEarly = 256;

export interface PeerHost {
  /** Seals the payloads and passes them to the other device. */
  signal(kind: CallSignalKind, payloads: string[]): Promise<void>;
  onStream(stream: MediaStream): void;
  onState(state: RTCPeerConnectionState): void;
}

export class Peer {
  readonly #pc: RTCPeerConnection;
  readonly #host: PeerHost;
  /** When both sides offer at once, the polite one gives way. */
  readonly #polite: boolean;
  #found: string[] = [];
  #early: RTCIceCandidateInit[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The other side cannot have the description yet that the candidates belong to. */
  #held = true;

  constructor(RTC: typeof RTCPeerConnection, configuration: RTCConfiguration, media: MediaStream | undefined, polite: boolean, host: PeerHost) {
    this.#pc = new RTC(configuration);
    this.#host = host;
    this.#polite = polite;
    for (const track of media?.getTracks() ?? []) this.#pc.addTrack(track, media!);
    this.#pc.onicecandidate = ({ candidate }) => {
      if (!candidate?.candidate) return;
      this.#found.push(JSON.stringify(candidate));
      this.#timer ??= setTimeout(() => this.#flush(), kBatchMs);
    };
    this.#pc.ontrack = ({ streams }) => {
      if (streams[0] !== undefined) host.onStream(streams[0]);
    };
    this.#pc.onconnectionstatechange = () => host.onState(this.#pc.connectionState);
  }

  /** An offer to be sent; `release` once it is at the server. */
  async offer(iceRestart = false): Promise<string> {
    this.#held = true;
    await this.#pc.setLocalDescription(await this.#pc.createOffer({ iceRestart }));
    return this.#pc.localDescription!.sdp;
  }

  /** The answer to an offer; `release` once it is at the server. Undefined: this side's own offer goes before. */
  async answer(sdp: string): Promise<string | undefined> {
    if (this.#pc.signalingState === "have-local-offer" && !this.#polite) return undefined;
    this.#held = true;
    await this.#pc.setRemoteDescription({ type: "offer", sdp });
    await this.#drainEarly();
    await this.#pc.setLocalDescription(await this.#pc.createAnswer());
    return this.#pc.localDescription!.sdp;
  }

  async accept(sdp: string): Promise<void> {
    if (this.#pc.signalingState !== "have-local-offer") return; // answered already
    await this.#pc.setRemoteDescription({ type: "answer", sdp });
    await this.#drainEarly();
  }

  async candidate(json: string): Promise<void> {
    const candidate = JSON.parse(json) as RTCIceCandidateInit;
    if (this.#pc.remoteDescription === null) {
      if (this.#early.length < kMaxEarly) this.#early.push(candidate);
      return;
    }
    await this.#pc.addIceCandidate(candidate).catch(() => {}); // of an offer that was given up
  }

  /** What was found meanwhile may follow. */
  release(): void {
    this.#held = false;
    this.#flush();
  }

  /** The connection to the server is gone: nothing can be sent. */
  hold(): void {
    this.#held = true;
  }

  /** New addresses, after the network has changed. */
  async restart(): Promise<void> {
    await this.#host.signal(CallSignalKind.NEW_OFFER, [await this.offer(true)]);
    this.release();
  }

  /** Other tracks, of the same kinds, in place of the present ones. */
  async replace(media: MediaStream): Promise<void> {
    for (const sender of this.#pc.getSenders()) {
      const track = media.getTracks().find(({ kind }) => kind === sender.track?.kind);
      if (track !== undefined) await sender.replaceTrack(track);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#pc.onconnectionstatechange = null;
    this.#pc.close();
  }

  async #drainEarly(): Promise<void> {
    for (const candidate of this.#early.splice(0)) await this.#pc.addIceCandidate(candidate).catch(() => {});
  }

  #flush(): void {
    this.#timer = undefined;
    if (this.#held) return;
    while (this.#found.length > 0) {
      // One that is lost with the connection is missed by nobody: who comes back restarts ICE.
      this.#host.signal(CallSignalKind.CANDIDATES, this.#found.splice(0, kBatchMax)).catch(() => {});
    }
  }
}

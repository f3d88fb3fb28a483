// As much of an RTCPeerConnection as signalling needs: two of them are "connected" once each has the description that
// the other one made. Media is tested in real browsers, in tests/browser.

type State = "new" | "connected" | "closed";

export class FakeRtc {
  static made: FakeRtc[] = [];
  localDescription: { type: string; sdp: string } | null = null;
  remoteDescription: { type: string; sdp: string } | null = null;
  signalingState = "stable";
  connectionState: State = "new";
  candidates: unknown[] = [];
  onicecandidate: ((event: { candidate: unknown }) => void) | null = null;
  ontrack: ((event: { streams: unknown[] }) => void) | null = null;
  onconnectionstatechange: (() => void) | null = null;
  readonly name = `rtc${FakeRtc.made.push(this)}`;
  #count = 0;

  constructor(readonly configuration: unknown) {}

  addTrack(): void {}
  getSenders(): unknown[] {
    return [];
  }

  async createOffer(): Promise<{ type: string; sdp: string }> {
    return { type: "offer", sdp: `offer ${this.name}.${++this.#count}` };
  }

  async createAnswer(): Promise<{ type: string; sdp: string }> {
    return { type: "answer", sdp: `answer ${this.name} to ${this.remoteDescription!.sdp}` };
  }

  async setLocalDescription(description: { type: string; sdp: string }): Promise<void> {
    this.localDescription = description;
    this.signalingState = description.type === "offer" ? "have-local-offer" : "stable";
    this.onicecandidate?.({ candidate: { candidate: `address of ${this.name}` } });
    if (description.type === "answer") this.#connected();
  }

  async setRemoteDescription(description: { type: string; sdp: string }): Promise<void> {
    if (description.type === "answer" && !description.sdp.endsWith(this.localDescription!.sdp)) throw new Error("the answer is to another offer");
    this.remoteDescription = description;
    if (description.type === "answer") {
      this.signalingState = "stable";
      this.#connected();
    }
  }

  async addIceCandidate(candidate: unknown): Promise<void> {
    this.candidates.push(candidate);
  }

  close(): void {
    this.connectionState = "closed";
  }

  #connected(): void {
    this.connectionState = "connected";
    queueMicrotask(() => this.onconnectionstatechange?.());
  }
}

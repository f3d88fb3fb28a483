// One side of a direct call: an RTCPeerConnection whose descriptions and candidates travel by the server.

import { decodeText, encodeText } from "./client.js";

const kBatchMs = 50; // candidates that are found within this time go together
const kBatchMax = 32; // SignalCall.payloads
const kMediaKinds = 2; // sound and pictures

export class Call {
  #client;
  #connection = new RTCPeerConnection();
  #configure;
  #candidates = []; // found, not sent yet
  #timer = null;
  #errors = []; // of STUN and TURN servers, codes of RFC 8489
  #held = true; // candidates must wait: the other side cannot have the description that they belong to

  // `configure` resolves to the RTCConfiguration of now, with fresh credentials for relays: every gathering of
  // addresses asks for it.
  constructor(client, id, peer, media, configure) {
    this.#client = client;
    this.id = id;
    this.peer = peer;
    this.#configure = configure;
    for (const track of media.getTracks()) this.#connection.addTrack(track, media);
    this.#connection.onicecandidate = ({ candidate }) => this.#found(candidate);
    this.#connection.onicecandidateerror = ({ errorCode }) => this.#errors.push(errorCode);
  }

  // Places the call. The reply.
  async place() {
    const offer = await this.#offer();
    return this.#release(await this.#client.request("placeCall", { ...this.#named(), kind: "VIDEO", offer }));
  }

  // Lets it ring, then answers.
  async answer(offer) {
    await this.#client.request("ringCall", this.#named());
    const answer = await this.#answer(offer);
    return this.#release(await this.#client.request("answerCall", { ...this.#named(), answer }));
  }

  // The callee has answered. Told again after a resumption, until this side has signaled.
  async answered(answer) {
    if (this.#connection.signalingState === "have-local-offer") await this.#accept("answer", answer);
  }

  async signaled(kind, payloads) {
    if (kind === "CANDIDATES") {
      for (const payload of payloads) await this.#connection.addIceCandidate(JSON.parse(decodeText(payload)));
    } else if (kind === "NEW_OFFER") {
      const answer = await this.#answer(payloads[0]);
      this.#release(await this.signal("NEW_ANSWER", [answer]));
    } else if (kind === "NEW_ANSWER") {
      await this.#accept("answer", payloads[0]);
    }
  }

  signal(kind, payloads) {
    return this.#client.request("signalCall", { ...this.#named(), kind, payloads });
  }

  // The connection to the server is gone, and so nothing can be sent until `resume`.
  lost() {
    this.#held = true;
  }

  // Goes on after the client has connected again. The reply: CallState.
  async resume() {
    return this.#release(await this.#client.request("resumeCall", this.#named()));
  }

  // New addresses for both sides.
  async restart() {
    const offer = await this.#offer({ iceRestart: true });
    this.#release(await this.signal("NEW_OFFER", [offer]));
  }

  end(reason) {
    return this.#client.request("endCall", { ...this.#named(), reason });
  }

  close() {
    this.#connection.close();
  }

  // What the browser says of the call now.
  async state() {
    const stats = [...(await this.#connection.getStats()).values()];
    const byId = new Map(stats.map((entry) => [entry.id, entry]));
    const received = {};
    for (const entry of stats) if (entry.type === "inbound-rtp") received[entry.kind] = entry.bytesReceived;
    const transport = stats.find((entry) => entry.type === "transport" && entry.selectedCandidatePairId);
    const pair = transport && byId.get(transport.selectedCandidatePairId);
    const candidate = (id) => {
      const { candidateType: type, protocol, relayProtocol, usernameFragment: fragment } = byId.get(id) ?? {};
      return { type, protocol, relayProtocol, fragment };
    };
    return {
      connection: this.#connection.connectionState,
      errors: this.#errors,
      received: Object.keys(received).length === kMediaKinds ? received : null,
      local: pair && candidate(pair.localCandidateId),
      remote: pair && candidate(pair.remoteCandidateId),
    };
  }

  #named() {
    return { id: this.id, peer: this.peer };
  }

  async #offer(options) {
    this.#connection.setConfiguration(await this.#configure());
    return this.#describe(await this.#connection.createOffer(options));
  }

  async #answer(offer) {
    this.#connection.setConfiguration(await this.#configure());
    await this.#accept("offer", offer);
    return this.#describe(await this.#connection.createAnswer());
  }

  // From here on addresses are found, which have to wait for #release.
  async #describe(description) {
    this.#held = true;
    await this.#connection.setLocalDescription(description);
    return encodeText(description.sdp);
  }

  #accept(type, sdp) {
    return this.#connection.setRemoteDescription({ type, sdp: decodeText(sdp) });
  }

  #found(candidate) {
    // Tests stay on loopback, whatever networks the machine has.
    if (!candidate?.candidate || candidate.address !== "127.0.0.1") return;
    this.#candidates.push(encodeText(JSON.stringify(candidate)));
    this.#timer ??= setTimeout(() => this.#flush(), kBatchMs);
  }

  #flush() {
    this.#timer = null;
    if (this.#held) return;
    while (this.#candidates.length > 0) {
      // One that is lost with the connection is missed by nobody: who comes back restarts ICE.
      this.signal("CANDIDATES", this.#candidates.splice(0, kBatchMax)).catch(() => {});
    }
  }

  #release(reply) {
    this.#held = false;
    this.#flush();
    return reply;
  }
}

// What a page can do, for driver.mjs: a user with one device that makes and takes calls.

import { Call } from "./call.js";
import { Client, newId } from "./client.js";

class Phone {
  #client = new Client();
  #media;
  #policy;
  #call = null;
  #turn = Promise.resolve(); // pushes are handled one after the other

  events = []; // pushes about calls, and what failed

  // Registers and logs in; the user's id.
  async start(url, handle, policy) {
    this.#policy = policy;
    this.#media = await navigator.mediaDevices.getUserMedia({
      audio: true,
      video: { width: 160, height: 120, frameRate: 10 },
    });
    this.#client.onPush = (kind, body) => {
      this.#turn = this.#turn
        .then(() => this.#pushed(kind, body))
        .catch((error) => this.events.push({ failed: kind, error: String(error) }));
    };
    await this.#client.connect(url);
    await this.#client.register(handle);
    await this.#client.hello();
    return this.#client.userId;
  }

  iceServers() {
    return this.#client.request("getIceServers");
  }

  async place(peer) {
    this.#call = this.#newCall(newId(), peer);
    return { id: this.#call.id, ...(await this.#call.place()) };
  }

  // Waits until the server has gone; the close code.
  async lost() {
    const code = await this.#client.closed;
    this.#call.lost();
    return code;
  }

  // Connects again, goes on with the call; CallState.
  async resume(url) {
    await this.#client.connect(url);
    await this.#client.hello();
    return this.#call.resume();
  }

  restart() {
    return this.#call.restart();
  }

  signal(kind, payloads) {
    return this.#call.signal(kind, payloads);
  }

  hangUp() {
    return this.#call.end("HUNG_UP");
  }

  state() {
    return this.#call ? this.#call.state() : { connection: "none", errors: [] };
  }

  async #pushed(kind, body) {
    if (kind === "callOffered") {
      this.events.push({ kind, from: body.from, id: body.id });
      this.#call = this.#newCall(body.id, body.from);
      await this.#call.answer(body.offer);
    } else if (kind === "callChanged") {
      this.events.push({ kind, phase: body.phase ?? "CALLING", reason: body.reason, id: body.id });
      if (body.answer) await this.#call.answered(body.answer);
      if (body.phase === "ENDED") this.#call.close();
    } else if (kind === "callSignaled") {
      const signal = body.kind ?? "CANDIDATES";
      this.events.push({ kind, signal, info: signal === "INFO" ? body.payloads : undefined });
      await this.#call.signaled(signal, body.payloads);
    } else if (kind === "deliver") {
      for (const { event } of body.envelopes) if (event?.call) this.events.push({ kind: "record", call: event.call });
    } else if (kind === "error") {
      this.events.push({ failed: "notice", error: body.code });
    }
  }

  #newCall(id, peer) {
    return new Call(this.#client, id, peer, this.#media, () => this.#configuration());
  }

  // A server without STUN and TURN servers says so.
  async #configuration() {
    const iceServers = await this.iceServers().then(
      ({ servers }) => servers.map(({ urls, username, credential }) => ({ urls, username, credential })),
      (error) => {
        if (error.code !== "ice_unavailable") throw error;
        return [];
      },
    );
    return { iceServers, iceTransportPolicy: this.#policy };
  }
}

window.phone = new Phone();

// Stays connected: greets, says Hello, and comes back after a broken connection as the server advises.

import type { ConnectionState, Tuning, WebSocketConstructor } from "../api.js";
import type { ReplyBody, RequestBody, SigningKey } from "../e2e/api.js";
import { GodwitError } from "../errors.js";
import { closeNames } from "../gen/codes.js";
import type { Challenge, Welcome } from "../gen/godwit_pb.js";
import { Backoff } from "./backoff.js";
import { ServerClock } from "./clock.js";
import { proofs } from "./proofs.js";
import { Socket } from "./socket.js";

/** What Hello is said with. */
export interface Credentials {
  userId: bigint;
  deviceId: number;
  key: SigningKey;
  token: string;
  tokenExpiresMs: number;
}

export interface ConnectionHost {
  /** Undefined: this device has no account, and only greetings are possible. */
  credentials(): Credentials | undefined;
  saveToken(token: string, expiresMs: number): Promise<void>;
  /** The position to resume from; undefined: where the server saw the device last. */
  cursor(): Promise<bigint | undefined>;
  /** The server does not know the cursor: it was restored from a backup. */
  cursorLost(): Promise<void>;
  onWelcome(welcome: Welcome): void;
  onPush(body: ReplyBody): void;
  onState(state: ConnectionState, more?: { retryAt?: number; reason?: string }): void;
}

/** A connection that lasted so long, milliseconds, was a good one: the next failure begins with short pauses again. */
const kStable = 5000;
const kClosedByPolicy = new Set([1002, 1003, 1007, 1009]);
/** Codes of a refused Hello after which coming back is of no use. */
const kRefusals = new Set(["device_revoked", "user_not_found", "proof_invalid", "not_allowed", "handle_invalid"]);

export class Connection {
  readonly #url: string;
  readonly #WebSocket: WebSocketConstructor;
  readonly #tuning: Tuning;
  readonly #clientName: string;
  readonly #host: ConnectionHost;
  readonly #backoff: Backoff;
  #socket: Socket | undefined;
  #live = false;
  #wanted = false;
  #networkUp = true;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ping: ReturnType<typeof setInterval> | undefined;
  /** Counts tries, so that what an earlier one still does is known to be stale. */
  #attempt = 0;
  #reconnectAfter: number | undefined;
  #liveSince = 0;
  /** Of the present connection; proofs sign it. */
  nonce: Uint8Array = new Uint8Array();
  readonly #clock = new ServerClock();
  #waiters = new Set<{ resolve(socket: Socket): void; reject(error: GodwitError): void; timer: ReturnType<typeof setTimeout> }>();

  constructor(url: string, WebSocket: WebSocketConstructor, tuning: Tuning, clientName: string, host: ConnectionHost) {
    this.#url = url;
    this.#WebSocket = WebSocket;
    this.#tuning = tuning;
    this.#clientName = clientName;
    this.#host = host;
    this.#backoff = new Backoff(tuning.backoffMin, tuning.backoffMax);
  }

  /** Milliseconds since the Unix epoch by the server's clock, as far as it is known. */
  now(): number {
    return this.#clock.now();
  }

  get live(): boolean {
    return this.#live;
  }

  start(): void {
    this.#wanted = true;
    this.#backoff.reset();
    if (this.#socket === undefined) void this.#try();
  }

  stop(state: ConnectionState = "offline", reason?: string): void {
    this.#wanted = false;
    this.#leave();
    this.#failWaiters();
    this.#host.onState(state, reason === undefined ? undefined : { reason });
  }

  /** The platform's word on the network. */
  setOnline(online: boolean): void {
    this.#networkUp = online;
    if (!this.#wanted) return;
    if (!online) {
      this.#leave();
      this.#host.onState("offline");
    } else if (!this.#live) {
      this.#backoff.reset();
      if (this.#socket === undefined) void this.#try();
    } else {
      const socket = this.#socket;
      socket?.request({ case: "ping", value: {} }).catch(() => socket.close(1006)); // the old path may be dead
    }
  }

  /** A connection for what needs no account (registration, linking). The caller closes it. */
  async greet(onPush: (body: ReplyBody) => void = () => {}, onClose: () => void = () => {}): Promise<{ socket: Socket; challenge: Challenge }> {
    const greeting = await Socket.open(this.#url, this.#WebSocket, { onPush, onClose }, this.#tuning.requestTimeout);
    this.#clock.told(greeting.challenge.serverTimeMs);
    return greeting;
  }

  /** Asks on the present connection, or fails at once. */
  request(body: RequestBody): Promise<ReplyBody> {
    if (!this.#live || this.#socket === undefined) {
      return Promise.reject(new GodwitError("disconnected", "no connection to the server", true));
    }
    return this.#socket.request(body);
  }

  /** Asks, waits for a connection first, and again after a refusal that names a short pause. */
  async call(body: RequestBody): Promise<ReplyBody> {
    for (let attempt = 1; ; attempt++) {
      const socket = await this.#liveSocket();
      try {
        return await socket.request(body);
      } catch (error) {
        const busy = error instanceof GodwitError && error.retryAfterMs > 0 && error.retryAfterMs <= 5000;
        if (!busy || attempt >= 5) throw error;
        await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs));
      }
    }
  }

  notice(body: RequestBody): void {
    if (this.#live) this.#socket?.notice(body);
  }

  /** Ends the present connection, as if it broke: the next begins with what is stored. */
  restart(): void {
    this.#socket?.close(1000);
  }

  #liveSocket(): Promise<Socket> {
    if (this.#live && this.#socket !== undefined) return Promise.resolve(this.#socket);
    if (!this.#wanted || !this.#networkUp) return Promise.reject(new GodwitError("disconnected", "not connected", true));
    return new Promise((resolve, reject) => {
      const waiter = {
        resolve,
        reject,
        timer: setTimeout(() => {
          this.#waiters.delete(waiter);
          reject(new GodwitError("disconnected", "no connection to the server", true));
        }, this.#tuning.requestTimeout),
      };
      this.#waiters.add(waiter);
    });
  }

  #failWaiters(): void {
    for (const waiter of this.#waiters) {
      clearTimeout(waiter.timer);
      waiter.reject(new GodwitError("disconnected", "not connected", true));
    }
    this.#waiters.clear();
  }

  #leave(): void {
    this.#attempt++;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    clearInterval(this.#ping);
    this.#clock.lost();
    const socket = this.#socket;
    this.#socket = undefined;
    this.#live = false;
    socket?.close();
  }

  async #try(): Promise<void> {
    this.#leave();
    if (this.#host.credentials() === undefined) return this.#host.onState("none");
    if (!this.#networkUp) return this.#host.onState("offline");
    const attempt = this.#attempt;
    this.#host.onState("connecting");
    // Pushes right behind Welcome, which may come before its reply is looked at.
    const early: ReplyBody[] = [];
    try {
      const { socket, challenge } = await Socket.open(
        this.#url,
        this.#WebSocket,
        {
          onPush: (body) => {
            if (body.case === "reconnect") this.#reconnectAfter = body.value.afterMs;
            if (this.#live) this.#host.onPush(body);
            else early.push(body);
          },
          onClose: (code) => {
            if (attempt === this.#attempt) this.#closed(code);
          },
        },
        this.#tuning.requestTimeout,
      );
      if (attempt !== this.#attempt) return socket.close();
      this.#socket = socket;
      this.nonce = challenge.nonce;
      this.#clock.told(challenge.serverTimeMs);
      const welcome = await this.#hello(socket, challenge);
      if (attempt !== this.#attempt) return socket.close();
      this.#welcomed(socket, welcome);
      for (const body of early) this.#host.onPush(body);
    } catch (error) {
      if (attempt === this.#attempt) this.#failed(error);
    }
  }

  async #hello(socket: Socket, challenge: Challenge): Promise<Welcome> {
    for (let tries = 0; ; tries++) {
      const me = this.#host.credentials();
      if (me === undefined) throw new GodwitError("no_account", "this device has no account");
      if (me.token === "" || me.tokenExpiresMs <= this.now() + 5000) await this.#refresh(socket, challenge, me);
      const token = this.#host.credentials()!.token;
      const signature = await proofs.hello(me.key, challenge.nonce, token);
      const cursor = await this.#host.cursor();
      try {
        const keepaliveS = Math.ceil(this.#tuning.pingInterval / 1000);
        const reply = await socket.request({ case: "hello", value: { token, signature, cursor, keepaliveS, client: this.#clientName } });
        if (reply.case === "welcome") return reply.value;
        throw new GodwitError("bad_frame", "the server did not welcome");
      } catch (error) {
        const code = error instanceof GodwitError ? error.code : undefined;
        if (tries >= 2) throw error;
        if (code === "token_expired" || code === "token_invalid") await this.#refresh(socket, challenge, me);
        else if (code === "cursor_ahead") await this.#host.cursorLost();
        else throw error;
      }
    }
  }

  async #refresh(socket: Socket, challenge: Challenge, me: Credentials): Promise<void> {
    const signature = await proofs.refresh(me.key, challenge.nonce, me.userId, me.deviceId);
    const reply = await socket.request({ case: "refreshToken", value: { userId: me.userId, deviceId: me.deviceId, signature } });
    if (reply.case === "token") await this.#host.saveToken(reply.value.token, Number(reply.value.expiresMs));
  }

  #welcomed(socket: Socket, welcome: Welcome): void {
    this.#live = true;
    this.#liveSince = performance.now();
    this.#host.onState("catching_up");
    this.#host.onWelcome(welcome);
    const silence = Math.min(this.#tuning.pingInterval, (welcome.keepaliveS || 60) * 1000, (welcome.presenceTtlS || 360) * 500);
    this.#ping = setInterval(() => {
      if (performance.now() - socket.lastSent < silence * 0.9 && performance.now() - socket.lastHeard < silence * 2) return;
      socket.request({ case: "ping", value: {} }).then(
        (reply) => {
          if (reply.case === "pong" && socket === this.#socket) this.#clock.told(reply.value.serverTimeMs);
        },
        (error: unknown) => {
          if (error instanceof GodwitError && error.code === "timeout") socket.close(1006);
        },
      );
    }, silence / 2);
    unref(this.#ping);
    for (const waiter of this.#waiters) {
      clearTimeout(waiter.timer);
      waiter.resolve(socket);
    }
    this.#waiters.clear();
  }

  /** Before Welcome. */
  #failed(error: unknown): void {
    const refused = error instanceof GodwitError ? error : undefined;
    this.#leave();
    if (refused !== undefined && kRefusals.has(refused.code)) return this.stop("stopped", refused.code);
    this.#later(Math.max(this.#backoff.next(), refused?.retryAfterMs ?? 0));
  }

  #closed(code: number): void {
    const stable = this.#live && performance.now() - this.#liveSince > kStable;
    if (stable) this.#backoff.reset();
    this.#leave();
    if (code >= 4200 || kClosedByPolicy.has(code)) return this.stop("stopped", closeNames[code] ?? `close_${code}`);
    if (!this.#wanted) return;
    const told = this.#reconnectAfter;
    this.#reconnectAfter = undefined;
    if (told !== undefined) return this.#later(told);
    const pause = this.#backoff.next();
    this.#later(code < 4100 ? Math.min(pause, stable ? this.#tuning.backoffMin : pause) : pause);
  }

  #later(pause: number): void {
    if (!this.#wanted) return;
    this.#host.onState("connecting", { retryAt: Date.now() + pause });
    this.#timer = setTimeout(() => void this.#try(), pause);
  }
}

/** In Node, a timer that alone does not keep the process. */
function unref(timer: unknown): void {
  (timer as { unref?: () => void }).unref?.();
}

// One WebSocket to the server: frames, requests and their replies. It ends once and is then of no more use.

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { WebSocketConstructor, WebSocketLike } from "../api.js";
import type { ReplyBody, RequestBody } from "../e2e/api.js";
import { codeName, GodwitError } from "../errors.js";
import { type Challenge, ClientFrameSchema, type Error as WireError, type ServerFrame, ServerFrameSchema } from "../gen/godwit_pb.js";

const kSubprotocol = "godwit.v1";
/** As many requests as wait for their reply at once; the server allows 512. */
const kMaxOpenRequests = 400;

interface OpenRequest {
  resolve(body: ReplyBody): void;
  reject(error: GodwitError): void;
  timer: ReturnType<typeof setTimeout>;
}

/** The error that a frame of the server holds. */
export function wireError(error: WireError): GodwitError {
  return new GodwitError(codeName(error.code), error.message, error.retryable, error.retryAfterMs, {
    epoch: error.epoch,
    missing: error.missing,
    extra: error.extra,
  });
}

export interface SocketListener {
  /** A frame that answers no request. */
  onPush(body: ReplyBody): void;
  /** The end, whoever caused it. */
  onClose(code: number): void;
}

export class Socket {
  readonly #ws: WebSocketLike;
  readonly #listener: SocketListener;
  readonly #timeout: number;
  readonly #open = new Map<bigint, OpenRequest>();
  #nextId = 1n;
  #ended = false;
  /** When something was last sent, and last heard, by performance.now(). */
  lastSent = performance.now();
  lastHeard = performance.now();

  private constructor(ws: WebSocketLike, listener: SocketListener, timeout: number) {
    this.#ws = ws;
    this.#listener = listener;
    this.#timeout = timeout;
  }

  /** Connects and waits for the server's Challenge. Rejects with `disconnected` or `timeout`. */
  static open(url: string, WebSocket: WebSocketConstructor, listener: SocketListener, timeout: number): Promise<{ socket: Socket; challenge: Challenge }> {
    return new Promise((resolve, reject) => {
      let ws: WebSocketLike;
      try {
        ws = new WebSocket(url, kSubprotocol);
      } catch (error) {
        reject(new GodwitError("not_supported", `cannot connect to ${url}`, false, 0, { cause: error }));
        return;
      }
      ws.binaryType = "arraybuffer";
      let greeted = false;
      const socket = new Socket(ws, listener, timeout);
      const timer = setTimeout(() => {
        reject(new GodwitError("timeout", "the server did not greet", true));
        socket.close();
      }, timeout);
      ws.onerror = () => {}; // onclose follows
      ws.onclose = (event) => {
        clearTimeout(timer);
        reject(new GodwitError("disconnected", "no connection to the server", true));
        socket.#end(event?.code ?? 1006, greeted);
      };
      ws.onmessage = (event) => {
        const frame = socket.#decode(event.data);
        if (frame === undefined) return;
        if (!greeted && frame.body.case === "challenge") {
          greeted = true;
          clearTimeout(timer);
          resolve({ socket, challenge: frame.body.value });
        } else {
          socket.#dispatch(frame);
        }
      };
    });
  }

  get alive(): boolean {
    return !this.#ended;
  }

  /** Asks; the reply's body, or what the server refused it with. */
  request(body: RequestBody): Promise<ReplyBody> {
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(new GodwitError("disconnected", "no connection to the server", true));
        return;
      }
      if (this.#open.size >= kMaxOpenRequests) {
        reject(new GodwitError("too_many_requests_open", "too many requests are open", true, 100));
        return;
      }
      const id = this.#nextId++;
      const timer = setTimeout(() => {
        this.#open.delete(id);
        reject(new GodwitError("timeout", `no reply to ${body.case}`, true));
      }, this.#timeout);
      this.#open.set(id, { resolve, reject, timer });
      this.#send(id, body);
    });
  }

  /** Tells, without waiting for an answer. */
  notice(body: RequestBody): void {
    if (!this.#ended) this.#send(0n, body);
  }

  close(code = 1000): void {
    try {
      this.#ws.close(code);
    } catch {
      // was closing already
    }
    this.#end(code, true);
  }

  #send(requestId: bigint, body: RequestBody): void {
    try {
      this.#ws.send(toBinary(ClientFrameSchema, create(ClientFrameSchema, { requestId, body })));
      this.lastSent = performance.now();
    } catch {
      this.close(1006); // the platform says that it is not open any more
    }
  }

  #decode(data: unknown): ServerFrame | undefined {
    this.lastHeard = performance.now();
    try {
      return fromBinary(ServerFrameSchema, new Uint8Array(data as ArrayBuffer));
    } catch {
      this.close(1002);
      return undefined;
    }
  }

  #dispatch(frame: ServerFrame): void {
    const open = frame.requestId === 0n ? undefined : this.#open.get(frame.requestId);
    if (open === undefined) {
      if (frame.requestId === 0n) this.#listener.onPush(frame.body);
      return; // a reply that came too late
    }
    this.#open.delete(frame.requestId);
    clearTimeout(open.timer);
    if (frame.body.case === "error") open.reject(wireError(frame.body.value));
    else open.resolve(frame.body);
  }

  #end(code: number, tell: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#ws.onmessage = null;
    for (const open of this.#open.values()) {
      clearTimeout(open.timer);
      open.reject(new GodwitError("disconnected", "the connection broke", true));
    }
    this.#open.clear();
    if (tell) this.#listener.onClose(code);
  }
}

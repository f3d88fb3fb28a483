// Between a client and the daemon: cuts connections, and drops, repeats or changes what the server says.

import type { AddressInfo } from "node:net";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { WebSocket, WebSocketServer } from "ws";
import { type ServerFrame, ServerFrameSchema } from "../../src/gen/godwit_pb.js";
import type { Daemon } from "./daemon.js";

export type Verdict = "pass" | "drop" | "twice" | "cut" | "changed" | "hold";

export class Wire {
  readonly #server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "godwit.v1" });
  readonly #pairs = new Set<[WebSocket, WebSocket]>();
  readonly #held: (() => void)[] = [];
  /** What becomes of a frame: "hold" keeps it until `release`, and lets later ones overtake it; for "changed", the body has been changed in place. */
  onServerFrame: (body: ServerFrame["body"]) => Verdict = () => "pass";

  static async to(daemon: Daemon): Promise<Wire> {
    const wire = new Wire();
    await new Promise((resolve) => wire.#server.once("listening", resolve));
    wire.#server.on("connection", (near) => wire.#connect(near, daemon.url));
    return wire;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/ws`;
  }

  #connect(near: WebSocket, url: string): void {
    const far = new WebSocket(url, "godwit.v1");
    const pair: [WebSocket, WebSocket] = [near, far];
    this.#pairs.add(pair);
    const early: Buffer[] = [];
    near.on("message", (data: Buffer) => (far.readyState === WebSocket.OPEN ? far.send(data) : early.push(data)));
    far.on("open", () => early.splice(0).forEach((data) => far.send(data)));
    far.on("message", (data: Buffer) => this.#pass(near, data));
    for (const [one, other] of [pair, [far, near]] as const) {
      one.on("error", () => {});
      one.on("close", (code: number) => {
        this.#pairs.delete(pair);
        if (code === 1005 || code === 1006 || other.readyState === WebSocket.CONNECTING) other.terminate();
        else other.close(code);
      });
    }
  }

  #pass(near: WebSocket, data: Buffer): void {
    const frame = fromBinary(ServerFrameSchema, new Uint8Array(data));
    const verdict = this.onServerFrame(frame.body);
    if (verdict === "drop") return;
    if (verdict === "cut") return this.cut();
    if (verdict === "hold") return void this.#held.push(() => near.send(data));
    near.send(verdict === "changed" ? toBinary(ServerFrameSchema, frame) : data);
    if (verdict === "twice") near.send(data);
  }

  /** Breaks all connections, as a dead network does. */
  cut(): void {
    for (const [near, far] of this.#pairs) {
      near.terminate();
      far.terminate();
    }
  }

  /** Lets everything pass, what was held first. */
  release(): void {
    this.onServerFrame = () => "pass";
    for (const send of this.#held.splice(0)) send();
  }

  async end(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

// The real daemon as a child process, with its own data directory and free ports.

import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const kDefault = fileURLToPath(new URL("../../../../../build/release/bin/godwit", import.meta.url));

const kSettings: Record<string, string> = {
  "admin.listen": "127.0.0.1:0",
  "log.format": "json",
  "storage.min_free_bytes": "0",
  "limits.address_registrations_per_hour": "0",
  "chat.group_messages_per_s": "0",
  "chat.group_sender_messages_per_s": "0",
  "server.reconnect_after_ms": "10",
  "server.reconnect_jitter_ms": "10",
};

export class Daemon {
  readonly directory = mkdtempSync(path.join(tmpdir(), "godwit-sdk-"));
  port = 0;
  #process: ChildProcess | undefined;
  readonly #settings: Record<string, string>;

  constructor(settings: Record<string, string> = {}) {
    this.#settings = { ...kSettings, ...settings };
  }

  static async start(settings?: Record<string, string>): Promise<Daemon> {
    const daemon = new Daemon(settings);
    await daemon.start();
    return daemon;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/v1/ws`;
  }

  /** A second start keeps the port, so that clients find the server again. */
  async start(): Promise<void> {
    const binary = process.env.GODWIT_BIN ?? kDefault;
    if (!existsSync(binary)) throw new Error(`no daemon at ${binary}: build it, or set GODWIT_BIN`);
    const log = path.join(this.directory, "log");
    const begin = existsSync(log) ? readFileSync(log).length : 0;
    const output = openSync(log, "a");
    const settings = { ...this.#settings, "server.data_dir": path.join(this.directory, "data"), "net.listen": `127.0.0.1:${this.port}` };
    const flags = Object.entries(settings).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("GODWIT_")));
    this.#process = spawn(binary, flags, { stdio: ["ignore", output, output], env });
    for (let tries = 0; tries < 1500; tries++) {
      const text = readFileSync(log).subarray(begin).toString();
      const started = text.split("\n").find((line) => line.includes('"started"'));
      if (started !== undefined) {
        this.port = JSON.parse(started).client_port;
        return;
      }
      if (this.#process.exitCode !== null) throw new Error(`the daemon ended:\n${text.slice(-2000)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error("the daemon did not start");
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await ended;
    this.#process = undefined;
  }

  /** A backup of the data of a daemon that does not run, and its restore, as docs/manual.md has it. */
  keepCopy(): void {
    cpSync(path.join(this.directory, "data"), path.join(this.directory, "copy"), { recursive: true });
  }

  restoreCopy(): void {
    rmSync(path.join(this.directory, "data"), { recursive: true });
    cpSync(path.join(this.directory, "copy"), path.join(this.directory, "data"), { recursive: true });
    rmSync(path.join(this.directory, "data", "journal", "incarnation"));
  }

  /** Ends it and removes its data. */
  async end(): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

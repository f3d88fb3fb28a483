// The real daemon and real processes of the client, each profile in a directory of the test.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const at = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const kChat = at("../dist/main.js");
const kDaemon = process.env.GODWIT_BIN ?? at("../../../../build/release/bin/godwit");
const kPatience = 60_000;

export interface Outcome {
  exit: number;
  out: string;
  errors: string;
  /** Lines of --json. */
  lines: any[];
}

/** A process of the client. */
export class Chat {
  readonly #process: ChildProcess;
  readonly ended: Promise<Outcome>;
  #out = "";
  #errors = "";

  constructor(world: World, args: string[]) {
    this.#process = spawn(process.execPath, [kChat, ...args], { env: world.environment, stdio: "pipe" });
    this.#process.stdout!.on("data", (data) => (this.#out += data));
    this.#process.stderr!.on("data", (data) => (this.#errors += data));
    this.ended = new Promise((resolve) => {
      this.#process.on("close", (code) => {
        const lines = args.includes("--json") ? this.#out.trim().split("\n").filter((line) => line !== "").map((line) => JSON.parse(line)) : [];
        resolve({ exit: code ?? -1, out: this.#out, errors: this.#errors, lines });
      });
    });
  }

  /** Types a line. */
  type(line: string): this {
    this.#process.stdin!.write(`${line}\n`);
    return this;
  }

  /** The end of the input. */
  close(): Promise<Outcome> {
    this.#process.stdin!.end();
    return this.ended;
  }

  signal(signal: NodeJS.Signals): Promise<Outcome> {
    this.#process.kill(signal);
    return this.ended;
  }

  /** Waits for output; what matched. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (const end = Date.now() + kPatience; ; ) {
      const match = pattern.exec(this.#out);
      if (match !== null) return match;
      if (Date.now() > end || this.#process.exitCode !== null) throw new Error(`no ${pattern} in:\n${this.#out}\n${this.#errors}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** A daemon, and a home for profiles. */
export class World {
  readonly directory = mkdtempSync(path.join(tmpdir(), "godwit-chat-"));
  readonly home = path.join(this.directory, "home");
  readonly data = path.join(this.directory, "data");
  readonly log = path.join(this.directory, "log");
  #port = 0;
  #daemon: ChildProcess | undefined;

  static async make(): Promise<World> {
    const world = new World();
    await world.start();
    return world;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}`;
  }

  /** Client and daemon are often started from one shell: neither may take the other's variables for its own. */
  get environment(): NodeJS.ProcessEnv {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("GODWIT_"));
    return { ...Object.fromEntries(inherited), GODWIT_CLIENT_HOME: this.home, GODWIT_SERVER: this.url, TZ: "UTC" };
  }

  /** A second start keeps data and port. */
  async start(): Promise<void> {
    if (!existsSync(kDaemon)) throw new Error(`no daemon at ${kDaemon}: build it, or set GODWIT_BIN`);
    const begin = existsSync(this.log) ? readFileSync(this.log).length : 0;
    const output = openSync(this.log, "a");
    const settings = {
      "server.data_dir": this.data, "net.listen": `127.0.0.1:${this.#port}`, "admin.listen": "127.0.0.1:0", "log.format": "json",
      "log.level": "debug", "storage.min_free_bytes": "0", "limits.address_registrations_per_hour": "0",
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
    this.#daemon = spawn(kDaemon, flags, { stdio: ["ignore", output, output], env: this.environment });
    for (let tries = 0; tries < 1500; tries++) {
      const text = readFileSync(this.log).subarray(begin).toString();
      const started = text.split("\n").find((line) => line.includes('"started"'));
      if (started !== undefined) {
        this.#port = JSON.parse(started).client_port;
        return;
      }
      if (this.#daemon.exitCode !== null) throw new Error(`the daemon ended:\n${text.slice(-2000)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error("the daemon did not start");
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const daemon = this.#daemon;
    if (daemon === undefined || daemon.exitCode !== null) return;
    const ended = new Promise((resolve) => daemon.once("exit", resolve));
    daemon.kill(signal);
    await ended;
    this.#daemon = undefined;
  }

  async end(): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Begins a command of a profile. */
  begin(profile: string, ...args: string[]): Chat {
    return new Chat(this, ["--profile", profile, ...args]);
  }

  /** Runs a command of a profile, with nothing to type. */
  run(profile: string, ...args: string[]): Promise<Outcome> {
    return this.begin(profile, ...args).close();
  }

  /** Runs a command that must work. */
  async ok(profile: string, ...args: string[]): Promise<Outcome> {
    const outcome = await this.run(profile, ...args);
    if (outcome.exit !== 0) throw new Error(`${args.join(" ")} of ${profile} ended with ${outcome.exit}: ${outcome.errors}`);
    return outcome;
  }

  /** The texts that came and were not read, which they are now. */
  async received(profile: string): Promise<string[]> {
    const { lines } = await this.ok(profile, "listen", "--once", "--read", "--json");
    return lines.filter(({ type, kind }) => type === "message" && kind === "text").map(({ text }) => text);
  }
}

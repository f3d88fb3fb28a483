// The real daemon as a child process that serves the web client, and where a text can be looked for in it.
import { spawn } from "node:child_process";
import { closeSync, cpSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { kRepository } from "./support.mjs";

const kBinary = process.env.GODWIT_BIN ?? path.join(kRepository, "build/release/bin/godwit");
const kPiece = 1 << 22; // bytes of memory that are read at once

const kSettings = {
  "admin.listen": "127.0.0.1:0",
  "log.format": "json",
  "log.level": "debug",
  "storage.min_free_bytes": "0",
  "limits.address_registrations_per_hour": "0",
  "server.reconnect_after_ms": "10",
  "server.reconnect_jitter_ms": "10",
  "server.web_dir": process.env.WEB_DIR ?? path.join(kRepository, "src/web/client/dist"),
};

/** The files below a folder. */
const filesIn = (folder) => readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));

export class Daemon {
  folder = mkdtempSync(path.join(tmpdir(), "godwit-browser-"));
  port = 0;
  adminPort = 0;
  #settings;
  #child;

  /** Settings beside those that all tests have. */
  constructor(settings = {}) {
    this.#settings = settings;
  }

  get url() {
    return `http://127.0.0.1:${this.port}/`;
  }
  get log() {
    return path.join(this.folder, "log");
  }

  /** A second start keeps the port, so that pages find the server again. */
  async start() {
    if (!existsSync(kBinary)) throw new Error(`no daemon at ${kBinary}: build it, or set GODWIT_BIN`);
    const begin = existsSync(this.log) ? readFileSync(this.log).length : 0;
    const output = openSync(this.log, "a");
    const settings = { ...kSettings, ...this.#settings, "server.data_dir": path.join(this.folder, "data"), "net.listen": `127.0.0.1:${this.port}` };
    const flags = Object.entries(settings).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("GODWIT_")));
    this.#child = spawn(kBinary, flags, { stdio: ["ignore", output, output], env });
    closeSync(output);
    for (let tries = 0; tries < 3000; ++tries) {
      const text = readFileSync(this.log).subarray(begin).toString();
      const started = text.split("\n").find((line) => line.includes('"started"'));
      if (started) {
        ({ client_port: this.port, admin_port: this.adminPort } = JSON.parse(started));
        return this;
      }
      if (this.#child.exitCode !== null) throw new Error(`the daemon ended:\n${text.slice(-2000)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error("the daemon did not start");
  }

  async stop(signal = "SIGKILL") {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await ended;
  }

  /** A backup of the data of a daemon that does not run, and its restore. */
  keepCopy() {
    cpSync(path.join(this.folder, "data"), path.join(this.folder, "copy"), { recursive: true });
  }
  restoreCopy() {
    rmSync(path.join(this.folder, "data"), { recursive: true });
    cpSync(path.join(this.folder, "copy"), path.join(this.folder, "data"), { recursive: true });
  }

  async end() {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async metrics() {
    return (await fetch(`http://127.0.0.1:${this.adminPort}/metrics`)).text();
  }

  /** A code for those who register where the daemon wants one. */
  async invite() {
    const answer = await fetch(`http://127.0.0.1:${this.adminPort}/v1/invites`, { method: "POST", body: "{}" });
    return (await answer.json()).code;
  }

  /** Which of the texts are in the files of the daemon: data directory and log. */
  inFiles(texts) {
    const all = filesIn(this.folder).map((file) => readFileSync(file));
    return texts.filter((text) => all.some((data) => data.includes(text)));
  }

  /** Which of the texts are in the memory of the process. */
  inMemory(texts) {
    const found = new Set();
    const memory = openSync(`/proc/${this.#child.pid}/mem`, "r");
    const overlap = Math.max(...texts.map((text) => Buffer.byteLength(text)));
    const piece = Buffer.alloc(kPiece + overlap);
    for (const line of readFileSync(`/proc/${this.#child.pid}/maps`, "utf8").split("\n")) {
      const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
      if (!from) continue;
      for (let at = parseInt(from, 16), end = parseInt(to, 16); at < end; at += kPiece) {
        let length = 0;
        try {
          length = readSync(memory, piece, 0, Math.min(piece.length, end - at), at);
        } catch {
          break; // a part that cannot be read, as that of a device
        }
        for (const text of texts) if (piece.subarray(0, length).includes(text)) found.add(text);
      }
    }
    closeSync(memory);
    return texts.filter((text) => found.has(text));
  }
}

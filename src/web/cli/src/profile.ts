// A profile is one device of one account: a directory that only its user can read, with the encrypted storage of the SDK,
// the key of it, and the server's address.

import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { usage } from "./failure.js";

export const kDefaultServer = "ws://127.0.0.1:8080/v1/ws";

export class Profile {
  readonly name: string;
  /** Where all profiles are. */
  readonly home: string;
  readonly directory: string;
  readonly #server: string | undefined;

  constructor(options: { profile?: string; home?: string; server?: string }) {
    this.name = options.profile ?? process.env.GODWIT_PROFILE ?? "default";
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(this.name)) throw usage("a profile's name has up to 64 letters, digits, dots, dashes");
    this.home = options.home ?? process.env.GODWIT_CLIENT_HOME ?? path.join(homedir(), ".godwit");
    this.directory = path.join(this.home, this.name);
    this.#server = options.server ?? process.env.GODWIT_SERVER;
  }

  get exists(): boolean {
    return existsSync(this.directory);
  }

  /** As asked for now, else as when the account was made. */
  get server(): string {
    if (this.#server !== undefined) return serverUrl(this.#server);
    return existsSync(this.#file) ? readFileSync(this.#file, "utf8").trim() : kDefaultServer;
  }

  /** Makes the directory, closed to others whatever it was. */
  make(): void {
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    chmodSync(this.directory, 0o700);
  }

  /** Remembers the server that the account is at. */
  settle(): void {
    writeFileSync(this.#file, `${this.server}\n`, { mode: 0o600 });
  }

  get #file(): string {
    return path.join(this.directory, "server");
  }
}

/** Adds the path where only a host is given. */
function serverUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^wss?:$/.test(url.protocol) || url.username !== "" || url.hash !== "") {
    throw usage(`"${text}" is no server: ws://host:port or wss://host`);
  }
  if (url.pathname === "/") url.pathname = "/v1/ws";
  return url.href;
}

/** Whether what is sent there can be read on the way: ciphertext, but also who writes to whom. */
export function isPlain(server: string): boolean {
  const { protocol, hostname } = new URL(server);
  return protocol === "ws:" && hostname !== "localhost" && hostname !== "[::1]" && !hostname.startsWith("127.");
}

// What a command works with: the profile, the client on it, and the output.

import { type Client, type Events, GodwitError, open } from "@godwit/client";
import { nodePlatform } from "@godwit/client/node";
import { Exit, Failure, interrupted } from "./failure.js";
import { securityText } from "./format.js";
import { Names } from "./names.js";
import { Output } from "./output.js";
import { Profile } from "./profile.js";

/** Options of all commands. */
export interface Globals {
  profile?: string;
  home?: string;
  server?: string;
  json?: boolean;
  timeout?: string;
}

const kDefaultTimeoutS = 20;

export class Context {
  readonly out: Output;
  readonly profile: Profile;
  /** How long to wait for the server, milliseconds. */
  readonly timeout: number;
  /** The user or the system wants the process to end. */
  readonly interrupted: AbortSignal;
  #client: Client | undefined;
  #closing = false;

  constructor(globals: Globals, interrupted: AbortSignal) {
    this.out = new Output(globals.json ?? false);
    this.profile = new Profile(globals);
    this.interrupted = interrupted;
    const seconds = Number(globals.timeout ?? kDefaultTimeoutS);
    if (!(seconds > 0 && seconds <= 86_400)) throw new Failure("usage", "--timeout takes 1 to 86400 seconds");
    this.timeout = seconds * 1000;
  }

  /** This device, with an account, not connected yet. */
  async client(): Promise<Client> {
    const none = new Failure("no_account", `profile ${this.profile.name} has no account: register or link first`);
    if (!this.profile.exists) throw none;
    const client = await this.#open();
    if (client.account === undefined) throw none;
    return client;
  }

  /** This device, before it has an account. */
  async newcomer(): Promise<Client> {
    this.profile.make();
    const client = await this.#open();
    if (client.account !== undefined) throw new Failure("wrong_state", `profile ${this.profile.name} has an account already`);
    return client;
  }

  /** This device, connected, with everything received that came meanwhile. */
  async online(): Promise<Client> {
    const client = await this.client();
    client.connect();
    await this.untilOnline(client);
    return client;
  }

  names(client: Client): Names {
    return new Names(client);
  }

  async untilOnline(client: Client): Promise<void> {
    if (client.state === "online") return;
    const heard = await this.heard(client, "connection", ({ state }) => state === "online");
    if (heard === undefined) throw new GodwitError("disconnected", `no connection to ${this.profile.server}`);
  }

  /**
   * As far as there is a connection. What is written before everything has been received is encrypted for those who were in
   * a group then, and not for who came meanwhile.
   */
  async onlineIfPossible(client: Client): Promise<void> {
    await this.untilOnline(client).catch((error: { code?: string }) => {
      if (error.code !== "disconnected") throw error;
    });
  }

  /** The first event that fits; undefined when there is none in time. Rejects when none can come any more. */
  heard<K extends keyof Events>(client: Client, event: K, fits: (value: Events[K]) => boolean, ms = this.timeout): Promise<Events[K] | undefined> {
    // Told already, and not why.
    if (client.state === "stopped") return Promise.reject(stopped());
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        off();
        offConnection();
        this.interrupted.removeEventListener("abort", stop);
      };
      const stop = () => {
        end();
        reject(interrupted());
      };
      const timer = setTimeout(() => {
        end();
        resolve(undefined);
      }, ms);
      const off = client.on(event, (value) => {
        if (!fits(value)) return;
        end();
        resolve(value);
      });
      const offConnection = client.on("connection", ({ state, reason }) => {
        if (state !== "stopped") return;
        end();
        reject(stopped(reason));
      });
      this.interrupted.addEventListener("abort", stop);
      if (this.interrupted.aborted) stop();
    });
  }

  /** Whether all that was written is at the server, within the time that the user wants to wait. */
  settled(client: Client): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (sent: boolean) => {
        clearTimeout(timer);
        resolve(sent);
      };
      const timer = setTimeout(() => end(false), this.timeout);
      this.interrupted.addEventListener("abort", () => end(false));
      void client.messages.settled().then(() => end(true));
      if (this.interrupted.aborted) setImmediate(() => end(false)); // what is sent already was told before
    });
  }

  /** A command is done. What it caused to be sent (a group's name, the key of a status) goes out before the process ends. */
  async finish(): Promise<void> {
    if (this.#client?.state === "online") await this.settled(this.#client);
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#client?.close();
  }

  async #open(): Promise<Client> {
    const { name, home, server } = this.profile;
    const client = await open({ url: server, account: name, clientName: "godwit-chat", offline: true, ...(await nodePlatform(home)) });
    this.#client = client;
    client.on("security", (event) => {
      // Those of a chat are lines of it.
      if (event.chat === undefined) this.out.note(`! ${securityText(event, event.user === undefined ? "" : `id:${event.user}`)}`);
    });
    client.on("storage", ({ state, error }) => {
      if (state !== "ok" && !this.#closing) this.out.note(`! the storage of profile ${name}: ${state}: ${(error as Error | undefined)?.message ?? ""}`);
    });
    return client;
  }
}

/** Why the server does not want this device back. */
export function stopped(reason = "unknown"): Failure {
  if (reason === "encryption") return new Failure("encryption_failed", "the server's key log or this device's keys do not fit; see: chat key-log", Exit.untrusted);
  return new Failure(reason, "the server does not want this device back", Exit.refused);
}

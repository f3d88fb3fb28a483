// From what people write to ids, and back.
//
// A name that both a user and a group have is refused: else whoever makes a group, or registers a handle, of a known name
// could have messages sent to themselves.

import { type Chat, type ChatId, type Client, GodwitError, type UserId } from "@godwit/client";
import { Failure } from "./failure.js";
import { oneLine } from "./sanitize.js";

/** How long to wait for the handle of a user who is not known here, milliseconds. */
const kPatience = 3000;

export class Names {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** HANDLE or id:<user id>. */
  async user(word: string): Promise<UserId> {
    const id = /^id:(\d{1,20})$/.exec(word)?.[1];
    if (id !== undefined) return id;
    for (const { peer } of await this.#chats()) {
      if (peer !== undefined && (await this.#client.user(peer)).handle === word.toLowerCase()) return peer;
    }
    return this.#client.lookup(word);
  }

  async users(words: string[]): Promise<UserId[]> {
    const out: UserId[] = [];
    for (const word of words) out.push(await this.user(word));
    return out;
  }

  /** A group's name, group:<name> or its id. */
  async group(word: string): Promise<ChatId> {
    const found = await this.#groups(word.replace(/^group:/, ""));
    if (found.length === 0) throw new Failure("not_found", `no group ${word} is known here`);
    if (found.length > 1) throw new Failure("ambiguous", `${found.length} groups are called ${word}: ${found.map(({ id }) => id).join(" ")}`);
    return found[0]!.id;
  }

  /** CHAT: a user or a group. */
  async chat(word: string): Promise<ChatId> {
    if (word.startsWith("group:") || /^g[0-9a-f]{32}$/.test(word)) return this.group(word);
    if ((await this.#groups(word)).length === 0) return `u${await this.user(word)}`;
    const user = await this.user(word).catch((error: unknown) => {
      if (error instanceof GodwitError && (error.code === "user_not_found" || error.code === "handle_invalid")) return undefined;
      throw error;
    });
    if (user === undefined) return this.group(word);
    throw new Failure("ambiguous", `${word} is a user and a group: write id:${user} or group:${word}`);
  }

  /** CHAT, of those on this device: reading needs no connection. */
  async known(word: string): Promise<ChatId> {
    const found = new Set((await this.#groups(word.replace(/^group:/, ""))).map(({ id }) => id));
    for (const { id, peer } of word.startsWith("group:") ? [] : await this.#chats()) {
      if (peer !== undefined && (word === `id:${peer}` || (await this.#client.user(peer)).handle === word.toLowerCase())) found.add(id);
    }
    const [chat, ...others] = found;
    if (chat === undefined) throw new Failure("not_found", `no chat ${word} on this device`);
    if (others.length > 0) throw new Failure("ambiguous", `${word} is more than one chat: ${[...found].map((id) => id.replace(/^u/, "id:")).join(" ")}`);
    return chat;
  }

  /** The name of a user for people: what the user of this device calls them, else the handle, which nobody else has. */
  async of(id: UserId): Promise<string> {
    if (id === this.#client.account?.userId) return "me";
    const { alias, handle } = await this.#client.user(id);
    return oneLine(alias ?? handle ?? (await this.#asked(id)) ?? `id:${id}`);
  }

  async ofAll(ids: UserId[]): Promise<string> {
    return (await Promise.all(ids.map((id) => this.of(id)))).join(", ");
  }

  /** `user` asks the server in the background; the answer is an event. */
  async #asked(id: UserId): Promise<string | undefined> {
    if (this.#client.state !== "online" && this.#client.state !== "catching_up") return undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        off();
        resolve(this.#client.user(id).then(({ handle }) => handle)); // it may have come before this listened
      }, kPatience);
      const off = this.#client.on("profile", (profile) => {
        if (profile.userId !== id || profile.handle === undefined) return;
        clearTimeout(timer);
        off();
        resolve(profile.handle);
      });
    });
  }

  async #groups(word: string): Promise<Chat[]> {
    return (await this.#chats()).filter(({ kind, id, title }) => kind === "group" && (id === word || title === word));
  }

  async #chats(): Promise<Chat[]> {
    return [...(await this.#client.chats.list()), ...(await this.#client.chats.list({ archived: true }))];
  }
}

// Who users are: handles from the server, names from inside messages, aliases from the user.

import type { Contact, ContactsApi, Profile, UserId } from "../api.js";
import { ask, type Core } from "../core.js";
import { bytesOf, equalBytes, fromHex, toHex } from "../ids.js";
import type { SelfChannel } from "../sync/self.js";
import type { Model } from "./model.js";
import type { ProfileRecord } from "./records.js";

const kMaxHashes = 1000;
const kAskAgain = 60_000;

export class Users implements ContactsApi {
  readonly #core: Core;
  readonly #model: Model;
  readonly #self: SelfChannel;
  readonly #byHandle = new Map<string, UserId>();
  /** Users who were asked for, and until when not again. */
  readonly #asked = new Map<UserId, number>();

  constructor(core: Core, model: Model, self: SelfChannel) {
    this.#core = core;
    this.#model = model;
    this.#self = self;
  }

  async lookup(handle: string): Promise<UserId> {
    const known = this.#byHandle.get(handle);
    if (known !== undefined) return known;
    const user = await ask(this.#core, { case: "lookupUser", value: { handle } }, "user");
    this.#byHandle.set(handle, String(user.userId));
    await this.#learn(String(user.userId), { handle: user.handle });
    return String(user.userId);
  }

  /** What is known, and the handle from the server once, where there is a connection. */
  async profile(id: UserId): Promise<Profile> {
    const known = this.#model.profile(id);
    if (known.handle === undefined) void this.introduce(id).catch(() => {}); // event "profile" follows
    return known;
  }

  /** Asks for the handle of a user of whom it is not known; once at a time, and not again soon after a failure. */
  async introduce(id: UserId): Promise<void> {
    if (this.#model.user(id)?.handle !== undefined || !this.#core.connection.live) return;
    if ((this.#asked.get(id) ?? 0) > Date.now()) return;
    this.#asked.set(id, Date.now() + kAskAgain);
    const user = await ask(this.#core, { case: "lookupUser", value: { userId: BigInt(id) } }, "user");
    await this.#learn(id, { handle: user.handle });
    this.#asked.delete(id);
  }

  #learn(userId: UserId, change: Partial<ProfileRecord>): Promise<void> {
    return this.#core.units.run(async (unit) => {
      const known = this.#model.user(userId) ?? { userId, version: 0 };
      if (known.handle === change.handle && !("alias" in change)) return;
      this.#model.putUser(unit, { ...known, ...change });
    });
  }

  async list(): Promise<Contact[]> {
    const out: Contact[] = [];
    let after = 0n;
    for (;;) {
      const page = await ask(this.#core, { case: "listContacts", value: { after, limit: 1000 } }, "contacts");
      for (const contact of page.contacts) out.push(this.#model.profile(String(contact.userId)));
      after = page.contacts.at(-1)?.userId ?? 0n;
      if (!page.more || page.contacts.length === 0) return out;
    }
  }

  async add(user: UserId, alias?: string): Promise<void> {
    await ask(this.#core, { case: "changeContacts", value: { add: [{ userId: BigInt(user) }] } }, "done");
    if (alias === undefined) return;
    await this.#learn(user, { alias: alias === "" ? undefined : alias, handle: this.#model.user(user)?.handle });
    await this.#self.send({ case: "alias", value: { userId: BigInt(user), name: alias } });
  }

  async remove(user: UserId): Promise<void> {
    await ask(this.#core, { case: "changeContacts", value: { remove: [BigInt(user)] } }, "done");
  }

  async find(handles: string[]): Promise<{ handle: string; user: UserId }[]> {
    const { hashKey } = await ask(this.#core, { case: "findContacts", value: { hashes: [] } }, "foundContacts");
    const key = await crypto.subtle.importKey("raw", bytesOf(hashKey), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const out: { handle: string; user: UserId }[] = [];
    for (let i = 0; i < handles.length; i += kMaxHashes) {
      const byHash = new Map<string, string>();
      for (const handle of handles.slice(i, i + kMaxHashes)) {
        const canonical = handle.toLowerCase();
        const hash = new Uint8Array(await crypto.subtle.sign("HMAC", key, bytesOf(canonical))).subarray(0, 16);
        byHash.set(toHex(hash), handle);
      }
      const reply = await ask(this.#core, { case: "findContacts", value: { hashes: [...byHash.keys()].map(fromHex) } }, "foundContacts");
      if (!equalBytes(reply.hashKey, hashKey)) throw new Error("the server's hash key changed"); // its data directory is another
      for (const { hash, userId } of reply.found) {
        const handle = byHash.get(toHex(hash));
        if (handle !== undefined) out.push({ handle, user: String(userId) });
      }
    }
    return out;
  }
}

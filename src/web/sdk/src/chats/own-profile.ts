// How the user shows themself. Chats learn it inside the next message to them, so the server never does.

import type { Profile } from "../api.js";
import type { Core } from "../core.js";
import { GodwitError } from "../errors.js";
import type { Profile as WireProfile } from "../gen/content_pb.js";
import { fromBase64Url, toBase64Url } from "../ids.js";
import type { Unit } from "../store/units.js";
import { kMaxAvatar, wireProfile } from "./content.js";
import type { Model } from "./model.js";
import type { ProfileRecord } from "./records.js";

export class OwnProfile {
  readonly #core: Core;
  readonly #model: Model;

  constructor(core: Core, model: Model) {
    this.#core = core;
    this.#model = model;
  }

  get(): Profile {
    const { userId, handle } = this.#core.me();
    return { ...this.#model.profile(userId), handle };
  }

  /** Returns what the user's other devices are to be told. */
  async set({ name, avatar }: { name?: string; avatar?: { type: string; data: Uint8Array } }): Promise<WireProfile> {
    if (avatar !== undefined && avatar.data.length > kMaxAvatar) throw new GodwitError("too_large", `a picture has at most ${kMaxAvatar} bytes`);
    if (name !== undefined && name.length > 100) throw new GodwitError("too_large", "a name has at most 100 characters");
    const { userId, handle } = this.#core.me();
    const version = this.#core.connection.now();
    const record = await this.#core.units.run(async (unit) => {
      const known: ProfileRecord = this.#model.user(userId) ?? { userId, version: 0 };
      const changed: ProfileRecord = {
        ...known,
        handle,
        version,
        ...(name === undefined ? {} : { name }),
        ...(avatar === undefined ? {} : { avatar: { type: avatar.type, data: toBase64Url(avatar.data) } }),
      };
      this.#model.putUser(unit, changed);
      return changed;
    });
    return wire(record);
  }

  /** What a chat has not been told yet. */
  async toTell(unit: Unit, chatId: string): Promise<WireProfile | undefined> {
    const own = this.#model.user(this.#core.me().userId);
    const chat = await this.#model.chat(unit, chatId);
    if (own === undefined || own.version <= chat.profileTold) return undefined;
    chat.profileTold = own.version;
    this.#model.putChat(unit, chat);
    return wire(own);
  }
}

function wire({ version, name, avatar }: ProfileRecord): WireProfile {
  return wireProfile({ version, name, avatar: avatar && { type: avatar.type, data: fromBase64Url(avatar.data) } });
}

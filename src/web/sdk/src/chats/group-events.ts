// Keeps settings and members of groups as their changes arrive; asks the server where a change was missed.

import type { ChatId, Content, Role, UserId } from "../api.js";
import { ask, background, type Core } from "../core.js";
import { type ChatEvent, type Envelope, Role as WireRole } from "../gen/godwit_pb.js";
import { chatRef, fromBase64Url, toBase64Url } from "../ids.js";
import type { Unit } from "../store/units.js";
import type { Model } from "./model.js";
import { type ChatRecord, type GroupRecord, keys } from "./records.js";

export function roleOf(role: WireRole, otherwise: Role): Role {
  return role === WireRole.OWNER ? "owner" : role === WireRole.ADMIN ? "admin" : role === WireRole.MEMBER ? "member" : otherwise;
}

export function wireRole(role: Role): WireRole {
  return role === "owner" ? WireRole.OWNER : role === "admin" ? WireRole.ADMIN : WireRole.MEMBER;
}

export class GroupEvents {
  readonly #core: Core;
  readonly #model: Model;
  /** Groups to ask the server about. */
  readonly #stale = new Set<ChatId>();

  constructor(core: Core, model: Model) {
    this.#core = core;
    this.#model = model;
  }

  /** The line that tells the change; undefined when there is nothing to tell. */
  async apply(unit: Unit, chat: ChatRecord, envelope: Envelope): Promise<Content | undefined> {
    const { event } = envelope;
    if (event === undefined || chat.kind !== "group") return undefined;
    const me = this.#core.me().userId;
    const removed = event.removed.map(String);
    const group = (await unit.get<GroupRecord>(keys.group(chat.id))) ?? emptyGroup();
    const before = { ...group.members };
    const version = Number(event.version);
    const complete = event.created || version === group.version + 1;
    if (version > group.version) this.#change(group, chat, event);
    if (!complete && !removed.includes(me)) this.stale(unit, chat.id);
    chat.version = Math.max(chat.version, version);
    if (removed.includes(me)) chat.left = true;
    else if (event.members.some((member) => String(member.userId) === me) && before[me] === undefined) {
      chat.left = false;
      chat.holes = []; // what was said while the user was not in it is not theirs
    }
    if (event.name !== undefined) this.#name(unit, chat, event.name);
    const renamed = event.name !== undefined && group.named === true;
    group.named ||= event.name !== undefined;
    this.#summary(chat, group);
    unit.put(keys.group(chat.id), group);
    this.#model.putChat(unit, chat);
    return line(event, before, String(envelope.from), renamed);
  }

  #change(group: GroupRecord, chat: ChatRecord, event: ChatEvent): void {
    if (event.settings !== undefined) {
      group.mayPost = roleOf(event.settings.mayPost, "member");
      group.mayAdd = roleOf(event.settings.mayAdd, "admin");
      group.mayRename = roleOf(event.settings.mayRename, "admin");
      chat.timerS = event.settings.ttlS;
    }
    for (const user of event.removed) delete group.members[String(user)];
    for (const member of event.members) group.members[String(member.userId)] = roleOf(member.role, "member");
    group.version = Number(event.version);
  }

  #summary(chat: ChatRecord, group: GroupRecord): void {
    chat.memberCount = Object.keys(group.members).length;
    chat.role = group.members[this.#core.me().userId];
  }

  #name(unit: Unit, chat: ChatRecord, sealed: Uint8Array): void {
    chat.sealedName = toBase64Url(sealed);
    this.#model.putChat(unit, chat); // first, so that the name is read of the chat as it is then
    unit.after(() => background(this.#core, this.readName(chat.id)));
  }

  /** Decrypts the name, if its key has come. Tried again whenever a message of the group is stored. */
  async readName(id: ChatId): Promise<void> {
    const sealed = this.#model.peek(id)?.sealedName;
    const { chat: group } = chatRef(id);
    if (sealed === undefined || group === undefined) return;
    const name = sealed === "" ? "" : await this.#core.e2e().decryptName(group, fromBase64Url(sealed));
    if (name === undefined) return;
    await this.#core.units.run(async (unit) => {
      const chat = await this.#model.chat(unit, id);
      if (chat.sealedName !== sealed) return;
      chat.name = name;
      chat.sealedName = undefined;
      this.#model.putChat(unit, chat);
    });
  }

  /** Decrypts the names whose keys have come since they did. */
  async readNames(): Promise<void> {
    for (const { id, sealedName } of this.#model.chats()) {
      if (sealedName !== undefined) await this.readName(id).catch(() => {}); // and again with the next message
    }
  }

  /** Asks the server for the whole of it, once it can be asked. */
  stale(unit: Unit, chat: ChatId): void {
    unit.after(() => {
      this.#stale.add(chat);
      background(this.#core, this.refreshStale());
    });
  }

  async refreshStale(): Promise<void> {
    for (const chat of [...this.#stale]) {
      if (!this.#core.connection.live) return;
      this.#stale.delete(chat);
      try {
        await this.refresh(chat);
      } catch (error) {
        this.#stale.add(chat); // asked again when next caught up
        throw error;
      }
    }
  }

  /** Takes the group from the server. */
  async refresh(id: ChatId): Promise<{ group: GroupRecord; banned: UserId[] }> {
    const { chat: wireId } = chatRef(id);
    const group = emptyGroup();
    let banned: UserId[] = [];
    let after = 0n;
    let name: Uint8Array;
    let ttlS: number;
    for (;;) {
      const page = await ask(this.#core, { case: "getGroup", value: { chat: wireId, after, limit: 1000 } }, "group");
      for (const member of page.members) group.members[String(member.userId)] = roleOf(member.role, "member");
      group.version = Number(page.version);
      group.mayPost = roleOf(page.settings?.mayPost ?? WireRole.NONE, "member");
      group.mayAdd = roleOf(page.settings?.mayAdd ?? WireRole.NONE, "admin");
      group.mayRename = roleOf(page.settings?.mayRename ?? WireRole.NONE, "admin");
      banned = page.banned.map(String);
      name = page.name;
      ttlS = page.settings?.ttlS ?? 0;
      after = page.members.at(-1)?.userId ?? 0n;
      if (!page.more) break;
    }
    group.named = name.length > 0;
    await this.#core.units.run(async (unit) => {
      const chat = await this.#model.chat(unit, id);
      chat.version = Math.max(chat.version, group.version);
      chat.timerS = ttlS;
      this.#name(unit, chat, name);
      this.#summary(chat, group);
      unit.put(keys.group(id), group);
      this.#model.putChat(unit, chat);
    });
    return { group, banned };
  }
}

function emptyGroup(): GroupRecord {
  return { version: 0, mayPost: "member", mayAdd: "admin", mayRename: "admin", members: {} };
}

function line(event: ChatEvent, before: Record<UserId, Role>, from: UserId, renamed: boolean): Content | undefined {
  const added = event.members.filter((member) => before[String(member.userId)] === undefined).map((member) => String(member.userId));
  const roles = event.members
    .filter((member) => before[String(member.userId)] !== undefined)
    .map((member) => ({ user: String(member.userId), role: roleOf(member.role, "member") }));
  const removed = event.removed.map(String);
  const left = removed.length === 1 && removed[0] === from;
  const change = {
    ...(event.created ? { created: true } : {}),
    ...(renamed ? { name: "" } : {}),
    ...(event.settings !== undefined && !event.created ? { settings: true } : {}),
    ...(added.length > 0 ? { added } : {}),
    ...(removed.length > 0 ? { removed } : {}),
    ...(left ? { left } : {}),
    ...(roles.length > 0 ? { roles } : {}),
  };
  return Object.keys(change).length === 0 ? undefined : { kind: "group", change };
}

// Groups: what the application asks for. Who comes in and goes changes the encryption with the same request.

import type { ChatId, Group, GroupSettings, Groups, InviteLink, Role, UserId } from "../api.js";
import { ask, type Core } from "../core.js";
import { GodwitError } from "../errors.js";
import type { GroupChanged, InviteLink as WireLink } from "../gen/godwit_pb.js";
import { chatRef, fromHex, groupChat, toHex, uuid7 } from "../ids.js";
import { type GroupEvents, wireRole } from "./group-events.js";
import type { Model } from "./model.js";
import type { MessageBook } from "./messages.js";
import type { GroupRecord } from "./records.js";

const kMaxAdded = 1000;

export class GroupBook implements Groups {
  readonly #core: Core;
  readonly #model: Model;
  readonly #events: GroupEvents;
  readonly #messages: MessageBook;

  constructor(core: Core, model: Model, events: GroupEvents, messages: MessageBook) {
    this.#core = core;
    this.#model = model;
    this.#events = events;
    this.#messages = messages;
  }

  async create({ name, members, settings }: { name: string; members: UserId[]; settings?: Partial<GroupSettings> }): Promise<{ chat: ChatId; notAdded: UserId[] }> {
    const id = uuid7(this.#core.connection.now());
    const wire = settings === undefined ? undefined : wireSettings({ ...kDefaults, ...settings });
    const made = await ask(this.#core, { case: "createGroup", value: { id, encrypted: true, settings: wire } }, "groupChanged");
    const chat = groupChat(made.chat);
    await this.#events.refresh(chat);
    await this.#core.e2e().createGroup(made.chat);
    await this.rename(chat, name);
    const { notAdded } = members.length === 0 ? { notAdded: [] } : await this.add(chat, members);
    return { chat, notAdded };
  }

  async get(chat: ChatId): Promise<Group> {
    const { group, banned } = await this.#events.refresh(chat);
    await this.#events.readName(chat);
    const { mayPost, mayAdd, mayRename, members } = group;
    return {
      chat,
      name: this.#model.peek(chat)?.name ?? "",
      settings: { mayPost, mayAdd, mayRename, timerS: this.#model.peek(chat)?.timerS ?? 0 },
      members: Object.entries(members).map(([user, role]) => ({ user, role })),
      banned,
    };
  }

  async rename(chat: ChatId, name: string): Promise<void> {
    const { chat: id } = group(chat);
    await this.#core.e2e().ready({ chat: id });
    await this.#change(chat, { name: await this.#core.e2e().encryptName(id, name) });
    await this.#core.units.run(async (unit) => {
      const known = await this.#model.chat(unit, chat);
      known.name = name;
      known.sealedName = undefined;
      this.#model.putChat(unit, known);
    });
  }

  async setSettings(chat: ChatId, settings: Partial<GroupSettings>): Promise<void> {
    const present = (await this.get(chat)).settings;
    await this.#change(chat, { settings: wireSettings({ ...present, ...settings }) });
  }

  async add(chat: ChatId, users: UserId[]): Promise<{ notAdded: UserId[] }> {
    const notAdded: UserId[] = [];
    for (let i = 0; i < users.length; i += kMaxAdded) {
      const reply = await this.#core.e2e().changeMembers(group(chat).chat, { add: users.slice(i, i + kMaxAdded).map(BigInt) });
      notAdded.push(...reply.notAdded.map(String));
    }
    // Who comes in cannot decrypt what was said before, so the name is said once more.
    const name = this.#model.peek(chat)?.name;
    if (name !== undefined) await this.#messages.write(chat, { case: "groupName", value: name }, {}, async () => {});
    return { notAdded };
  }

  async remove(chat: ChatId, users: UserId[], { ban = false }: { ban?: boolean } = {}): Promise<void> {
    await this.#core.e2e().changeMembers(group(chat).chat, ban ? { ban: users.map(BigInt) } : { remove: users.map(BigInt) });
  }

  async unban(chat: ChatId, users: UserId[]): Promise<void> {
    await this.#change(chat, { unban: users.map(BigInt) });
  }

  async setRole(chat: ChatId, user: UserId, role: Role): Promise<void> {
    await this.#change(chat, { roles: [{ userId: BigInt(user), role: wireRole(role) }] });
  }

  /** Needs no commit: the others take the user's devices out with their next one. */
  async leave(chat: ChatId): Promise<void> {
    await this.#change(chat, { remove: [BigInt(this.#core.me().userId)] });
    await this.#core.units.run(async (unit) => {
      const known = await this.#model.chat(unit, chat);
      known.left = true;
      this.#model.putChat(unit, known);
    });
  }

  async makeInviteLink(chat: ChatId, { expiresS, maxUses, approve }: { expiresS?: number; maxUses?: number; approve?: boolean } = {}): Promise<InviteLink> {
    const made = await ask(this.#core, { case: "makeInviteLink", value: { ...group(chat), expiresS, maxUses, approve } }, "inviteLink");
    // With a part that the server does not know, so that it cannot let anybody in by itself.
    const link = await this.#core.e2e().extendLink(group(chat).chat, made.link, made.linkId);
    return { ...showLink(made), link };
  }

  async inviteLinks(chat: ChatId): Promise<InviteLink[]> {
    return (await ask(this.#core, { case: "listInviteLinks", value: group(chat) }, "inviteLinks")).links.map(showLink);
  }

  async revokeInviteLink(chat: ChatId, id: string): Promise<void> {
    await ask(this.#core, { case: "revokeInviteLink", value: { ...group(chat), linkId: fromHex(id) } }, "done");
  }

  async join(link: string): Promise<{ chat: ChatId; waiting: boolean }> {
    const reply = await this.#core.e2e().joinGroup(link);
    const chat = groupChat(reply.chat);
    if (reply.chatSeq === 0n) return { chat, waiting: true };
    await this.#events.refresh(chat);
    return { chat, waiting: false };
  }

  async joinRequests(chat: ChatId): Promise<UserId[]> {
    return (await ask(this.#core, { case: "listJoinRequests", value: group(chat) }, "joinRequests")).users.map(String);
  }

  async answerJoin(chat: ChatId, user: UserId, accept: boolean): Promise<void> {
    await this.#core.e2e().answerJoin(group(chat).chat, BigInt(user), accept);
    const name = this.#model.peek(chat)?.name;
    if (accept && name !== undefined) await this.#messages.write(chat, { case: "groupName", value: name }, {}, async () => {});
  }

  /** A change without a commit. The members learn of it by the inbox, this device too. */
  #change(chat: ChatId, change: Omit<Extract<Parameters<typeof ask>[1], { case: "changeGroup" }>["value"], "id" | "chat" | "$typeName" | "$unknown">): Promise<GroupChanged> {
    return ask(this.#core, { case: "changeGroup", value: { id: uuid7(this.#core.connection.now()), ...group(chat), ...change } }, "groupChanged");
  }
}

const kDefaults: GroupSettings = { mayPost: "member", mayAdd: "admin", mayRename: "admin", timerS: 0 };

function wireSettings({ mayPost, mayAdd, mayRename, timerS }: GroupSettings) {
  return { mayPost: wireRole(mayPost), mayAdd: wireRole(mayAdd), mayRename: wireRole(mayRename), ttlS: timerS };
}

function group(id: ChatId): { chat: Uint8Array } {
  const { chat } = chatRef(id);
  if (chat === undefined) throw new GodwitError("invalid_argument", "not a group");
  return { chat };
}

function showLink({ linkId, link, expiresMs, usesLeft, approve, madeBy }: WireLink): InviteLink {
  return { id: toHex(linkId), ...(link === "" ? {} : { link }), expiresAt: Number(expiresMs), usesLeft, approve, madeBy: String(madeBy) };
}

export type { GroupRecord };

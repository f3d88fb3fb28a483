// Groups.

import type { Role } from "@godwit/client";
import { type Command, count } from "../command.js";
import type { Context } from "../context.js";
import { parseDuration, showDuration } from "../duration.js";
import { usage } from "../failure.js";
import { time } from "../format.js";
import type { Names } from "../names.js";
import { oneLine } from "../sanitize.js";

/** Connected, with the group and the users that are named. */
async function group(context: Context, [word, ...handles]: string[]) {
  const client = await context.online();
  const names = context.names(client);
  const chat = await names.group(word!);
  return { client, names, chat, users: await names.users(handles) };
}

async function notAdded(context: Context, names: Names, users: string[]): Promise<void> {
  if (users.length > 0) context.out.note(`not added, as they do not want to be: ${await names.ofAll(users)}`);
}

const create: Command = {
  name: "group create",
  args: "NAME [HANDLE...]",
  help: "make a group",
  async run(context, [name, ...handles]) {
    const client = await context.online();
    const names = context.names(client);
    const made = await client.groups.create({ name: name!, members: await names.users(handles) });
    await notAdded(context, names, made.notAdded);
    context.out.result(`made ${name}`, { type: "group", name, ...made });
  },
};

const show: Command = {
  name: "group show",
  args: "GROUP",
  help: "settings, members, and who waits to be let in",
  async run(context, args) {
    const { client, names, chat } = await group(context, args);
    const { name, settings, members, banned } = await client.groups.get(chat);
    const mine = members.find(({ user }) => user === client.account!.userId)?.role ?? "member";
    const waiting = mine === "member" ? [] : await client.groups.joinRequests(chat);
    const lines = [`${oneLine(name)}, timer ${showDuration(settings.timerS)}, ${settings.mayPost}s write, ${settings.mayAdd}s add, ${settings.mayRename}s rename`];
    for (const { user, role } of members) lines.push(`  ${await names.of(user)}${role === "member" ? "" : ` (${role})`}`);
    for (const user of waiting) lines.push(`  ${await names.of(user)} (waits)`);
    context.out.result(lines.join("\n"), { type: "group", chat, name, settings, members, banned, waiting });
  },
};

const add: Command = {
  name: "group add",
  args: "GROUP HANDLE...",
  help: "add members",
  async run(context, args) {
    const { client, names, chat, users } = await group(context, args);
    const outcome = await client.groups.add(chat, users);
    await notAdded(context, names, outcome.notAdded);
    context.out.result(`added ${users.length - outcome.notAdded.length}`, { type: "added", chat, users, ...outcome });
  },
};

const remove: Command = {
  name: "group remove",
  args: "GROUP HANDLE...",
  help: "remove members",
  options: { ban: { type: "boolean", help: "they may not come back" } },
  async run(context, args, options) {
    const { client, chat, users } = await group(context, args);
    await client.groups.remove(chat, users, { ban: options.ban === true });
    context.out.result(`removed ${users.length}`, { type: "removed_members", chat, users });
  },
};

const role: Command = {
  name: "group role",
  args: "GROUP HANDLE ROLE",
  help: "make somebody member, admin or owner (hands the group over)",
  async run(context, [word, handle, wanted]) {
    if (!["member", "admin", "owner"].includes(wanted!)) throw usage("a role is member, admin or owner");
    const { client, chat, users } = await group(context, [word!, handle!]);
    await client.groups.setRole(chat, users[0]!, wanted as Role);
    context.out.result(`${handle} is ${wanted}`, { type: "role", chat, user: users[0], role: wanted });
  },
};

const rename: Command = {
  name: "group rename",
  args: "GROUP NAME",
  help: "give a group another name",
  async run(context, [word, name]) {
    const { client, chat } = await group(context, [word!]);
    await client.groups.rename(chat, name!);
    context.out.result(`renamed to ${name}`, { type: "renamed", chat, name });
  },
};

const leave: Command = {
  name: "group leave",
  args: "GROUP",
  help: "leave a group",
  async run(context, args) {
    const { client, chat } = await group(context, args);
    await client.groups.leave(chat);
    context.out.result("left", { type: "left", chat });
  },
};

const link: Command = {
  name: "group link",
  args: "GROUP",
  help: "make a link by which others join",
  options: {
    expires: { type: "string", help: "how long it is good: 2h, 1d, 1w" },
    uses: { type: "string", help: "how many may use it" },
    approve: { type: "boolean", help: "who comes by it waits until an admin accepts" },
  },
  async run(context, args, options) {
    const expiresS = options.expires === undefined ? undefined : parseDuration(options.expires as string);
    const maxUses = options.uses === undefined ? undefined : count(options.uses, 1);
    if (Number.isNaN(maxUses)) throw usage("--uses takes a number");
    const { client, chat } = await group(context, args);
    const made = await client.groups.makeInviteLink(chat, { expiresS, maxUses, approve: options.approve === true });
    context.out.result(made.link!, { type: "link", chat, ...made });
  },
};

const links: Command = {
  name: "group links",
  args: "GROUP",
  help: "list the links of a group",
  async run(context, args) {
    const { client, names, chat } = await group(context, args);
    for (const made of await client.groups.inviteLinks(chat)) {
      const uses = made.usesLeft === undefined ? "" : `, ${made.usesLeft} uses left`;
      context.out.result(`${made.id} by ${await names.of(made.madeBy)}, until ${time(made.expiresAt)}${uses}${made.approve ? ", with approval" : ""}`, { type: "link", chat, ...made });
    }
  },
};

const unlink: Command = {
  name: "group unlink",
  args: "GROUP LINK-ID",
  help: "revoke a link",
  async run(context, [word, id]) {
    const { client, chat } = await group(context, [word!]);
    await client.groups.revokeInviteLink(chat, id!);
    context.out.result("revoked", { type: "unlinked", chat, id });
  },
};

const join: Command = {
  name: "group join",
  args: "LINK",
  help: "join a group by a link",
  async run(context, [text]) {
    const client = await context.online();
    const joined = await client.groups.join(text!);
    context.out.result(joined.waiting ? "an admin must accept first" : "joined", { type: "joined", ...joined });
  },
};

function answer(name: string, accept: boolean, help: string): Command {
  return {
    name: `group ${name}`,
    args: "GROUP HANDLE",
    help,
    async run(context, args) {
      const { client, chat, users } = await group(context, args);
      await client.groups.answerJoin(chat, users[0]!, accept);
      context.out.result(accept ? "let in" : "turned away", { type: "answered", chat, user: users[0], accept });
    },
  };
}

export const groupCommands = [
  create, show, add, remove, role, rename, leave, link, links, unlink, join,
  answer("accept", true, "let somebody in who waits"),
  answer("decline", false, "turn somebody away who waits"),
];

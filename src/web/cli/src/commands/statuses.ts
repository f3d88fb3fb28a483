// Statuses, which contacts see for a day, and contacts.

import type { StatusPost } from "@godwit/client";
import type { Command } from "../command.js";
import { Failure, usage } from "../failure.js";
import { time } from "../format.js";

const post: Command = {
  name: "status post",
  args: "TEXT...",
  help: "post a status; contacts see it for 24 hours",
  options: {
    only: { type: "string", help: "only these handles see it, with commas between" },
    except: { type: "string", help: "all contacts but these" },
  },
  async run(context, words, options) {
    if (options.only !== undefined && options.except !== undefined) throw usage("either --only or --except");
    const client = await context.online();
    const users = await context.names(client).users(((options.only ?? options.except ?? "") as string).split(",").filter((word) => word !== ""));
    const audience = options.only !== undefined ? { only: users } : options.except !== undefined ? { except: users } : undefined;
    const { id, expiresAt } = await client.statuses.post({ text: words.join(" ") }, audience);
    context.out.result(`posted, until ${time(expiresAt)}`, { type: "status", id, expiresAt });
  },
};

const list: Command = {
  name: "status list",
  args: "",
  help: "list the statuses of contacts, and one's own with who has seen them",
  async run(context) {
    const client = await context.online();
    const names = context.names(client);
    for (const status of await client.statuses.list()) {
      const from = await names.of(status.author);
      context.out.result(`${from}, ${time(status.at)}${status.seen ? "" : ", new"}`, { type: "status", ...status, from });
    }
    for (const status of await client.statuses.own()) {
      const seen = await client.statuses.views(status.id);
      const by = seen.length > 0 ? `, seen by ${await names.ofAll(seen.map(({ user }) => user))}` : "";
      context.out.result(`me, ${time(status.at)}${by}`, { type: "own_status", ...status, seenBy: seen });
    }
  },
};

const view: Command = {
  name: "status view",
  args: "HANDLE",
  help: "show the statuses of somebody; they learn that they were seen",
  async run(context, [handle]) {
    const client = await context.online();
    const author = await context.names(client).user(handle!);
    const mine = author === client.account!.userId;
    const all: StatusPost[] = mine ? await client.statuses.own() : await client.statuses.list({ withMuted: true });
    const posts = all.filter((status) => status.author === author).sort((a, b) => a.at - b.at);
    if (posts.length === 0) throw new Failure("status_not_found", `${handle} has no status that you may see`);
    for (const { id, at } of posts) {
      const { text } = await client.statuses.open(author, id);
      context.out.result(`${time(at)} ${text}`, { type: "status", author, id, at, text });
      if (!mine) await client.statuses.markSeen(author, id);
    }
  },
};

const contactList: Command = {
  name: "contacts list",
  args: "",
  help: "list the account's contacts",
  async run(context) {
    const client = await context.online();
    const names = context.names(client);
    for (const { userId } of await client.contacts.list()) {
      const name = await names.of(userId);
      context.out.result(name, { type: "contact", userId, name });
    }
  },
};

const contactAdd: Command = {
  name: "contacts add",
  args: "HANDLE [ALIAS]",
  help: "add a contact: they see statuses; the server does not see the alias",
  async run(context, [handle, alias]) {
    const client = await context.online();
    const user = await context.names(client).user(handle!);
    await client.contacts.add(user, alias);
    context.out.result("added", { type: "contact_added", user });
  },
};

const contactRemove: Command = {
  name: "contacts remove",
  args: "HANDLE",
  help: "remove a contact",
  async run(context, [handle]) {
    const client = await context.online();
    const user = await context.names(client).user(handle!);
    await client.contacts.remove(user);
    context.out.result("removed", { type: "contact_removed", user });
  },
};

export const statusCommands = [post, list, view, contactList, contactAdd, contactRemove];

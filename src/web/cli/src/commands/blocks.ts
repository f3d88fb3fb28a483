// Whom the user wants to hear.

import type { Command } from "../command.js";

function block(name: string, blocked: boolean, help: string): Command {
  return {
    name,
    args: "HANDLE",
    help,
    async run(context, [handle]) {
      const client = await context.online();
      const user = await context.names(client).user(handle!);
      await client.chats.block(user, blocked);
      context.out.result(blocked ? "blocked" : "unblocked", { type: name, user });
    },
  };
}

function answer(name: string, accept: boolean, help: string): Command {
  return {
    name,
    args: "HANDLE",
    help,
    async run(context, [handle]) {
      const client = await context.online();
      const user = await context.names(client).user(handle!);
      await client.chats.answerRequest(`u${user}`, accept);
      context.out.result(accept ? "accepted" : "declined and blocked", { type: name, user });
    },
  };
}

export const blockCommands = [
  block("block", true, "hear nothing more of somebody; they are not told"),
  block("unblock", false, "hear somebody again"),
  answer("accept", true, "let a stranger write who has asked"),
  answer("decline", false, "block a stranger who has asked, and drop what came"),
];

// Everything that comes, for watching and for scripts.

import type { Client, Message } from "@godwit/client";
import type { Command } from "../command.js";
import { type Context, stopped } from "../context.js";
import { json, line, securityText } from "../format.js";
import { oneLine } from "../sanitize.js";

const kMaxPage = 1000;
/** So many messages are remembered as they were printed, so that only what differs is told as a change. */
const kRemembered = 1000;

/** Messages that came and were not read, of all chats: oldest first in each. */
async function* unread(client: Client): AsyncGenerator<Message> {
  for (const chat of await client.chats.list()) {
    if (chat.unread === 0) continue;
    const { messages } = await client.messages.page(chat.id, { limit: kMaxPage });
    yield* messages.filter(({ own, content }) => !own && content.kind !== "security").slice(-chat.unread);
  }
}

const listen: Command = {
  name: "listen",
  args: "",
  help: "print what has not been read, then what comes, until it is ended",
  options: {
    read: { type: "boolean", help: "mark as read what was printed; without it, it is printed again next time" },
    once: { type: "boolean", help: "end when everything has come that the server holds" },
  },
  async run(context, _args, options) {
    const client = await context.client();
    const names = context.names(client);
    // One after another, in the order in which they came.
    let last: Promise<void> = Promise.resolve();
    const inTurn = (work: () => Promise<void>) => (last = last.then(work).catch((error: Error) => context.out.note(`! ${error.message}`)));
    const printed = new Map<string, string>();
    const print = (message: Message, type?: string) =>
      inTurn(async () => {
        const title = oneLine((await client.chats.get(message.chat))?.title ?? "");
        const text = await line(message, names);
        if (printed.get(message.id) === text) return;
        if (printed.size >= kRemembered) printed.delete(printed.keys().next().value!);
        printed.set(message.id, text);
        const place = message.chat.startsWith("g") ? `[${title || "group"}] ` : "";
        context.out.result(`${place}${text}`, await json(message, title, names, type));
        if (options.read === true && type === undefined) await client.chats.markRead(message.chat, message.id);
      });

    for await (const message of unread(client)) await print(message);
    client.on("message", (message) => void print(message));
    if (context.out.json) {
      client.on("messageChanged", (message) => void print(message, "changed"));
      client.on("messageRemoved", ({ chat, id }) => void inTurn(async () => context.out.result("", { type: "removed", chat, id })));
    }
    client.on("security", (event) => {
      if (context.out.json) void inTurn(async () => context.out.result(securityText(event, ""), { type: "security", ...event }));
    });
    client.on("gap", (gap) => context.out.note(`! ${gap.to - gap.from + 1} entries were lost before they came here`));
    client.connect();
    await (options.once === true ? context.untilOnline(client) : untilEnded(context, client));
    await last;
  },
};

/** Until the user ends it, or the server will not have this device any more. */
function untilEnded(context: Context, client: Client): Promise<void> {
  return new Promise((resolve, reject) => {
    context.interrupted.addEventListener("abort", () => resolve());
    if (context.interrupted.aborted) resolve();
    client.on("connection", ({ state, reason }) => {
      if (state === "stopped") reject(stopped(reason));
    });
  });
}

export const listenCommands = [listen];

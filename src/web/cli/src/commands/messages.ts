// Messages: sent, listed, found.

import type { Client, Message } from "@godwit/client";
import { type Command, count } from "../command.js";
import type { Context } from "../context.js";
import { parseDuration } from "../duration.js";
import { Exit, Failure, usage } from "../failure.js";
import { json, line, time } from "../format.js";
import { oneLine } from "../sanitize.js";

/** More than the longest text. */
const kMaxStdin = 64 * 1024;
const kMaxPage = 1000;

async function stdin(): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of process.stdin) {
    parts.push(part as Buffer);
    size += (part as Buffer).length;
    if (size > kMaxStdin) throw new Failure("too_large", "the text is too long");
  }
  return Buffer.concat(parts).toString("utf8").replace(/\n$/, "");
}

/** Waits until the server has the message. It is stored here by now, and goes out later if not now. */
async function untilSent(context: Context, client: Client, message: Message): Promise<Message> {
  const present = await client.messages.get(message.chat, message.id);
  const done =
    present !== undefined && present.state !== "waiting"
      ? present
      : await context.heard(client, "messageChanged", ({ id, state }) => id === message.id && state !== "waiting");
  if (done === undefined) throw new Failure("disconnected", "no connection: the message is stored, and goes out with the next send, chat or listen", Exit.disconnected);
  if (done.error !== undefined) throw new Failure(done.error.code, done.error.message, Exit.refused);
  return done;
}

const send: Command = {
  name: "send",
  args: "CHAT TEXT...",
  help: 'send a message; "-" takes the text from stdin',
  options: {
    reply: { type: "string", help: "the id of the message that it answers" },
    timer: { type: "string", help: "how long it lives: 30s, 5m, 2h, 1d, 1w" },
  },
  async run(context, [word, ...words], options) {
    const ttlS = options.timer === undefined ? undefined : parseDuration(options.timer as string);
    const text = words.length === 1 && words[0] === "-" ? await stdin() : words.join(" ");
    if (text === "") throw usage("there is no text");
    const client = await context.client();
    client.connect();
    await context.onlineIfPossible(client);
    const chat = await context.names(client).chat(word!);
    const sent = await untilSent(context, client, await client.messages.send(chat, { text, ttlS, replyTo: options.reply as string }));
    context.out.result(`sent ${sent.id}`, { type: "sent", chat, id: sent.id, at: sent.at });
  },
};

const list: Command = {
  name: "list",
  args: "",
  help: "list the chats on this device",
  options: { archived: { type: "boolean", help: "the archived ones" } },
  async run(context, _args, options) {
    const client = await context.client();
    for (const chat of await client.chats.list({ archived: options.archived === true })) {
      const { id, kind, title, unread, lastAt, preview } = chat;
      const marks = [unread > 0 ? `${unread} new` : "", chat.request ? "request" : "", chat.blocked ? "blocked" : "", chat.left ? "left" : ""].filter((mark) => mark !== "");
      const text = [lastAt > 0 ? time(lastAt) : "", oneLine(title), marks.length > 0 ? `(${marks.join(", ")})` : "", oneLine(preview?.text ?? "")];
      context.out.result(text.filter((part) => part !== "").join("  "), {
        type: "chat", chat: id, kind, title, unread, lastAt, request: chat.request, blocked: chat.blocked, left: chat.left, preview: preview?.text,
      });
    }
  },
};

const history: Command = {
  name: "history",
  args: "CHAT",
  help: "show the last messages of a chat",
  options: {
    limit: { type: "string", help: "how many, at most 1000 [20]" },
    before: { type: "string", help: "only those before the message with this id" },
  },
  async run(context, [word], options) {
    const limit = count(options.limit, 20);
    if (!(limit <= kMaxPage)) throw usage("--limit takes 1 to 1000");
    const client = await context.client();
    const chat = await context.names(client).known(word!);
    const { messages } = await client.messages.page(chat, { limit, before: options.before as string });
    await show(context, client, messages);
  },
};

const search: Command = {
  name: "search",
  args: "WORDS...",
  help: "find messages on this device by words or beginnings of words",
  options: { chat: { type: "string", help: "only in this chat" }, limit: { type: "string", help: "at most so many [20]" } },
  async run(context, words, options) {
    const limit = count(options.limit, 20);
    if (!(limit <= kMaxPage)) throw usage("--limit takes 1 to 1000");
    const client = await context.client();
    const chat = options.chat === undefined ? undefined : await context.names(client).known(options.chat as string);
    const found = await client.messages.search(words.join(" "), { chat, limit, signal: context.interrupted });
    await show(context, client, found.map(({ message }) => message));
  },
};

async function show(context: Context, client: Client, messages: Message[]): Promise<void> {
  const names = context.names(client);
  for (const message of messages) {
    const title = oneLine((await client.chats.get(message.chat))?.title ?? "");
    context.out.result(await line(message, names), await json(message, title, names));
  }
}

export const messageCommands = [send, list, history, search];

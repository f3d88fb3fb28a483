// What can be typed in a chat besides messages.

import type { Client } from "@godwit/client";
import { parseDuration, showDuration } from "../duration.js";
import { usage } from "../failure.js";
import { line } from "../format.js";
import type { Names } from "../names.js";
import type { Terminal } from "./terminal.js";
import type { ChatView } from "./view.js";

export interface Session {
  client: Client;
  chat: string;
  names: Names;
  view: ChatView;
  terminal: Terminal;
}

interface Slash {
  args: string;
  help: string;
  run(session: Session, rest: string): Promise<void>;
}

const kPage = 20;

/** "3 text" as number and text. */
function numbered(rest: string, what: string): [string, string] {
  const match = /^(\S+)\s+(.+)$/s.exec(rest);
  if (match === null) throw usage(`it takes the number of a message and ${what}`);
  return [match[1]!, match[2]!];
}

function peerOf({ chat }: Session): string {
  if (!chat.startsWith("u")) throw usage("only in a chat with one user");
  return chat.slice(1);
}

export const slashes: Record<string, Slash> = {
  reply: {
    args: "N TEXT",
    help: "answer message N",
    async run({ client, chat, view }, rest) {
      const [number, text] = numbered(rest, "a text");
      await client.messages.send(chat, { text, replyTo: view.id(number) });
    },
  },
  react: {
    args: "N [EMOJI]",
    help: "react to message N; without an emoji, take it back",
    async run({ client, chat, view }, rest) {
      const [number, emoji = ""] = rest.split(/\s+/);
      await client.messages.react(chat, view.id(number), emoji);
    },
  },
  edit: {
    args: "N TEXT",
    help: "change your message N",
    async run({ client, chat, view }, rest) {
      const [number, text] = numbered(rest, "a text");
      await client.messages.edit(chat, view.id(number), text);
    },
  },
  delete: {
    args: "N",
    help: "remove message N for everyone",
    run: ({ client, chat, view }, rest) => client.messages.remove(chat, view.id(rest), true),
  },
  hide: {
    args: "N",
    help: "remove message N from your own devices",
    run: ({ client, chat, view }, rest) => client.messages.remove(chat, view.id(rest), false),
  },
  retry: {
    args: "N",
    help: "send your message N again, which failed",
    run: ({ client, chat, view }, rest) => client.messages.retry(chat, view.id(rest)),
  },
  timer: {
    args: "[TIME]",
    help: "how long new messages live: 30s, 5m, 2h, 1d, 1w, off",
    async run({ client, chat, terminal }, rest) {
      if (rest !== "") await client.chats.setTimer(chat, parseDuration(rest));
      else terminal.print(`    the timer is ${showDuration((await client.chats.get(chat))?.timerS ?? 0)}`);
    },
  },
  more: {
    args: "",
    help: "show older messages",
    async run({ view, terminal }) {
      if (!(await view.older(kPage))) terminal.print("    there are no older ones here");
    },
  },
  search: {
    args: "WORDS",
    help: "find messages of this chat",
    async run({ client, chat, names, terminal }, rest) {
      const found = await client.messages.search(rest, { chat, limit: kPage });
      for (const { message } of found.reverse()) terminal.print(`    ${await line(message, names)}`);
      if (found.length === 0) terminal.print("    nothing found");
    },
  },
  who: {
    args: "",
    help: "who is in the chat",
    async run({ client, chat, names, terminal }) {
      if (chat.startsWith("u")) return terminal.print(`    ${await names.of(chat.slice(1))}`);
      const { members } = await client.groups.get(chat);
      for (const { user, role } of members) terminal.print(`    ${await names.of(user)}${role === "member" ? "" : ` (${role})`}`);
    },
  },
  safety: {
    args: "",
    help: "the safety number with the other side",
    async run(session) {
      const { digits, verified } = await session.client.safety.number(peerOf(session));
      session.terminal.print(`    ${digits.match(/\d{5}/g)?.join(" ")} (${verified ? "verified" : "not verified"})`);
    },
  },
  accept: {
    args: "",
    help: "let the stranger write",
    run: ({ client, chat }) => client.chats.answerRequest(chat, true),
  },
  block: {
    args: "",
    help: "hear nothing more of the other side",
    run: (session) => session.client.chats.block(peerOf(session), true),
  },
  approve: {
    args: "TEXT",
    help: "let a new device into your account",
    async run({ client, terminal }, rest) {
      terminal.print(`    approved: device ${(await client.devices.approve(rest)).deviceId}`);
    },
  },
  help: {
    args: "",
    help: "this list; /quit or Ctrl-D ends the chat",
    async run({ terminal }) {
      for (const [name, { args, help }] of Object.entries(slashes)) terminal.print(`    ${`/${name} ${args}`.padEnd(20)} ${help}`);
    },
  },
};

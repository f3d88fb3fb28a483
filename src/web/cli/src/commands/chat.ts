// A conversation on the terminal. With input that is no terminal, every line is sent, and the end waits until all are.

import type { Client } from "@godwit/client";
import { type Session, slashes } from "../chat/slash.js";
import { Terminal } from "../chat/terminal.js";
import { ChatView } from "../chat/view.js";
import { type Command, count } from "../command.js";
import { stopped } from "../context.js";
import { asFailure, Exit, Failure, usage } from "../failure.js";
import { oneLine } from "../sanitize.js";

const chat: Command = {
  name: "chat",
  args: "CHAT",
  help: "talk: shows what comes, sends what is typed; /help lists more",
  options: { limit: { type: "string", help: "how many earlier messages to show [20]" } },
  async run(context, [word], options) {
    const limit = count(options.limit, 20);
    if (!(limit <= 1000)) throw usage("--limit takes 1 to 1000");
    if (context.out.json) throw usage("chat is for people: scripts take send and listen");
    const client = await context.client();
    client.connect();
    const names = context.names(client);
    const id = await names.chat(word!);
    const terminal = new Terminal(() => client.chats.typing(id));
    const view = new ChatView(client, id, names, terminal);
    const session = { client, chat: id, names, view, terminal };
    context.interrupted.addEventListener("abort", () => terminal.close());
    let refusal: Failure | undefined;
    client.on("connection", ({ state, reason }) => {
      if (state !== "stopped") return;
      refusal = stopped(reason);
      terminal.close();
    });
    await describe(session);
    await view.start(limit);
    if (!terminal.isTty) await context.onlineIfPossible(client);
    for await (const line of terminal.read()) {
      if (line === "/quit") break;
      await handle(session, line).catch((error: unknown) => terminal.print(`! ${asFailure(error).message}`));
    }
    terminal.close();
    const sent = refusal === undefined && (await context.settled(client));
    await view.drained();
    view.stop();
    if (refusal !== undefined) throw refusal;
    if (!sent) throw new Failure("disconnected", "not everything is sent yet: it is stored, and goes out next time", Exit.disconnected);
  },
};

async function handle(session: Session, text: string): Promise<void> {
  const match = /^\/(\w+)\s*(.*)$/s.exec(text);
  if (match === null) {
    if (text.trim() !== "") await session.client.messages.send(session.chat, { text });
    return;
  }
  const slash = Object.hasOwn(slashes, match[1]!) ? slashes[match[1]!] : undefined;
  if (slash === undefined) throw usage(`there is no /${match[1]}: /help lists what there is`);
  await slash.run(session, match[2]!.trim());
}

/** The prompt tells of the other side and of the connection; calls are for clients that have sound. */
async function describe({ client, chat: id, names, terminal }: Session): Promise<void> {
  const peer = id.startsWith("u") ? id.slice(1) : undefined;
  const title = peer === undefined ? oneLine((await client.chats.get(id))?.title ?? "") : await names.of(peer);
  const typing = new Set<string>();
  let presence = "";
  const draw = () => {
    const state = typing.size > 0 ? `${[...typing].join(", ")} typing` : client.state === "online" ? presence : client.state.replace("_", " ");
    terminal.prompt(`${title}${state === "" ? "" : ` (${state})`}> `);
  };
  draw();
  client.on("connection", draw);
  client.on("typing", ({ chat: where, user, state }) => {
    if (where !== id) return;
    void names.of(user).then((name) => {
      if (state === "stopped") typing.delete(name);
      else typing.add(name);
      draw();
    });
  });
  client.on("presence", ({ user, state }) => {
    if (user !== peer) return;
    presence = state === "hidden" ? "" : state;
    draw();
  });
  if (peer !== undefined) client.presence.watch([peer]);
  client.on("call", (call) => void tellCall(call, client, terminal));
}

async function tellCall(call: { chat: string; video: boolean }, client: Client, terminal: Terminal): Promise<void> {
  const title = oneLine((await client.chats.get(call.chat))?.title ?? call.chat);
  terminal.print(`    (${call.video ? "video call" : "call"} in ${title}: answer it on another device)`);
}

export const chatCommands = [chat];

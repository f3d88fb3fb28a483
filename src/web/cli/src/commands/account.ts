// Accounts: made, linked, taken along, deleted.

import { open } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import { hostname } from "node:os";
import { renderUnicodeCompact } from "uqr";
import type { Command } from "../command.js";
import type { Context } from "../context.js";
import { interrupted, usage } from "../failure.js";
import { isPlain } from "../profile.js";

const name = { type: "string", help: "what the account's other devices see [the host's name]" } as const;

/** The end of a registration: connected, keys published, server remembered. */
async function settle(context: Context, client: Awaited<ReturnType<Context["newcomer"]>>): Promise<void> {
  context.profile.settle();
  if (isPlain(context.profile.server)) context.out.note("Without TLS (wss://) others on the network can see who writes to whom.");
  await context.untilOnline(client);
}

/** Asks on the terminal; never in scripts. */
export async function ask(question: string, instead: string): Promise<string> {
  if (!process.stdin.isTTY) throw usage(`there is nobody to ask: give ${instead}`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(question)).trim();
  } finally {
    terminal.close();
  }
}

const register: Command = {
  name: "register",
  args: "HANDLE",
  help: "make an account with this device",
  options: {
    name,
    invite: { type: "string", help: "where the server wants an invite" },
    code: { type: "string", help: "the code that was sent, where the server verifies handles" },
  },
  async run(context, [handle], options) {
    const client = await context.newcomer();
    let code = options.code as string | undefined;
    if (code === undefined && (await client.registrationMode()) === "verified") {
      await client.requestCode(handle!);
      code = await ask(`Code that was sent to ${handle}: `, "--code");
    }
    const account = await client.register({ handle: handle!, deviceName: (options.name as string) ?? hostname(), invite: options.invite as string, code });
    await settle(context, client);
    context.out.result(`registered ${account.handle}`, { type: "registered", ...account });
  },
};

const link: Command = {
  name: "link",
  args: "",
  help: "make this a device of an account that exists: another device of it approves",
  options: { name },
  async run(context, _args, options) {
    const client = await context.newcomer();
    const offer = await client.linkThisDevice({ deviceName: (options.name as string) ?? hostname() });
    const stop = () => offer.cancel();
    context.interrupted.addEventListener("abort", stop);
    if (!context.out.json) context.out.note(`${renderUnicodeCompact(offer.text)}\nScan it with a device of the account, or there: chat approve TEXT`);
    context.out.result(offer.text, { type: "offer", text: offer.text, expiresAt: offer.expiresAt });
    try {
      await offer.linked;
    } catch (error) {
      throw context.interrupted.aborted ? interrupted() : error;
    }
    context.interrupted.removeEventListener("abort", stop);
    const known = context.heard(client, "account", (account) => account !== undefined && account.handle !== "");
    await settle(context, client);
    if (client.account!.handle === "") await known;
    context.out.result(`linked to ${client.account!.handle}`, { type: "linked", ...client.account });
  },
};

const whoami: Command = {
  name: "whoami",
  args: "",
  help: "the account of this profile",
  async run(context) {
    const client = await context.client();
    const { handle, userId, deviceId } = client.account!;
    const { server } = context.profile;
    context.out.result(`${handle}, id:${userId}, device ${deviceId}, at ${server}`, { type: "account", handle, userId, deviceId, server });
  },
};

const exportAccount: Command = {
  name: "export",
  args: "FILE",
  help: "write all that server and device hold of the account, decrypted, as JSON lines",
  async run(context, [file]) {
    const client = await context.online();
    const target = await open(file!, "wx", 0o600); // never over a file that is there
    try {
      const blob = await client.settings.exportAccount();
      await target.writeFile(new Uint8Array(await blob.arrayBuffer()));
      await target.sync();
      context.out.result(`${blob.size} bytes in ${file}`, { type: "exported", file, bytes: blob.size });
    } finally {
      await target.close();
    }
  },
};

const deleteAccount: Command = {
  name: "delete-account",
  args: "",
  help: "delete the account for good, and this profile",
  options: { yes: { type: "string", help: "the account's handle, to confirm" } },
  async run(context, _args, options) {
    const client = await context.online();
    const { handle } = client.account!;
    const given = (options.yes as string | undefined) ?? (await ask(`This cannot be undone. Type ${handle} to delete the account: `, "--yes HANDLE"));
    if (given !== handle) throw usage("the handle is another one: nothing was deleted");
    await client.settings.deleteAccount();
    context.out.result(`deleted ${handle}`, { type: "deleted", handle });
  },
};

export const accountCommands = [register, link, whoami, exportAccount, deleteAccount];

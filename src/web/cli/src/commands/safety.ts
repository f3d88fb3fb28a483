// Verification: of users by safety numbers, of the server by its key log.

import type { Client, SafetyNumber } from "@godwit/client";
import { renderUnicodeCompact } from "uqr";
import type { Command } from "../command.js";
import type { Context } from "../context.js";
import { Exit, Failure, usage } from "../failure.js";
import { ask } from "./account.js";

/** Twelve groups of five digits, in three lines. */
function grouped(digits: string): string {
  const fives = digits.match(/\d{5}/g) ?? [];
  return [0, 4, 8].map((at) => fives.slice(at, at + 4).join(" ")).join("\n");
}

async function numberOf(context: Context, handle: string): Promise<{ client: Client; user: string; number: SafetyNumber }> {
  const client = await context.online();
  const user = await context.names(client).user(handle);
  return { client, user, number: await client.safety.number(user) };
}

const safety: Command = {
  name: "safety",
  args: "HANDLE",
  help: "show the safety number with somebody: theirs must be the same",
  async run(context, [handle]) {
    const { user, number } = await numberOf(context, handle!);
    if (!context.out.json) context.out.note(renderUnicodeCompact(number.qr));
    const verified = number.verified ? "verified" : `not verified yet: compare by a way that you trust, then: chat verify ${handle}`;
    context.out.result(`${grouped(number.digits)}\n${verified}`, { type: "safety", user, ...number });
  },
};

const verify: Command = {
  name: "verify",
  args: "HANDLE",
  help: "remember that the safety number with somebody is the same on both sides",
  options: {
    digits: { type: "string", help: "the number as the other side shows it" },
    scanned: { type: "string", help: "what the other side's QR code holds" },
    undo: { type: "boolean", help: "not verified any more" },
  },
  async run(context, [handle], options) {
    const { client, user, number } = await numberOf(context, handle!);
    const wanted = options.undo !== true;
    if (wanted && !(await same(context, client, user, number, options))) {
      throw new Failure("numbers_differ", "the safety numbers differ: somebody may be listening", Exit.untrusted);
    }
    await client.safety.setVerified(user, wanted);
    context.out.result(wanted ? "verified" : "not verified", { type: "verified", user, verified: wanted });
  },
};

async function same(context: Context, client: Client, user: string, number: SafetyNumber, { digits, scanned }: Record<string, unknown>): Promise<boolean> {
  if (typeof scanned === "string") return client.safety.compare(user, scanned);
  if (typeof digits === "string") return digits.replace(/\s/g, "") === number.digits;
  context.out.note(grouped(number.digits));
  const answer = await ask("Does the other side show the same? [yes/no] ", "--digits or --scanned");
  if (!["yes", "y", "no", "n"].includes(answer)) throw usage("neither yes nor no: nothing was changed");
  return answer.startsWith("y");
}

const audit: Command = {
  name: "audit",
  args: "",
  help: "read and check the server's whole key log",
  async run(context) {
    const client = await context.online();
    const { entries, ok, detail } = await client.safety.auditKeyLog((done, of) => {
      if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${of} entries${done === of ? "\n" : ""}`);
    });
    if (!ok) throw new Failure("key_log_invalid", `the key log is not what it should be: ${detail ?? "unknown"}`, Exit.untrusted);
    context.out.result(`${entries} entries, all as they should be`, { type: "audit", entries, ok });
  },
};

/** What a user must know before they go on with a key log that went back. */
const kWentBack = `The server's key log went back in time: what it shows now is not what this device was shown before. Nothing is sent.
Either its operator had to restore it from a backup, and what came after that is gone. Or whoever controls the server, or the
way to it, wants to put their own keys in place of other people's, and read what you write to them.
Ask the operator by another way, such as by phone. If they have restored the server: chat key-log --accept
Then compare safety numbers with everybody who matters to you (chat safety), most of all with those of whom you are told that
their keys have changed; and revoke the devices once more that you have revoked since the backup (chat devices).`;

const keyLog: Command = {
  name: "key-log",
  args: "",
  help: "whether the server's key log is the one from before, and what to do if not",
  options: { accept: { type: "boolean", help: "it is another since the operator restored the server, as they told you: go on with it" } },
  async run(context, _args, options) {
    const client = await context.client();
    client.connect();
    const online = context.untilOnline(client);
    await online.catch(() => {}); // a fault of the log may be why
    const fault = client.safety.keyLogFault();
    if (fault === undefined) await online;
    if (options.accept === true && fault?.kind !== "log_proof") {
      await client.safety.acceptKeyLog();
      await context.untilOnline(client);
      return context.out.result("accepted: compare safety numbers, and look at your devices", { type: "key_log", accepted: true });
    }
    if (fault?.kind === "log_rollback") context.out.note(kWentBack);
    if (fault !== undefined) throw new Failure(fault.kind, fault.detail, Exit.untrusted);
    context.out.result("the key log is as it should be", { type: "key_log", ok: true });
  },
};

export const safetyCommands = [safety, verify, keyLog, audit];

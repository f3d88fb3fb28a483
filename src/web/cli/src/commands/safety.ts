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

export const safetyCommands = [safety, verify, audit];

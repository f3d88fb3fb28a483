// From arguments to a command, and help.

import { parseArgs } from "node:util";
import { arity, type Command, type Option, type Values } from "./command.js";
import { commands } from "./commands.js";
import type { Globals } from "./context.js";
import { usage } from "./failure.js";
import { kDefaultServer } from "./profile.js";

const globals: Record<keyof Globals | "help", Option> = {
  profile: { type: "string", help: "which device of which account [$GODWIT_PROFILE, default]" },
  server: { type: "string", help: `[$GODWIT_SERVER, the account's, ${kDefaultServer}]` },
  home: { type: "string", help: "where profiles are [$GODWIT_CLIENT_HOME, ~/.godwit]" },
  json: { type: "boolean", help: "results and errors as lines of JSON" },
  timeout: { type: "string", help: "seconds to wait for the server [20]" },
  help: { type: "boolean", help: "this text, or that of a command" },
};

export interface Invocation {
  command: Command | undefined;
  args: string[];
  globals: Globals;
  options: Values;
  help: boolean;
}

/** Throws usage errors. */
export function parse(argv: string[]): Invocation {
  const all: Record<string, Option> = Object.assign({}, ...commands.map(({ options }) => options ?? {}), globals);
  const { values, positionals } = parsed(argv, all);
  const [first = "", second = ""] = positionals;
  const command = commands.find(({ name }) => name === `${first} ${second}`) ?? commands.find(({ name }) => name === first);
  const { help = false, ...rest } = values as { help?: boolean };
  const named = Object.keys(rest).filter((name) => !(name in globals));
  const options = Object.fromEntries(named.map((name) => [name, values[name]]));
  const invocation = { command, args: positionals.slice(command?.name.split(" ").length ?? 0), globals: rest as Globals, options, help };
  if (help || positionals.length === 0) return { ...invocation, help: true };
  if (command === undefined) throw usage(`there is no command ${first}: chat --help lists all`);
  const foreign = named.find((name) => !(name in (command.options ?? {})));
  if (foreign !== undefined) throw usage(`${command.name} has no option --${foreign}`);
  const [least, most] = arity(command);
  if (invocation.args.length < least || invocation.args.length > most) throw usage(`chat ${command.name} ${command.args}`.trimEnd());
  return invocation;
}

function parsed(argv: string[], options: Record<string, Option>) {
  try {
    return parseArgs({ args: argv, options, allowPositionals: true, strict: true });
  } catch (error) {
    throw usage((error as Error).message);
  }
}

function listed(options: Record<string, Option>): string[] {
  return Object.entries(options).map(([name, { type, help }]) => `  --${name}${type === "string" ? " VALUE" : ""}`.padEnd(22) + help);
}

export function helpText(command: Command | undefined): string {
  if (command !== undefined) {
    return [`chat ${command.name} ${command.args}`.trimEnd(), `  ${command.help}`, ...listed(command.options ?? {})].join("\n");
  }
  return [
    "Talks on a Godwit server, end-to-end encrypted, with other terminals and with browsers.",
    "",
    "chat [options] COMMAND ...",
    ...commands.map(({ name, args, help }) => `  ${`${name} ${args}`.padEnd(34)} ${help}`),
    "",
    "Options, before or after a command (chat COMMAND --help lists those of one):",
    ...listed(globals),
    "",
    "HANDLE is a user's handle, or id:<user id>. GROUP is a group's name, group:<name> or its id. CHAT is either.",
    "What begins with a dash goes behind --.",
    "Exit status: 0 done; 1 wrong usage or something on this device; 2 the server said no; 3 no connection;",
    "4 not in time; 5 keys or proofs do not fit; 130 interrupted.",
  ].join("\n");
}

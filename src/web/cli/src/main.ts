#!/usr/bin/env node
// Terminal messenger. One process runs one command on one profile.

import { helpText, type Invocation, parse } from "./command-line.js";
import { Context } from "./context.js";
import { asFailure, Exit } from "./failure.js";
import { Output } from "./output.js";

/** What is still being written when the work is done gets so long, milliseconds. */
const kLastWords = 2000;

async function main(): Promise<number> {
  const interrupted = new AbortController();
  // The second signal ends the process at once.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => interrupted.abort());
  let out = new Output(process.argv.includes("--json"));
  let context: Context | undefined;
  try {
    const { command, args, globals, options, help }: Invocation = parse(process.argv.slice(2));
    if (help || command === undefined) {
      process.stdout.write(`${helpText(command)}\n`);
      return Exit.done;
    }
    context = new Context(globals, interrupted.signal);
    out = context.out;
    await command.run(context, args, options);
    await context.finish();
    return Exit.done;
  } catch (error) {
    const failure = asFailure(error);
    out.failure(failure);
    return failure.exit;
  } finally {
    await context?.close().catch((error: unknown) => out.failure(asFailure(error)));
  }
}

process.umask(0o077); // storage, exports
process.stdout.on("error", () => process.exit(Exit.local)); // whoever read it has gone
process.exitCode = await main();
setTimeout(() => process.exit(), kLastWords).unref();

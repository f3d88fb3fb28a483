// How many messages a second a device takes in after it was away: received, stored on disk (LevelDB), acknowledged; and how
// fast search is on what came. `--plain` leaves the encryption out. With `--gap` the inbox has lost most of it, and the
// chat's history brings it.
//   GODWIT_BIN=... npm run bench [-- messages] [--plain] [--gap]

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { openE2e } from "../../src/e2e/e2e.js";
import { nodeStorage } from "../../src/node.js";
import { Daemon } from "../support/daemon.js";
import { openClient, person, until } from "../support/people.js";
import { plainE2e } from "../support/plain-e2e.js";

const flags = process.argv.slice(2);
const e2e = flags.includes("--plain") ? plainE2e : openE2e;
const count = Number(flags.find((flag) => /^\d+$/.test(flag)) ?? 2000);

const directory = mkdtempSync(path.join(tmpdir(), "godwit-bench-"));
const daemon = await Daemon.start({
  "limits.device_requests_per_s": "0",
  "limits.user_requests_per_s": "0",
  "limits.address_requests_per_s": "0",
  ...(flags.includes("--gap") ? { "inbox.max_entries": "100" } : {}),
});
const alice = await person(daemon.url, "alice", { e2e });
const bob = await person(daemon.url, "bob", { e2e, storage: nodeStorage(directory) });
const toBob = `u${bob.account!.userId}`;
const toAlice = `u${alice.account!.userId}`;
await alice.send(toBob, "hello");
await until("hello is there", async () => (await bob.messages.page(toAlice)).messages.length === 1);
bob.disconnect();
await bob.close();

let begin = performance.now();
for (let i = 0; i < count; i++) await alice.send(toBob, `message number ${i} of the bench, about as long as people write`);
await until("all are accepted", async () => (await alice.messages.page(toBob, { limit: 1 })).messages[0]!.state !== "waiting", 600_000);
report("sent", count, performance.now() - begin);

begin = performance.now();
const again = await openClient(daemon.url, { e2e, storage: nodeStorage(directory) });
await until("all are there", () => again.state === "online", 600_000);
report("caught up", count, performance.now() - begin);

begin = performance.now();
await again.messages.search("bench");
console.log(`first search of ${count + 1} messages: ${Math.round(performance.now() - begin)} ms`);
begin = performance.now();
const found = await again.messages.search(`number ${count - 1}`);
console.log(`second search: ${Math.round(performance.now() - begin)} ms, ${found.length} found`);

await alice.close();
await again.close();
await daemon.end();
rmSync(directory, { recursive: true, force: true });

function report(what: string, messages: number, ms: number): void {
  console.log(`${what}: ${messages} messages in ${Math.round(ms)} ms, ${Math.round((messages / ms) * 1000)}/s`);
}

// The daemon is restored from a backup after its key log has grown: its users go on once they have accepted that.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openE2e } from "../../src/e2e/e2e.js";
import { Daemon } from "../support/daemon.js";
import { Disk, has, heard, openClient, person, until } from "../support/people.js";

test("who has seen more of the key log than a restored server has goes on when they accept it, with what was verified", async () => {
  const daemon = await Daemon.start();
  const disk = new Disk();
  let alice = await person(daemon.url, "alice", { e2e: openE2e, storage: disk.options });
  const bob = await person(daemon.url, "bob", { e2e: openE2e });
  const toBob = `u${bob.account!.userId}`;
  const toAlice = `u${alice.account!.userId}`;
  await alice.send(toBob, "before");
  await has(bob, toAlice, "before");
  await alice.safety.setVerified(bob.account!.userId, true);
  await daemon.kill("SIGTERM");
  daemon.keepCopy();
  // Bob comes back before the log grows: he has not seen what it loses.
  const back = heard(bob, "connection", ({ state }) => state === "online");
  await daemon.start();
  await back;
  const carol = await person(daemon.url, "carol", { e2e: openE2e });
  await carol.send(toAlice, "hello");
  await has(alice, `u${carol.account!.userId}`, "hello");
  await alice.send(`u${carol.account!.userId}`, "hello");
  await has(carol, toAlice, "hello");
  await carol.close();

  await alice.close();
  await daemon.kill("SIGTERM");
  daemon.restoreCopy();
  await daemon.start();
  alice = await openClient(daemon.url, { e2e: openE2e, storage: disk.options, offline: true });
  const told = heard(alice, "security", ({ kind }) => kind === "log_rollback");
  const stopped = heard(alice, "connection", ({ state }) => state === "stopped");
  alice.connect();
  await told;
  assert.equal((await stopped).reason, "encryption");
  await alice.send(toBob, "after");
  const kinds: string[] = [];
  alice.on("security", ({ kind }) => kinds.push(kind));
  await alice.safety.acceptKeyLog();
  await has(bob, toAlice, "after");
  await bob.send(toAlice, "good");
  await has(alice, toBob, "good");
  assert.deepEqual(kinds.filter((kind) => kind !== "missing"), []);
  assert.equal((await alice.safety.number(bob.account!.userId)).verified, true);
  await alice.safety.number(carol.account!.userId);
  await until("carol's device is told to be gone", async () => kinds.includes("device_removed"));
  await alice.close();
  await bob.close();
  await daemon.end();
});

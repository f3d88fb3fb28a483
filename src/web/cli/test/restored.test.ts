// The server is restored from a backup after its key log has grown.

import assert from "node:assert/strict";
import { cpSync, rmSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { World } from "./support.js";

let world: World;

before(async () => {
  world = await World.make();
  await world.ok("ann", "register", "ann");
  await world.ok("bob", "register", "bob");
  await world.ok("ann", "send", "bob", "before");
});
after(() => world.end());

test("nothing is sent until the user accepts the server's key log", async () => {
  assert.equal((await world.ok("ann", "key-log", "--json")).lines[0].ok, true);
  assert.equal((await world.run("ann", "key-log", "--accept")).exit, 2); // there is nothing to accept
  const copy = path.join(world.directory, "copy");
  await world.kill("SIGTERM");
  cpSync(world.data, copy, { recursive: true });
  await world.start();
  await world.ok("carol", "register", "carol");
  await world.ok("ann", "send", "carol", "hello");
  await world.kill("SIGTERM");
  rmSync(world.data, { recursive: true });
  cpSync(copy, world.data, { recursive: true });
  await world.start();

  const refused = await world.run("ann", "send", "bob", "not yet");
  assert.equal(refused.exit, 5, refused.errors);
  assert.match(refused.errors, /chat key-log/);
  const asked = await world.run("ann", "key-log");
  assert.equal(asked.exit, 5);
  assert.match(asked.errors, /Ask the operator/);
  assert.match(asked.errors, /chat: log_rollback: /);
  assert.deepEqual(await world.received("bob"), ["before"]);
  await world.ok("ann", "key-log", "--accept");
  await world.ok("ann", "send", "bob", "after");
  assert.deepEqual(await world.received("bob"), ["after"]);
  await world.ok("ann", "key-log");
});

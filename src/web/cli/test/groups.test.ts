// Groups, links, statuses and blocks.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { World } from "./support.js";

let world: World;

before(async () => {
  world = await World.make();
  for (const handle of ["ann", "bob", "carol"]) await world.ok(handle, "register", handle);
});
after(() => world.end());

test("a group talks; who is removed hears nothing more, who joins by a link hears what follows", async () => {
  await world.ok("ann", "group", "create", "club", "bob");
  await world.ok("ann", "send", "club", "welcome");
  assert.deepEqual(await world.received("bob"), ["welcome"]);
  await world.ok("bob", "send", "club", "thanks");

  const { lines: links } = await world.ok("ann", "group", "link", "club", "--expires", "1d", "--uses", "1", "--json");
  assert.equal((await world.ok("carol", "group", "join", links[0].link, "--json")).lines[0].waiting, false);
  await world.ok("ann", "send", "club", "hello, carol");
  assert.deepEqual(await world.received("carol"), ["hello, carol"]);

  await world.ok("ann", "group", "remove", "club", "bob");
  await world.ok("ann", "send", "club", "without bob");
  assert.deepEqual(await world.received("bob"), ["hello, carol"]);
  assert.deepEqual(await world.received("carol"), ["without bob"]);
  assert.equal((await world.run("bob", "send", "club", "still here?")).exit, 2);

  await world.ok("ann", "group", "rename", "club", "the club");
  await world.ok("carol", "listen", "--once");
  const shown = (await world.ok("carol", "group", "show", "the club", "--json")).lines[0];
  assert.deepEqual(shown.members.map(({ role }: { role: string }) => role).sort(), ["member", "owner"]);
  await world.ok("carol", "group", "leave", "the club");
  assert.equal((await world.ok("ann", "group", "show", "the club", "--json")).lines[0].members.length, 1);
});

test("a name that a group and a user have is refused rather than guessed", async () => {
  await world.ok("ann", "group", "create", "carol");
  const outcome = await world.run("ann", "send", "carol", "who gets this?");
  assert.equal(outcome.exit, 1);
  assert.match(outcome.errors, /ambiguous: carol is a user and a group: write id:\d+ or group:carol/);
  await world.ok("ann", "send", "group:carol", "this group does");
});

test("a contact sees a status, and its author sees that", async () => {
  await world.ok("ann", "contacts", "add", "bob");
  await world.ok("bob", "contacts", "add", "ann");
  await world.ok("ann", "send", "bob", "you are a contact now"); // brings the key of statuses
  await world.ok("bob", "listen", "--once", "--read");
  await world.ok("ann", "status", "post", "at", "the", "sea");
  await world.ok("bob", "listen", "--once", "--read");
  assert.match((await world.ok("bob", "status", "list")).out, /^ann, .*, new$/m);
  assert.match((await world.ok("bob", "status", "view", "ann")).out, /at the sea/);
  assert.match((await world.ok("ann", "status", "list")).out, /^me, .*, seen by bob$/m);
});

test("a blocked user is not heard", async () => {
  await world.ok("bob", "block", "ann");
  await world.run("ann", "send", "bob", "do you hear me?");
  assert.deepEqual(await world.received("bob"), []);
  await world.ok("bob", "unblock", "ann");
  await world.ok("ann", "send", "bob", "and now?");
  assert.deepEqual(await world.received("bob"), ["and now?"]);
});

test("messages are found by words", async () => {
  await world.ok("bob", "send", "carol", "the heron stands in the reeds");
  const { lines } = await world.ok("bob", "search", "heron", "reed", "--json");
  assert.deepEqual(lines.map(({ text }) => text), ["the heron stands in the reeds"]);
});

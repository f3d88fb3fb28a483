// Accounts, devices, and how commands fail.

import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { World } from "./support.js";

let world: World;

before(async () => {
  world = await World.make();
  await world.ok("ann", "register", "ann");
  await world.ok("bob", "register", "bob");
});
after(() => world.end());

test("a linked device gets what follows, and none of it once it is revoked", async () => {
  const link = world.begin("ann2", "link", "--name", "laptop");
  const [offer] = await link.says(/^godwit-link:\S+$/m);
  await world.ok("ann", "approve", offer);
  const linked = await link.ended;
  assert.equal(linked.exit, 0, linked.errors);
  assert.match(linked.out, /^linked to ann$/m);

  await world.ok("bob", "send", "ann", "to both");
  assert.deepEqual(await world.received("ann"), ["to both"]);
  assert.deepEqual(await world.received("ann2"), ["to both"]);
  await world.ok("ann2", "send", "bob", "from the laptop");
  assert.deepEqual(await world.received("bob"), ["from the laptop"]);
  await world.ok("ann", "listen", "--once");
  assert.match((await world.ok("ann", "history", "bob")).out, /me: from the laptop/);

  const { lines } = await world.ok("ann", "devices", "--json");
  assert.deepEqual(lines.map(({ name, approvedBy, current }) => [name, approvedBy, current])[1], ["laptop", lines[0].id, false]);
  await world.ok("ann", "revoke", String(lines[1].id));
  const refused = await world.run("ann2", "send", "bob", "one more");
  assert.equal(refused.exit, 2);
  assert.match(refused.errors, /revoked/);
});

test("an offer is taken back with Ctrl-C, and the profile can make another one", async () => {
  const link = world.begin("ann3", "link");
  await link.says(/^godwit-link:\S+$/m);
  assert.equal((await link.signal("SIGINT")).exit, 130);
  const again = world.begin("ann3", "link");
  const [offer] = await again.says(/^godwit-link:\S+$/m);
  await world.ok("ann", "approve", offer);
  assert.equal((await again.ended).exit, 0);
});

test("what fails says why in one line, and by its status", async () => {
  const cases: [exit: number, code: string, args: string[]][] = [
    [1, "usage", ["fly"]],
    [1, "usage", ["send", "bob"]],
    [1, "usage", ["list", "--reply", "x"]],
    [1, "usage", ["--server", "http://127.0.0.1", "list"]],
    [1, "usage", ["--profile", "../ann", "list"]],
    [1, "no_account", ["--profile", "nobody", "list"]],
    [1, "wrong_state", ["register", "ann4"]],
    [1, "not_found", ["history", "id:12345"]],
    [2, "user_not_found", ["send", "nobody-here", "hello"]],
    [2, "link_invalid", ["approve", "godwit-link:1:AAAA"]],
    [2, "handle_taken", ["--profile", "thief", "register", "ann"]],
    [2, "handle_invalid", ["--profile", "thief", "register", "a"]],
    [3, "disconnected", ["--server", "ws://127.0.0.1:1", "--timeout", "1", "devices"]],
  ];
  for (const [exit, code, args] of cases) {
    const outcome = await world.run("ann", ...args);
    assert.equal(outcome.exit, exit, `${args.join(" ")}: ${outcome.errors}`);
    assert.match(outcome.errors, new RegExp(`^chat: ${code}: [^\n]+\n$`), args.join(" "));
    assert.equal(outcome.out, "");
  }
  assert.equal((await world.run("thief", "register", "thief")).exit, 0); // a refused registration leaves nothing in the way
});

test("one process at a time uses a profile, and a listener ends in order", async () => {
  const listener = world.begin("ann", "listen");
  await world.ok("bob", "send", "ann", "are you listening?");
  await listener.says(/bob: are you listening\?/);
  const second = await world.run("ann", "list");
  assert.equal(second.exit, 1);
  assert.match(second.errors, /profile_in_use/);
  assert.equal((await listener.signal("SIGTERM")).exit, 0);
});

test("an export holds the messages and is readable by its user alone; it replaces no file", async () => {
  const file = path.join(world.directory, "export.jsonl");
  await world.ok("ann", "send", "bob", "for the record");
  await world.ok("ann", "export", file);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const lines = readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  assert.ok(lines.some(({ kind, content }) => kind === "message" && content?.text === "for the record"));
  const again = await world.run("ann", "export", file);
  assert.equal(again.exit, 1);
  assert.match(again.errors, /^chat: eexist: /);
});

test("an account is deleted only when its handle is typed, and its profile with it", async () => {
  assert.equal((await world.run("bob", "delete-account", "--yes", "ann")).exit, 1);
  assert.ok(existsSync(path.join(world.home, "bob")));
  await world.ok("bob", "delete-account", "--yes", "bob");
  assert.ok(!existsSync(path.join(world.home, "bob")));
  assert.equal((await world.run("ann", "send", "bob", "are you there?")).exit, 2);
});

// Two people, each at a terminal.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { World } from "./support.js";

const kMarker = "heronmarker7391";

let world: World;

before(async () => {
  world = await World.make();
  await world.ok("ann", "register", "ann");
  await world.ok("bob", "register", "bob");
});
after(() => world.end());

/** All files below, with their bytes. */
function* files(directory: string): Generator<[string, Buffer]> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const file = path.join(directory, entry.name);
    if (entry.isDirectory()) yield* files(file);
    else if (entry.isFile()) yield [file, readFileSync(file)];
  }
}

test("a message goes from one profile to the other once, and its sender learns that it was read", async () => {
  await world.ok("ann", "send", "bob", "hello,", "bob");
  assert.deepEqual(await world.received("bob"), ["hello, bob"]);
  assert.deepEqual(await world.received("bob"), []);
  await world.ok("ann", "listen", "--once");
  const { lines } = await world.ok("ann", "history", "bob", "--json");
  assert.deepEqual(lines.map(({ text, state, own }) => [text, state, own]), [["hello, bob", "read", true]]);
});

test("what was printed without --read is printed again", async () => {
  await world.ok("ann", "send", "bob", "again");
  for (let i = 0; i < 2; i++) {
    const { lines } = await world.ok("bob", "listen", "--once", "--json");
    assert.deepEqual(lines.filter(({ type }) => type === "message").map(({ text }) => text), ["again"]);
  }
  assert.deepEqual(await world.received("bob"), ["again"]);
});

test("a conversation survives a crash of the daemon in the middle", async () => {
  const ann = world.begin("ann", "chat", "bob");
  const bob = world.begin("bob", "chat", "ann");
  ann.type("before the crash");
  await bob.says(/ann: before the crash/);
  await world.kill("SIGKILL");
  bob.type("while it is down");
  await bob.says(/me: while it is down/);
  await world.start();
  await ann.says(/bob: while it is down/);
  const [, number] = await ann.type("after the crash").says(/\[(\d+)\] .* me: after the crash/);
  await bob.says(/ann: after the crash/);
  ann.type(`/edit ${number} corrected`);
  await bob.says(/is now: .* ann: corrected \(edited\)/);
  const [, theirs] = await bob.says(/\[(\d+)\] .* ann: after the crash/);
  bob.type(`/react ${theirs} 👍`).type(`/reply ${theirs} fine`);
  await ann.says(new RegExp(`\\[${number}\\] 👍 bob`));
  await ann.says(/bob: > corrected\n {4}fine/);
  for (const side of [ann, bob]) assert.equal((await side.close()).exit, 0);
  const { lines } = await world.ok("bob", "history", "ann", "--json", "--limit", "4");
  assert.deepEqual(lines.map(({ text }) => text), ["before the crash", "while it is down", "corrected", "fine"]);
});

test("without a daemon a message is stored, and sent with the next connection", async () => {
  await world.kill("SIGTERM");
  const failed = await world.run("ann", "--timeout", "1", "send", "bob", "into the void", "--json");
  assert.equal(failed.exit, 3);
  assert.equal(JSON.parse(failed.errors).code, "disconnected");
  await world.start();
  const ann = world.begin("ann", "chat", "bob");
  assert.equal((await ann.close()).exit, 0);
  assert.deepEqual(await world.received("bob"), ["into the void"]);
});

test("safety numbers are equal on both sides, and a wrong one is refused", async () => {
  const [ann, bob] = [await world.ok("ann", "safety", "bob", "--json"), await world.ok("bob", "safety", "ann", "--json")];
  const { digits, verified } = ann.lines[0];
  assert.match(digits, /^\d{60}$/);
  assert.equal(verified, false);
  assert.equal(bob.lines[0].digits, digits);
  const wrong = await world.run("ann", "verify", "bob", "--digits", digits.split("").reverse().join(""));
  assert.equal(wrong.exit, 5);
  assert.equal((await world.run("ann", "verify", "bob")).exit, 1); // there is nobody to ask
  await world.ok("ann", "verify", "bob", "--digits", digits.replace(/(\d{5})/g, "$1 "));
  await world.ok("bob", "verify", "ann", "--scanned", ann.lines[0].qr);
  assert.equal((await world.ok("ann", "safety", "bob", "--json")).lines[0].verified, true);
  assert.equal((await world.ok("ann", "audit", "--json")).lines[0].ok, true);
});

test("no text is in the daemon's data or log, nor readable in a profile", async () => {
  await world.ok("ann", "send", "bob", kMarker);
  assert.deepEqual(await world.received("bob"), [kMarker]);
  await world.kill("SIGTERM"); // everything is on the disk now
  const all = [...files(world.directory)];
  assert.ok(all.some(([file]) => file.startsWith(world.data)) && all.some(([file]) => file.startsWith(world.home)));
  for (const [file, bytes] of all) assert.ok(!bytes.includes(kMarker), file);
  assert.ok(readFileSync(world.log).length > 0);
  await world.start();
});

test("a profile is closed to others, and its key is a file of its user alone", () => {
  for (const [file, mode] of [["", 0o700], ["key", 0o600], ["server", 0o600]] as const) {
    assert.equal(statSync(path.join(world.home, "ann", file)).mode & 0o777, mode, file);
  }
});

test("what others write cannot move the cursor", async () => {
  await world.ok("ann", "send", "bob", "red \u001b[31m\u009b2J \u202etxt.exe");
  const { out } = await world.ok("bob", "listen", "--once", "--read");
  // eslint-disable-next-line no-control-regex
  assert.doesNotMatch(out, /[\u001b\u009b\u202e]/);
  assert.match(out, /ann: red \ufffd\[31m/);
});

// The server is restored from an older backup: its chats are in earlier epochs than the clients, or in others of the same
// number. Everybody comes back into the chats without doing anything for it.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChatRef } from "../../src/e2e/api.js";
import { hex, utf8 } from "../../src/e2e/bytes.js";
import { newId } from "../../src/e2e/chat/pending.js";
import { FakeServer, type TestClient } from "./fake-server.js";

interface Flock {
  server: FakeServer;
  alice: TestClient;
  bob: TestClient;
  carol: TestClient;
  /** Not in the group. */
  dan: TestClient;
  group: Uint8Array;
  chat: ChatRef;
}

async function flock(): Promise<Flock> {
  const server = new FakeServer();
  const [alice, bob, carol, dan] = [await server.register(), await server.register(), await server.register(), await server.register()];
  for (const client of [alice, bob, carol, dan]) await client.connect();
  const group = server.createGroup(alice);
  await alice.e2e.createGroup(group);
  await alice.e2e.changeMembers(group, { add: [bob.userId, carol.userId] });
  await settle(alice, bob, carol, dan);
  await alice.send({ chat: group }, "before");
  await settle(alice, bob, carol, dan);
  return { server, alice, bob, carol, dan, group, chat: { chat: group } };
}

async function settle(...clients: TestClient[]): Promise<void> {
  for (let i = 0; i < 3; i++) for (const client of clients) await client.settle();
  for (const client of clients) assert.deepEqual(client.failures, []);
}

/** Waits for what is done in the background. */
async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries === 1000) throw new Error(`${what}: not within 10 s`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Waits until the server has no key packages of the backup of this device any more. */
function replaced({ rows }: TestClient): Promise<void> {
  return until("key packages are replaced", () => {
    const row = rows.get("e2e/restores")!;
    return hex(row.subarray(0, 4)) === hex(row.subarray(4));
  });
}

const epochOf = ({ server, group }: Flock) => server.chats.get(hex(group))!.epoch;

/** What the server will have lost: two commits and a message. */
async function goOn({ alice, bob, carol, dan, group, chat }: Flock): Promise<void> {
  await alice.e2e.changeMembers(group, { add: [dan.userId] });
  await bob.e2e.changeMembers(group, { remove: [dan.userId] });
  await carol.send(chat, "lost");
  await settle(alice, bob, carol, dan);
}

test("in an earlier epoch the first who writes comes in and brings in the others, who read on", async () => {
  const all = await flock();
  const { server, alice, bob, carol, chat } = all;
  const restore = server.backup();
  await goOn(all);
  restore();
  const epoch = epochOf(all);
  for (const client of [alice, bob, carol]) await client.connectAfterRestore();
  await bob.send(chat, "from bob");
  await settle(alice, bob, carol);
  await alice.send(chat, "from alice");
  await settle(alice, bob, carol);
  await carol.send(chat, "from carol");
  await settle(alice, bob, carol);
  assert.deepEqual(alice.texts, ["lost", "from bob", "from carol"]);
  assert.deepEqual(bob.texts, ["before", "lost", "from alice", "from carol"]);
  assert.deepEqual(carol.texts, ["before", "from bob", "from alice"]);
  assert.deepEqual([...alice.unreadable, ...bob.unreadable, ...carol.unreadable], []);
  assert.equal(epochOf(all), epoch + 2n, "one commit to come in, one for the others");
});

test("all write at once: all is read", async () => {
  const all = await flock();
  const { server, alice, bob, carol, chat } = all;
  const restore = server.backup();
  await goOn(all);
  restore();
  for (const client of [alice, bob, carol]) await client.connectAfterRestore();
  await Promise.all([alice, bob, carol].map((client, i) => client.send(chat, `at once ${i}`)));
  await settle(alice, bob, carol);
  for (const [i, client] of [alice, bob, carol].entries()) {
    const others = [0, 1, 2].filter((other) => other !== i).map((other) => `at once ${other}`);
    assert.deepEqual(client.texts.filter((text) => text.startsWith("at once")).sort(), others);
    assert.deepEqual(client.unreadable, []);
  }
});

test("who was away since before the backup, and who fell asleep after it, read what was sent meanwhile", async () => {
  const all = await flock();
  const { server, alice, bob, carol, dan, group, chat } = all;
  await alice.e2e.changeMembers(group, { add: [dan.userId] });
  await settle(alice, bob, carol, dan);
  carol.offline = true;
  const restore = server.backup();
  await alice.e2e.changeMembers(group, { remove: [dan.userId] });
  await alice.send(chat, "lost");
  await settle(alice, bob, dan);
  bob.offline = true;  // Has followed what the server loses, and is not there when it comes back.
  restore();
  await alice.connectAfterRestore();
  await alice.send(chat, "new");
  await settle(alice);
  await carol.connect();
  await bob.connectAfterRestore();
  await settle(alice, bob, carol);
  assert.deepEqual(bob.texts, ["before", "lost", "new"]);
  assert.deepEqual(carol.texts, ["before", "new"]);
  await bob.send(chat, "from bob");
  await carol.send(chat, "from carol");
  await settle(alice, bob, carol);
  assert.deepEqual(alice.texts.slice(-2), ["from bob", "from carol"]);
  assert.deepEqual([...alice.unreadable, ...bob.unreadable, ...carol.unreadable], []);
});

test("where a member goes on who was away since before the backup, who comes in next brings in the others", async () => {
  const all = await flock();
  const { server, alice, bob, carol, dan, group, chat } = all;
  carol.offline = true;
  const restore = server.backup();
  await alice.e2e.changeMembers(group, { add: [dan.userId] });
  await alice.send(chat, "lost");
  await settle(alice, bob, dan);
  bob.offline = true;
  restore();
  await carol.connect();
  await carol.e2e.changeMembers(group, { add: [dan.userId] });
  await settle(carol);
  await alice.connectAfterRestore();
  await alice.send(chat, "new");
  await settle(alice, carol);
  await bob.connectAfterRestore();
  await settle(alice, bob, carol);
  assert.deepEqual(bob.texts, ["before", "lost", "new"]);
  assert.equal(carol.texts.at(-1), "new");
});

test("who was taken out after the backup is in again, which is told", async () => {
  const all = await flock();
  const { server, alice, bob, carol, group, chat } = all;
  const restore = server.backup();
  await alice.e2e.changeMembers(group, { remove: [carol.userId] });
  await settle(alice, bob, carol);
  restore();
  for (const client of [alice, bob, carol]) await client.connectAfterRestore();
  await bob.send(chat, "hello again");
  await settle(alice, bob, carol);
  assert.deepEqual(carol.texts, ["before", "hello again"]);
  assert.ok(bob.events.some((event) => event.kind === "device_added" && event.by === "server" && event.device.userId === carol.userId));
});

test("who left before the backup is out, though the commit that took them out is lost", async () => {
  const all = await flock();
  const { server, alice, bob, carol, group, chat } = all;
  await server.request(carol, { case: "changeGroup", value: { id: newId(Date.now()), chat: group, remove: [carol.userId] } });
  await settle(alice, bob, carol);
  const restore = server.backup();
  await bob.send(chat, "carol is out");
  await settle(alice, bob, carol);
  restore();
  for (const client of [alice, bob]) await client.connectAfterRestore();
  await alice.send(chat, "without carol");
  await settle(alice, bob);
  assert.deepEqual(bob.texts, ["before", "without carol"]);
  assert.equal(alice.events.filter((event) => event.kind === "device_removed" && event.device.userId === carol.userId).length, 2);
});

/** Carol alone misses how the others went on after a restore, to the epoch that she is in: its positions are those that she has. */
async function misled(): Promise<Flock> {
  const all = await flock();
  const { server, alice, bob, carol, chat } = all;
  const restore = server.backup();
  await goOn(all);
  const epoch = epochOf(all);
  carol.offline = true;
  restore();
  for (const client of [alice, bob]) await client.connectAfterRestore();
  await bob.send(chat, "not for carol");
  await settle(alice, bob);
  assert.equal(epochOf(all), epoch);
  carol.inbox = [];
  return all;
}

test("in another epoch of the same number a device that reads comes back with the first message it cannot read", async () => {
  const all = await misled();
  const { alice, bob, carol, chat } = all;
  await carol.connectAfterRestore();
  await bob.send(chat, "unreadable");
  await settle(carol);
  await until("carol is back", () => carol.events.some((event) => event.kind === "joined" && event.rejoined));
  await settle(alice, bob, carol);
  await bob.send(chat, "readable");
  await carol.send(chat, "from carol");
  await settle(alice, bob, carol);
  assert.equal(carol.texts.at(-1), "readable");
  for (const client of [alice, bob]) assert.equal(client.texts.at(-1), "from carol");
  assert.equal(carol.unreadable.length, 1);
  assert.equal(carol.count("went_back"), 1);
});

test("in another epoch of the same number a device that writes comes back before it does", async () => {
  const { alice, bob, carol, chat } = await misled();
  await carol.connectAfterRestore();
  await carol.send(chat, "from carol");
  await settle(alice, bob, carol);
  for (const client of [alice, bob]) assert.equal(client.texts.at(-1), "from carol");
  assert.deepEqual([...alice.unreadable, ...bob.unreadable], []);
});

test("a group info that does not fit and a message that cannot be opened, which any member can make, throw nobody out", async () => {
  const { server, alice, bob, carol, group, chat } = await flock();
  server.chats.get(hex(group))!.groupInfo = utf8("of no use");
  const { request } = server;
  server.request = (device, body) => {
    if (body.case === "send") body.value.payload = body.value.payload!.map((byte, i, all) => (i === all.length - 1 ? byte ^ 1 : byte));
    return request.call(server, device, body);
  };
  await bob.send(chat, "spoilt");
  server.request = request;
  await settle(alice, bob, carol);
  for (const client of [alice, carol]) {
    assert.equal(client.unreadable.length, 1);
    await client.send(chat, "still here");
  }
  await settle(alice, bob, carol);
  assert.deepEqual(bob.texts, ["before", "still here", "still here"]);
  for (const client of [alice, carol]) assert.equal(client.count("went_back"), 0);
});

test("an epoch of the same number that others made counts only where the server went back", async () => {
  const { bob, carol, chat } = await misled();
  const joined = carol.count("joined");
  await carol.connect();
  await bob.send(chat, "unreadable");
  await settle(carol);
  await carol.e2e.ready(chat);
  assert.equal(carol.count("joined"), joined);
  assert.equal(carol.count("went_back"), 0);
});

test("a restore that nothing but the refusal of a commit tells of is noticed", async () => {
  const all = await flock();
  const { server, alice, bob, carol, dan, group, chat } = all;
  const restore = server.backup();
  await goOn(all);
  restore();
  for (const client of [alice, bob, carol]) await client.connect();
  await dan.connectAfterRestore();
  await replaced(dan);
  await alice.e2e.changeMembers(group, { add: [dan.userId] });
  await settle(alice, bob, carol, dan);
  await alice.send(chat, "all here");
  await settle(alice, bob, carol, dan);
  for (const client of [bob, carol, dan]) assert.equal(client.texts.at(-1), "all here");
  await bob.send(chat, "so it is");
  await settle(alice, bob, carol, dan);
  for (const client of [alice, carol, dan]) assert.equal(client.texts.at(-1), "so it is");
  for (const client of [alice, bob, carol]) assert.equal(client.count("went_back"), 1);
});

test("a commit that was under way when the server went back is made anew", async () => {
  const all = await flock();
  const { server, alice, bob, carol, dan, group, chat } = all;
  const restore = server.backup();
  await goOn(all);
  alice.offline = true;
  const { tamper } = server;
  server.tamper = (_device, reply) => {
    if (reply.case === "groupChanged") throw new Error("the connection was lost");
    return reply;
  };
  await assert.rejects(alice.e2e.changeMembers(group, { add: [dan.userId] }), /connection was lost/);
  server.tamper = tamper;
  await settle(bob, carol, dan);
  restore();
  alice.inbox = [];
  await alice.restart();
  for (const client of [alice, bob, carol, dan]) await client.connectAfterRestore();
  await replaced(dan);
  await alice.e2e.changeMembers(group, { add: [dan.userId] });
  await settle(alice, bob, carol, dan);
  await alice.send(chat, "welcome");
  await settle(alice, bob, carol, dan);
  for (const client of [bob, carol, dan]) assert.equal(client.texts.at(-1), "welcome");
});

test("a direct chat goes on, also when its beginning is lost", async () => {
  const all = await flock();
  const { server, alice, bob, dan } = all;
  await alice.send({ peer: bob.userId }, "one");
  await settle(alice, bob);
  const restore = server.backup();
  await dan.send({ peer: alice.userId }, "hello");
  await settle(alice, dan);
  restore();
  for (const client of [alice, bob, dan]) await client.connectAfterRestore();
  await bob.send({ peer: alice.userId }, "two");
  await alice.send({ peer: dan.userId }, "three");
  await settle(alice, bob, dan);
  await dan.send({ peer: alice.userId }, "four");
  await settle(alice, bob, dan);
  assert.deepEqual(alice.texts, ["hello", "two", "four"]);
  assert.deepEqual(dan.texts, ["three"]);
});

test("chats that still fit are asked for once, when they are written to", async () => {
  const { server, alice, bob, carol, chat } = await flock();
  server.backup()();
  let asked = 0;
  const { tamper } = server;
  server.tamper = (_device, reply) => {
    if (reply.case === "groupInfo") asked++;
    return reply;
  };
  for (const client of [alice, bob, carol]) await client.connectAfterRestore();
  assert.equal(asked, 0);
  for (const text of ["one", "two"]) await alice.send(chat, text);
  server.tamper = tamper;
  assert.equal(asked, 1);
  await settle(bob, carol);
  assert.deepEqual(bob.texts, ["before", "one", "two"]);
  assert.equal(bob.count("joined"), 1);
});

test("joins stay bounded when the server goes back again and again", async () => {
  const all = await flock();
  const { server, alice, dan, group, chat } = all;
  const restore = server.backup();
  let refused: unknown;
  for (let i = 0; i < 10 && refused === undefined; i++) {
    // Refused as well once there were too many.
    await alice.e2e.changeMembers(group, { add: [dan.userId] }).catch((error: unknown) => assert.match(String(error), /too often/));
    restore();
    await alice.connectAfterRestore();
    refused = await alice.send(chat, "again").then(() => undefined, (error: unknown) => error);
  }
  assert.match(String(refused), /too often/);
});

test("key packages of the backup are replaced, of which some may be used", async () => {
  const { server, alice, bob, dan } = await flock();
  const stock = () => server.users.get(dan.userId)!.get(dan.deviceId)!;
  const restore = server.backup();
  const before = new Set([...stock().packages, stock().lastResort!].map(hex));
  await bob.send({ peer: dan.userId }, "uses one");
  await settle(bob, dan);
  restore();
  await dan.connectAfterRestore();
  await replaced(dan);
  assert.ok(!before.has(hex(stock().lastResort!)));
  assert.ok(stock().packages.length > 0 && !stock().packages.some((bytes) => before.has(hex(bytes))));
  await alice.connectAfterRestore();
  await alice.send({ peer: dan.userId }, "hello");
  await settle(alice, dan);
  assert.equal(dan.texts.at(-1), "hello");
});

test("key packages are replaced on the next connection if the one broke on which it was noticed", async () => {
  const { server, dan } = await flock();
  const stock = () => server.users.get(dan.userId)!.get(dan.deviceId)!;
  const before = hex(stock().lastResort!);
  const { tamper } = server;
  await dan.e2e.connected(server.welcome(dan));
  server.tamper = () => {
    throw new Error("the connection was lost");
  };
  await dan.e2e.wentBack();
  await until("it failed", () => dan.count("failed") > 0);
  server.tamper = tamper;
  await dan.restart();
  await dan.connect();
  await replaced(dan);
  assert.notEqual(hex(stock().lastResort!), before);
});

test("who is brought in by a key package that is used comes in by itself, and the others are not brought in once more", async () => {
  const all = await flock();
  const { server, alice, bob, carol, dan, chat } = all;
  const restore = server.backup();
  await goOn(all);
  await dan.send({ peer: carol.userId }, "uses one");
  await settle(carol, dan);
  carol.offline = true;
  restore();
  const epoch = epochOf(all);
  for (const client of [alice, bob]) await client.connectAfterRestore();
  await bob.send(chat, "carol cannot read this");
  await settle(alice, bob);
  await carol.connectAfterRestore();
  await until("carol is back", () => carol.events.some((event) => event.kind === "joined" && event.rejoined));
  await settle(alice, bob, carol);
  assert.equal(epochOf(all), epoch + 3n);
  await bob.send(chat, "but this");
  await settle(alice, bob, carol);
  assert.equal(carol.texts.at(-1), "but this");
  assert.deepEqual(carol.unreadable, ["state_lost"]);
});

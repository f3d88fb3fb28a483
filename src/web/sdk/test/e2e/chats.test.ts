import assert from "node:assert/strict";
import { test } from "node:test";
import { newId } from "../../src/e2e/chat/pending.js";
import { FakeServer, kLink, type TestClient } from "./fake-server.js";

async function settle(...clients: TestClient[]): Promise<void> {
  // Opening may cause sending: twice is enough for everything in these tests.
  for (let i = 0; i < 2; i++) for (const client of clients) await client.settle();
  for (const client of clients) assert.deepEqual(client.failures, []);
}

/** Waits for what is done in the background. */
async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1000 && !holds(); tries++) await new Promise((resolve) => setTimeout(resolve, 10));
}

async function connected(server: FakeServer, users: number): Promise<TestClient[]> {
  const clients: TestClient[] = [];
  for (let i = 0; i < users; i++) clients.push(await server.register());
  for (const client of clients) await client.connect();
  return clients;
}

test("a direct chat goes both ways, and the server sees no plaintext", async () => {
  const server = new FakeServer();
  const [alice, bob] = (await connected(server, 2)) as [TestClient, TestClient];
  await alice.send({ peer: bob.userId }, "hello from alice");
  await settle(bob);
  await bob.send({ peer: alice.userId }, "hello from bob");
  await settle(alice, bob);
  assert.deepEqual(bob.texts, ["hello from alice"]);
  assert.deepEqual(alice.texts, ["hello from bob"]);
  const seen = [...server.chats.values()].flatMap((chat) => chat.log).map((envelope) => Buffer.from(envelope.payload).toString("latin1"));
  assert.ok(seen.every((payload) => !payload.includes("hello")));
});

test("every device of both users reads, in any order of coming", async () => {
  const server = new FakeServer();
  const [alice, bob] = (await connected(server, 2)) as [TestClient, TestClient];
  const alice2 = await server.link(alice);
  const bob2 = await server.link(bob);
  for (const client of [alice2, bob2]) await client.connect();
  await alice.send({ peer: bob.userId }, "one");
  await settle(alice, alice2, bob, bob2);
  await bob2.send({ peer: alice.userId }, "two");
  await alice2.send({ peer: bob.userId }, "three");
  await settle(alice, alice2, bob, bob2);
  assert.deepEqual(bob.texts, ["one", "two", "three"]);
  assert.deepEqual(bob2.texts, ["one", "three"]);
  assert.deepEqual(alice.texts, ["two", "three"]);
  assert.deepEqual(alice2.texts, ["one", "two"]);
});

test("both begin the chat at once: one group is left, and all is read", async () => {
  const server = new FakeServer();
  const [alice, bob] = (await connected(server, 2)) as [TestClient, TestClient];
  await Promise.all([alice.send({ peer: bob.userId }, "a"), bob.send({ peer: alice.userId }, "b")]);
  await settle(alice, bob);
  assert.deepEqual(bob.texts, ["a"]);
  assert.deepEqual(alice.texts, ["b"]);
});

test("a device that is linked later comes in by itself and reads what comes then", async () => {
  const server = new FakeServer();
  const [alice, bob] = (await connected(server, 2)) as [TestClient, TestClient];
  await alice.send({ peer: bob.userId }, "before");
  await settle(alice, bob);
  const bob2 = await server.link(bob);
  await bob2.connect();
  await until(() => bob2.count("joined") === 1);
  await settle(alice, bob, bob2);
  await alice.send({ peer: bob.userId }, "after");
  await settle(alice, bob, bob2);
  assert.deepEqual(bob.texts, ["before", "after"]);
  assert.deepEqual(bob2.texts, ["after"]);
  assert.equal(alice.count("device_added"), 2);
  assert.equal(alice.count("identity_changed"), 1);
});

test("a revoked device is taken out by whoever writes next, and reads nothing more", async () => {
  const server = new FakeServer();
  const [alice, bob] = (await connected(server, 2)) as [TestClient, TestClient];
  const bob2 = await server.link(bob);
  await bob2.connect();
  await alice.send({ peer: bob.userId }, "to both");
  await settle(alice, bob, bob2);
  server.revoke(bob2);
  await alice.e2e.safetyNumber(bob.userId);  // Looked up anew, as after ten minutes.
  await alice.restart();
  await alice.connect();
  const rows = await forget(alice, bob.userId);
  assert.ok(rows);
  await alice.send({ peer: bob.userId }, "to one");
  await settle(alice, bob);
  assert.deepEqual(bob.texts, ["to both", "to one"]);
  assert.ok(alice.events.some((event) => event.kind === "device_removed" && event.device.deviceId === bob2.deviceId));
});

/** Lets what is known of a user be old, so that it is looked up. */
async function forget(client: TestClient, userId: bigint): Promise<boolean> {
  const row = client.rows.get(`e2e/user/${userId}`)!;
  const old = row.slice();
  old.fill(0, 18, 26);
  client.rows.set(`e2e/user/${userId}`, old);
  await client.restart();
  await client.e2e.connected(client.server.welcome(client));
  return true;
}

test("state survives restarts between any two messages", async () => {
  const server = new FakeServer();
  const [alice, bob] = (await connected(server, 2)) as [TestClient, TestClient];
  const sent: string[] = [];
  for (let i = 0; i < 6; i++) {
    sent.push(`message ${i}`);
    await alice.send({ peer: bob.userId }, sent[i]!);
    await settle(bob);
    const restarted = i % 2 ? alice : bob;
    await restarted.restart();
    await restarted.connect();
  }
  assert.deepEqual(bob.texts, sent);
});

test("a transaction that is aborted leaves all as it was", async () => {
  const server = new FakeServer();
  const [alice, bob] = (await connected(server, 2)) as [TestClient, TestClient];
  await alice.send({ peer: bob.userId }, "first");
  await settle(alice, bob);
  const before = bob.opened.find(({ opened }) => opened.kind === "content")!;
  await alice.send({ peer: bob.userId }, "second");
  await settle(bob);
  const last = bob.opened.at(-1)!;
  const tx = await bob.e2e.begin();
  assert.equal((await tx.open(last.envelope)).kind, "unreadable");
  tx.abort();
  // A message that came twice has no key any more.
  const again = await bob.e2e.begin();
  assert.deepEqual(await again.open(before.envelope), { kind: "unreadable", reason: "too_late" });
  again.abort();
});

test("a commit whose answer is lost counts once", async () => {
  const server = new FakeServer();
  const [alice, bob] = (await connected(server, 2)) as [TestClient, TestClient];
  alice.offline = true;  // Its own commit does not come back to it either.
  const ready = alice.e2e.ready({ peer: bob.userId });
  // Claims come first: only the commit's answer is lost.
  const tamper = server.tamper;
  server.tamper = (_device, reply) => {
    if (reply.case === "sent") throw new Error("the connection was lost");
    return reply;
  };
  await assert.rejects(ready, /connection was lost/);
  server.tamper = tamper;
  await alice.restart();
  await alice.connect();
  await alice.send({ peer: bob.userId }, "hello");
  await settle(alice, bob);
  assert.deepEqual(bob.texts, ["hello"]);
  const [chat] = [...server.chats.values()];
  assert.equal(chat!.epoch, 1n);
});

test("a device that lost its state comes back, and tells what it cannot read", async () => {
  const server = new FakeServer();
  const [alice, bob] = (await connected(server, 2)) as [TestClient, TestClient];
  await alice.send({ peer: bob.userId }, "one");
  await settle(alice, bob);
  for (const key of bob.rows.keys()) if (key.includes("/mls/")) bob.rows.delete(key);
  await bob.restart();
  await bob.connect();
  await alice.send({ peer: bob.userId }, "two");
  await settle(alice, bob);
  await until(() => bob.count("joined") === 2);  // By itself, in the background.
  await settle(alice, bob);
  await alice.send({ peer: bob.userId }, "three");
  await settle(alice, bob);
  assert.deepEqual(bob.texts, ["one", "three"]);
  assert.equal(bob.unreadable.length, 1);
  assert.ok(bob.events.some((event) => event.kind === "joined" && event.rejoined));
});

test("members of a group come and go, each with a commit", async () => {
  const server = new FakeServer();
  const [alice, bob, carol] = (await connected(server, 3)) as [TestClient, TestClient, TestClient];
  const chat = server.createGroup(alice);
  await alice.e2e.createGroup(chat);
  const name = await alice.e2e.encryptName(chat, "geese");
  await alice.e2e.changeMembers(chat, { add: [bob.userId, carol.userId] });
  await settle(alice, bob, carol);
  assert.equal(await bob.e2e.decryptName(chat, name), "geese");
  await bob.send({ chat }, "from bob");
  await settle(alice, bob, carol);
  await alice.e2e.changeMembers(chat, { remove: [carol.userId] });
  await settle(alice, bob, carol);
  await alice.send({ chat }, "without carol");
  await settle(alice, bob, carol);
  assert.deepEqual(bob.texts, ["without carol"]);
  assert.deepEqual(alice.texts, ["from bob"]);
  assert.deepEqual(carol.texts, ["from bob"]);
  assert.equal(carol.count("left"), 1);
});

test("who leaves is taken out by the next who writes", async () => {
  const server = new FakeServer();
  const [alice, bob, carol] = (await connected(server, 3)) as [TestClient, TestClient, TestClient];
  const chat = server.createGroup(alice);
  await alice.e2e.createGroup(chat);
  await alice.e2e.changeMembers(chat, { add: [bob.userId, carol.userId] });
  await settle(alice, bob, carol);
  await server.request(carol, { case: "changeGroup", value: { id: new Uint8Array(16).fill(7), chat, remove: [carol.userId] } });
  await settle(alice, bob, carol);
  await bob.send({ chat }, "she left");
  await settle(alice, bob);
  assert.deepEqual(alice.texts, ["she left"]);
  assert.ok(alice.events.some((event) => event.kind === "device_removed" && event.device.userId === carol.userId));
});

test("many change a group at once: all changes are made, one after the other", async () => {
  const server = new FakeServer();
  const clients = await connected(server, 7);
  const [alice, bob, carol, ...others] = clients as [TestClient, TestClient, TestClient, ...TestClient[]];
  const chat = server.createGroup(alice);
  await alice.e2e.createGroup(chat);
  await alice.e2e.changeMembers(chat, { add: [bob.userId, carol.userId] });
  await settle(...clients);
  await Promise.all([alice, bob, carol].map((client, i) => client.e2e.changeMembers(chat, { add: [others[i]!.userId] })));
  await settle(...clients);
  await others[2]!.send({ chat }, "hello all");
  await settle(...clients);
  for (const client of [alice, bob, carol, others[0]!, others[1]!]) assert.deepEqual(client.texts, ["hello all"]);
});

test("who comes by a link that a member made is proved; who has the server's part alone is told of", async () => {
  const server = new FakeServer();
  const [alice, bob, carol] = (await connected(server, 3)) as [TestClient, TestClient, TestClient];
  const chat = server.createGroup(alice);
  await alice.e2e.createGroup(chat);
  const plain = kLink + Buffer.from(chat).toString("hex");
  await bob.e2e.joinGroup(await alice.e2e.extendLink(chat, plain, new Uint8Array(8).fill(1)));
  await settle(alice, bob);
  await carol.e2e.joinGroup(plain);
  await settle(alice, bob, carol);
  await alice.send({ chat }, "hello");
  await settle(alice, bob, carol);
  assert.deepEqual([bob.texts, carol.texts], [["hello"], ["hello"]]);
  const came = alice.events.flatMap((event) => (event.kind === "device_added" ? [[event.device.userId, event.by]] : []));
  assert.deepEqual(came, [[bob.userId, "link"], [carol.userId, "server"]]);
  const name = await alice.e2e.encryptName(chat, "geese");
  assert.equal(await carol.e2e.decryptName(chat, name), "geese", "the secret came with the first message");
});

test("who was taken out a moment ago, or left, is in when another member adds them", async () => {
  const server = new FakeServer();
  const [alice, bob, carol, dan] = (await connected(server, 4)) as [TestClient, TestClient, TestClient, TestClient];
  const chat = server.createGroup(alice);
  await alice.e2e.createGroup(chat);
  await alice.e2e.changeMembers(chat, { add: [bob.userId, carol.userId, dan.userId] });
  await settle(alice, bob, carol, dan);
  await alice.e2e.changeMembers(chat, { remove: [carol.userId] });
  await server.request(dan, { case: "changeGroup", value: { id: newId(Date.now()), chat, remove: [dan.userId] } });
  await bob.e2e.changeMembers(chat, { add: [carol.userId, dan.userId] });
  await settle(alice, bob, carol, dan);
  await alice.send({ chat }, "welcome back");
  await settle(alice, bob, carol, dan);
  for (const client of [bob, carol, dan]) assert.deepEqual(client.texts, ["welcome back"]);
});

test("whatever happens in which order, members read all that is sent while they are in", async () => {
  const seed = Number(process.env["SEED"] ?? Date.now() % 1e6);
  console.log(`# seed ${seed}`);
  let state = seed;
  const random = (below: number) => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
  const server = new FakeServer();
  const clients = await connected(server, 5);
  const [owner] = clients as [TestClient];
  const chat = server.createGroup(owner);
  await owner.e2e.createGroup(chat);
  const inside = new Set([owner]);
  const expected = new Map<TestClient, string[]>(clients.map((client) => [client, []]));
  for (let step = 0; step < 40; step++) {
    const members = [...inside];
    const actor = members[random(members.length)]!;
    const what = random(10);
    if (what < 5) {
      await actor.send({ chat }, `message ${step}`);
      for (const member of members) if (member !== actor) expected.get(member)!.push(`message ${step}`);
    } else if (what < 7) {
      const outside = clients.filter((client) => !inside.has(client));
      if (outside.length === 0) continue;
      const added = outside[random(outside.length)]!;
      await actor.e2e.changeMembers(chat, { add: [added.userId] });
      inside.add(added);
    } else if (what === 7) {
      const others = members.filter((member) => member !== actor);
      if (others.length === 0) continue;
      const removed = others[random(others.length)]!;
      await actor.e2e.changeMembers(chat, { remove: [removed.userId] });
      inside.delete(removed);
    } else {
      await settle(...clients);
      await actor.restart();
      await actor.connect();
    }
    if (random(2)) await settle(...clients);
  }
  await settle(...clients);
  for (const client of clients) assert.deepEqual(client.texts, expected.get(client));
});

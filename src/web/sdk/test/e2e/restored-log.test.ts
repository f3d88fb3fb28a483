// After the server's key log went back: nothing is encrypted until the user goes on with the log that there is now, and what was
// known of users before is compared with it.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { E2eEvent } from "../../src/e2e/api.js";
import { equal, randomBytes } from "../../src/e2e/bytes.js";
import { FakeLog } from "./fake-log.js";
import { FakeServer, type TestClient } from "./fake-server.js";

/** A server with people who know each other, whose log is restored to what it was when the backup was made. */
class Scene {
  readonly server = new FakeServer();
  alice!: TestClient;
  bob!: TestClient;
  backup!: FakeLog;

  static async of(): Promise<Scene> {
    const scene = new Scene();
    scene.alice = await scene.server.register();
    scene.bob = await scene.server.register();
    await scene.alice.connect();
    await scene.bob.connect();
    await scene.alice.connect();
    await scene.alice.send({ peer: scene.bob.userId }, "before");
    scene.makeBackup();
    return scene;
  }

  makeBackup(): void {
    this.backup = new FakeLog(this.server.log);
  }

  /** Somebody registers, and everybody of `who` sees the longer log. */
  async grow(...who: TestClient[]): Promise<TestClient> {
    const newcomer = await this.server.register();
    await newcomer.connect();
    for (const client of who) await client.connect();
    return newcomer;
  }

  restore(): void {
    this.server.log = this.backup;
  }
}

/** The log is not the one from before, as the client finds at once; its user goes on with it. */
async function accept(client: TestClient): Promise<void> {
  await assert.rejects(client.connect(), { code: "server_lied" });
  assert.equal(client.e2e.logFault()?.acceptable, true);
  await client.e2e.acceptLog();
  assert.equal(client.e2e.logFault(), undefined);
  await client.connect();
}

function changesOf(client: TestClient, userId: bigint) {
  return client.events.filter((event): event is Extract<E2eEvent, { kind: "identity_changed" }> => event.kind === "identity_changed" && event.userId === userId);
}

/** As if that were long ago for what is known of `other`. */
async function lookUp(client: TestClient, other: TestClient): Promise<void> {
  client.rows.get(`e2e/user/${other.userId}`)!.fill(0, 18, 26);
  await client.restart();
  await client.e2e.connected(client.server.welcome(client));
  await client.e2e.safetyNumber(other.userId);
}

async function verify(client: TestClient, other: TestClient): Promise<void> {
  assert.ok(await client.e2e.verifySafetyNumber(other.userId, (await other.e2e.safetyNumber(client.userId)).qr));
}

/** Waits for what is done in the background. */
async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !holds(); tries++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(holds(), what);
}

const pass = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const kWays: Record<string, (scene: Scene) => void> = {
  "is shorter": () => {},
  "has other entries": ({ backup }) => backup.append(77n, []),
  "was shorter, and is longer again": ({ backup }) => [77n, 78n, 79n].forEach((user) => backup.append(user, [])),
  "has another key": (scene) => {
    const { entries } = scene.backup;
    scene.backup = new FakeLog();
    scene.backup.entries = entries;
  },
};

for (const [way, change] of Object.entries(kWays)) {
  test(`a log that ${way} stops encryption until the user accepts it, and then nobody with the same keys is told of`, async () => {
    const scene = await Scene.of();
    const { alice, bob } = scene;
    await verify(alice, bob);
    await scene.grow(alice);
    change(scene);
    scene.restore();
    await assert.rejects(alice.connect(), { code: "server_lied" });
    await assert.rejects(alice.send({ peer: bob.userId }, "not yet"), { code: "server_lied" });
    assert.deepEqual(alice.events.filter(({ kind }) => kind === "server_lied").map((event) => "acceptable" in event && event.acceptable), [true]);
    await alice.restart();
    assert.equal(alice.e2e.logFault(), undefined, "it is found again on the connection");
    await accept(alice);
    await bob.connect().catch(() => accept(bob)); // who saw nothing of what was lost need not accept, unless the key is another
    await alice.send({ peer: bob.userId }, "after");
    await bob.settle();
    assert.deepEqual(bob.texts, ["before", "after"]);
    assert.deepEqual(changesOf(alice, bob.userId), []);
    assert.equal((await alice.e2e.safetyNumber(bob.userId)).verified, true);
    await alice.restart();
    await alice.connect();
    await alice.send({ peer: bob.userId }, "after a restart");
  });
}

test("who has other devices in the restored log is told, and is not verified any more", async () => {
  const scene = await Scene.of();
  const { server, alice, bob } = scene;
  const bob2 = await server.link(bob);
  await bob2.connect();
  await bob.connect();
  await lookUp(alice, bob);
  await verify(alice, bob);
  // With the log the server forgets the device, and gives its number to another.
  server.users.get(bob.userId)!.delete(bob2.deviceId);
  scene.restore();
  const other = await server.link(bob);
  await other.e2e.connected(server.welcome(other));
  await accept(alice);
  alice.events.length = 0;
  await alice.send({ peer: bob.userId }, "after");
  assert.deepEqual(changesOf(alice, bob.userId), [{ kind: "identity_changed", userId: bob.userId, wasVerified: true, added: [], removed: [], rekeyed: [bob2.deviceId] }]);
  assert.equal((await alice.e2e.safetyNumber(bob.userId)).verified, false);
});

test("a device that was signed out and is back is told as new, and to its own user as unknown, every time", async () => {
  const scene = await Scene.of();
  const { server, alice, bob } = scene;
  const stolen = await server.link(bob);
  await stolen.connect();
  await bob.connect();
  await lookUp(alice, bob);
  scene.makeBackup();
  server.revoke(stolen);
  await bob.connect();
  await lookUp(alice, bob);
  assert.deepEqual(changesOf(alice, bob.userId).at(-1)?.removed, [stolen.deviceId]);
  await verify(alice, bob);
  server.users.get(bob.userId)!.get(stolen.deviceId)!.revoked = false;
  scene.restore();
  await accept(alice);
  await alice.e2e.safetyNumber(bob.userId);
  const [last] = changesOf(alice, bob.userId).slice(-1);
  assert.deepEqual([last?.added, last?.wasVerified], [[stolen.deviceId], true]);
  const strange = () => bob.events.filter((event) => event.kind === "unknown_own_device").map(({ devices }) => devices);
  await accept(bob);
  assert.deepEqual(strange(), [[stolen.deviceId]]);
  await bob.restart();
  await bob.connect();
  assert.deepEqual(strange(), [[stolen.deviceId], [stolen.deviceId]]);
  server.revoke(stolen);
  await bob.restart();
  await bob.connect();
  assert.equal(strange().length, 2, "signed out again");
});

for (const known of [true, false]) {
  test(`who came after the backup has no keys any more${known ? "" : " and is unknown"}, and is told when they come again`, async () => {
    const scene = await Scene.of();
    const { server, alice } = scene;
    const carol = await scene.grow(alice);
    await alice.e2e.safetyNumber(carol.userId);
    const devices = server.users.get(carol.userId)!;
    if (!known) server.users.delete(carol.userId);
    scene.restore();
    await accept(alice);
    assert.equal((await alice.e2e.safetyNumber(carol.userId)).verified, false);
    assert.deepEqual(changesOf(alice, carol.userId).map(({ removed }) => removed), [[carol.deviceId]]);
    await assert.rejects(alice.send({ peer: carol.userId }, "to whom?"), { code: "no_keys" });
    server.users.set(carol.userId, devices);
    devices.clear();
    const again = await server.link(carol); // approved by the key that was known
    await again.e2e.connected(server.welcome(again));
    await lookUp(alice, carol);
    assert.deepEqual(changesOf(alice, carol.userId).map(({ added }) => added), [[], [again.deviceId]]);
  });
}

test("what no restore explains cannot be accepted, and neither can nothing", async () => {
  const { server, alice, bob } = await Scene.of();
  await assert.rejects(alice.e2e.acceptLog(), { code: "nothing_to_accept" });
  server.tamper = (_device, reply) => {
    if (reply.case === "claimedKeys") reply.value.head!.signature = randomBytes(64);
    return reply;
  };
  await assert.rejects(alice.connect(), { code: "server_lied" });
  assert.equal(alice.e2e.logFault()?.acceptable, false);
  await assert.rejects(alice.e2e.acceptLog(), { code: "nothing_to_accept" });
  await assert.rejects(alice.send({ peer: bob.userId }, "secret"), { code: "server_lied" });
});

test("a user's keys that go back within one log cannot be accepted, also after a log was", async () => {
  const scene = await Scene.of();
  const { server, alice, bob } = scene;
  await scene.grow(alice);
  scene.restore();
  await accept(alice);
  const bob2 = await server.link(bob);
  await bob2.connect();
  await alice.e2e.safetyNumber(bob.userId);
  server.tamper = (_device, reply) => {
    if (reply.case !== "claimedKeys") return reply;
    const first = server.log.entries.findIndex((entry) => entry.userId === bob.userId);
    for (const user of reply.value.users) if (user.userId === bob.userId) Object.assign(user, server.log.entries[first], { logIndex: BigInt(first), devices: user.devices.slice(0, 1) });
    reply.value.proof = server.log.prove(reply.value.users.map((user) => Number(user.logIndex)));
    return reply;
  };
  await assert.rejects(lookUp(alice, bob), { code: "server_lied" });
  assert.equal(alice.e2e.logFault()?.acceptable, false);
});

for (const way of ["is shorter", "has another key"]) {
  test(`heads of the log from before, in messages on their way, change nothing once a log that ${way} was accepted`, async () => {
    const scene = await Scene.of();
    const { alice, bob } = scene;
    await bob.settle();
    alice.offline = true;
    await scene.grow(bob);
    await bob.send({ peer: alice.userId }, "on its way");
    await scene.grow();
    await alice.e2e.connected(scene.server.welcome(alice)); // a longer log than the backup's, and no messages yet
    kWays[way]!(scene);
    scene.restore();
    await accept(alice);
    await pass(50);
    assert.deepEqual(alice.texts, ["on its way"]);
    assert.deepEqual([alice.count("server_lied"), alice.count("log_differs")], [1, 0]);
  });
}

test("who learns of the log from before by a message alone is stopped, also after a restart, and may accept", async () => {
  const scene = await Scene.of();
  const { alice, bob } = scene;
  await bob.settle();
  bob.offline = true;
  await scene.grow(alice);
  await alice.send({ peer: bob.userId }, "of what was lost");
  scene.restore();
  await bob.connect();
  await until("he is told", () => bob.count("server_lied") === 1);
  assert.equal(bob.e2e.logFault()?.acceptable, true);
  await bob.restart();
  await accept(bob);
  await accept(alice);
  await alice.send({ peer: bob.userId }, "after");
  await bob.send({ peer: alice.userId }, "good");
  await Promise.all([alice.settle(), bob.settle()]);
  assert.deepEqual([alice.texts, bob.texts], [["good"], ["before", "of what was lost", "after"]]);
  await bob.restart();
  await bob.connect();
});

test("a message that named a log which turns out to be ours does not stop for good", async () => {
  const scene = await Scene.of();
  const { server, alice, bob } = scene;
  await bob.settle();
  bob.offline = true;
  await scene.grow(alice);
  await alice.send({ peer: bob.userId }, "of what is late");
  const whole = server.log;
  scene.restore();
  await bob.connect();
  await until("he is told", () => bob.count("server_lied") === 1);
  server.log = whole; // the operator had a newer backup
  await bob.restart();
  await bob.connect();
  await bob.send({ peer: alice.userId }, "good");
  assert.equal(bob.rows.has("e2e/log/disputed"), false);
});

/** Both have accepted a log that is much shorter than the one from before. */
async function bothAccepted(): Promise<Scene> {
  const scene = await Scene.of();
  const { alice, bob } = scene;
  for (let i = 0; i < 3; i++) await scene.grow(alice, bob);
  await bob.send({ peer: alice.userId }, "hello");
  await alice.send({ peer: bob.userId }, "hello");
  await Promise.all([alice.settle(), bob.settle()]);
  scene.restore();
  await accept(alice);
  await accept(bob);
  await pass(20);
  return scene;
}

test("after a log was accepted a fork of it is found by the first message, although it is shorter than the one before", async () => {
  const { server, alice, bob } = await bothAccepted();
  const fork = new FakeLog(server.log);
  fork.append(77n, []);
  server.log.append(88n, []);
  server.logFor = (device) => (device.userId === bob.userId ? fork : server.log);
  await alice.connect();
  await bob.connect();
  await bob.send({ peer: alice.userId }, "of another log");
  await alice.settle();
  await until("it is told", () => alice.count("server_lied") === 2);
});

test("a head of the log from before that is newer than the accepted one is a fork", async () => {
  const scene = await Scene.of();
  const { server, alice, bob } = scene;
  await bob.settle();
  await scene.grow(alice, bob);
  const before = server.log;
  scene.restore();
  server.logFor = (device) => (device.userId === bob.userId ? before : server.log);
  await accept(alice);
  await pass(20);
  before.append(99n, []);
  await bob.connect();
  await bob.send({ peer: alice.userId }, "of the log from before");
  await alice.settle();
  await until("it is told", () => alice.count("server_lied") === 2);
});

test("a server that proves to a user both their log and the one of a peer is found", async () => {
  const { server, alice, bob } = await Scene.of();
  await bob.settle();
  const fork = new FakeLog(server.log);
  fork.append(77n, []);
  fork.append(78n, []);
  server.log.append(88n, []);
  // Whoever asks about a head gets the log that it is of.
  server.logFor = (device) => (device.userId === bob.userId ? fork : server.log);
  await alice.connect();
  await bob.connect();
  const request = server.request.bind(server);
  server.request = async (device, body) => {
    if (body.case === "getTreeHead" && body.value.logSize === BigInt(fork.entries.length)) return { case: "treeHead", value: fork.head(body.value.logSize) };
    return request(device, body);
  };
  await bob.send({ peer: alice.userId }, "of another log");
  await alice.settle();
  await until("it is told", () => alice.count("server_lied") === 1);
});

test("what was kept of users before there could be another log is of the first one", async () => {
  const scene = await Scene.of();
  const { alice, bob } = scene;
  await verify(alice, bob);
  const row = `e2e/user/${bob.userId}`;
  alice.rows.set(row, alice.rows.get(row)!.slice(0, -4)); // as it was written then
  await alice.restart();
  assert.equal((await alice.e2e.safetyNumber(bob.userId)).verified, true);
  await scene.grow(alice);
  scene.restore();
  await accept(alice);
  assert.equal((await alice.e2e.safetyNumber(bob.userId)).verified, true);
  assert.deepEqual(changesOf(alice, bob.userId), []);
});

test("statuses get another key once a log was accepted", async () => {
  const scene = await Scene.of();
  const { alice, bob } = scene;
  const seal = () => alice.e2e.sealStatus([bob.userId], new Uint8Array(1));
  const before = await seal();
  before.writes.forEach(({ key, value }) => alice.rows.set(key, value!));
  assert.ok(equal((await seal()).keyMessage, before.keyMessage));
  await scene.grow(alice);
  scene.restore();
  await accept(alice);
  const after = await seal();
  assert.ok(!equal(after.keyMessage, before.keyMessage));
  assert.deepEqual(after.newViewers, [bob.userId]);
});

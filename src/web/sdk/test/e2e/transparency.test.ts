import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "@noble/hashes/sha2.js";
import type { KeyLogEntry } from "../../src/gen/godwit_pb.js";
import type { ReplyBody } from "../../src/e2e/api.js";
import { be64, fromHex, hex, labelled, randomBytes, utf8 } from "../../src/e2e/bytes.js";
import { verify } from "../../src/e2e/device-keys.js";
import { entryHash } from "../../src/e2e/transparency/entries.js";
import { consistent, leafHash, nodeHash, rootOfProof, RunningRoot } from "../../src/e2e/transparency/merkle.js";
import { consistencyProof, FakeLog, multiProof, rootOf } from "./fake-log.js";
import { FakeServer, type TestClient } from "./fake-server.js";

const leavesOf = (size: number) => Array.from({ length: size }, (_, i) => leafHash(utf8(`entry ${i}`)));

test("hashes are those of RFC 9162", () => {
  assert.equal(hex(leafHash(new Uint8Array())), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  assert.equal(hex(rootOf([])), hex(sha256(new Uint8Array())));
  // The tree of the first two leaves of RFC 6962's test data: "" and 0x00.
  assert.equal(hex(nodeHash(leafHash(new Uint8Array()), leafHash(Uint8Array.of(0)))), "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
});

test("proofs of any leaves hold, and fail when anything is changed", () => {
  for (let size = 1; size <= 40; size++) {
    const leaves = leavesOf(size);
    const root = hex(rootOf(leaves));
    for (const step of [1, 2, 3, 7]) {
      const wanted = leaves.map((_, i) => i).filter((i) => i % step === size % step);
      const named = wanted.map((i): [bigint, Uint8Array] => [BigInt(i), leaves[i]!]);
      const proof = multiProof(leaves, wanted);
      const prove = (leaves_ = named, proof_ = proof, size_ = size) => hex(rootOfProof(BigInt(size_), leaves_, proof_) ?? new Uint8Array());
      assert.equal(prove(), root);
      assert.notEqual(prove(named, [...proof, randomBytes(32)]), root, "a hash too many");
      if (proof.length > 0) {
        assert.notEqual(prove(named, proof.slice(1)), root, "a hash too few");
        assert.notEqual(prove(named, [randomBytes(32), ...proof.slice(1)]), root, "another hash");
        assert.notEqual(prove(named, [proof[0]!.slice(1), ...proof.slice(1)]), root, "a short hash");
      }
      if (named.length > 0) assert.notEqual(prove([[named[0]![0], randomBytes(32)], ...named.slice(1)]), root, "another leaf");
      if (named.length > 1) assert.notEqual(prove([...named].reverse()), root, "out of order");
    }
    const running = new RunningRoot();
    leaves.forEach((leaf) => running.append(leaf));
    assert.equal(hex(running.root()), root);
  }
});

test("a log that was only added to is consistent, any other is not", () => {
  for (let second = 1; second <= 34; second++) {
    const leaves = leavesOf(second);
    for (let first = 1; first <= second; first++) {
      const proof = consistencyProof(leaves, first);
      const check = (root = rootOf(leaves.slice(0, first)), proof_ = proof, first_ = first) => consistent(BigInt(first_), root, BigInt(second), rootOf(leaves), proof_);
      assert.ok(check());
      assert.ok(!check(randomBytes(32)));
      assert.ok(!check(undefined, [...proof, randomBytes(32)]));
      if (proof.length > 0) assert.ok(!check(undefined, proof.slice(0, -1)));
      if (first > 1) assert.ok(!check(rootOf([randomBytes(32), ...leaves.slice(1, first)])), "the first entry was rewritten");
    }
  }
  assert.ok(!consistent(2n, rootOf(leavesOf(2)), 1n, rootOf(leavesOf(1)), []), "shorter than before");
});

test("the example of docs/protocol/keys.md", async () => {
  const device = (user: number, deviceId: number) => ({
    deviceId, deviceKey: new Uint8Array(32).fill(16 * user + deviceId), identityKey: new Uint8Array(32).fill(16 * user + deviceId + 128),
  });
  const entry = (position: number, user: number, version: bigint, previous: bigint, ids: number[]) =>
    entryHash({ userId: BigInt(user), version, previous, timeMs: 1_700_000_000_000n + BigInt(position), devices: ids.map((id) => device(user, id)) });
  const leaves = [entry(0, 1, 1n, 0n, [1]), entry(1, 2, 1n, 0n, [1]), entry(2, 1, 2n, 1n, [1, 2]), entry(3, 3, 1n, 0n, [1]), entry(4, 2, 2n, 2n, [])];
  assert.equal(hex(leaves[1]!), "1958cd281095b33e9c6df465db6321a0f40a22c296fef560567e75528d69fff6");
  const proof = ["d8c47bb333da4cc4911459300fcc57fd9fa3e0805ec1492fb850c6be1b8e9d9f", "7c6876ddf6df4a91e17663a9a8ee134389797d47398c76967761c3ab9905300b"];
  const root = rootOfProof(5n, [[1n, leaves[1]!], [4n, leaves[4]!]], proof.map(fromHex))!;
  assert.equal(hex(root), "0e32f030c4b76cbcdc9f115d45fd26b83ed4502d12755fc4270da1e624ff9e1a");
  assert.ok(consistent(3n, rootOf(leaves.slice(0, 3)), 5n, root, consistencyProof(leaves, 3)));
  const signature = fromHex("e27e72cd721b84f94b494c3e6643d3312" + "1ab65a19383ff0b83c53f3f2ce0dec8ded9d4d62e2518ceb2deba767caab2665f65fbd26fc1e855b9d5cd8ac93a8302");
  const logKey = fromHex("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8");
  assert.ok(await verify(logKey, labelled("tree-head", be64(5n), root, be64(1_700_000_000_005n)), signature));
});

async function pair(): Promise<{ server: FakeServer; alice: TestClient; bob: TestClient }> {
  const server = new FakeServer();
  const alice = await server.register();
  const bob = await server.register();
  await alice.connect();
  await bob.connect();
  await alice.connect();
  return { server, alice, bob };
}

/** What alice's server does to replies, and what she must see: nothing is sent, and she is told. */
async function lies(tamper: (reply: ReplyBody, bob: TestClient) => void): Promise<void> {
  const { server, alice, bob } = await pair();
  server.tamper = (device, reply) => {
    if (device.userId === alice.userId) tamper(reply, bob);
    return reply;
  };
  await assert.rejects(alice.send({ peer: bob.userId }, "secret"), { name: "E2eError", code: "server_lied" });
  assert.equal(alice.count("server_lied"), 1);
  server.tamper = (_device, reply) => reply;
  await assert.rejects(alice.send({ peer: bob.userId }, "secret"), { code: "server_lied" }, "a liar is not asked again");
  await alice.restart();
  await alice.connect();
  await alice.send({ peer: bob.userId }, "secret");
}

/** Waits for what is done in the background. */
async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !holds(); tries++) await new Promise((resolve) => setTimeout(resolve, 10));
}

const claimed = (reply: ReplyBody) => (reply.case === "claimedKeys" ? reply.value : undefined);

test("a swapped identity key is detected", () => lies((reply) => {
  for (const user of claimed(reply)?.users ?? []) for (const device of user.devices) device.identityKey = randomBytes(32);
}));

test("a device that is left out is detected", () => lies((reply) => {
  for (const user of claimed(reply)?.users ?? []) user.devices = [];
}));

test("keys of another user in place of the peer's are detected", () => lies((reply) => {
  for (const user of claimed(reply)?.users ?? []) user.userId += 5n;
}));

test("a head with a wrong signature is detected", () => lies((reply) => {
  const head = claimed(reply)?.head;
  if (head) head.signature = randomBytes(64);
}));

test("a log that was rewritten is detected on the next connection", async () => {
  const { server, alice } = await pair();
  const other = new FakeLog(server.log);
  other.entries[0] = { ...other.entries[0]!, timeMs: 1n };
  other.append(99n, []);
  server.log = other;
  await assert.rejects(alice.connect(), { code: "server_lied" });
  assert.equal(alice.count("server_lied"), 1);
});

test("a log that became shorter is detected on the next connection", async () => {
  const { server, alice } = await pair();
  server.log.entries.pop();
  await assert.rejects(alice.connect(), { code: "server_lied" });
});

test("another log key is detected", async () => {
  const { server, alice } = await pair();
  const other = new FakeLog();
  other.entries = server.log.entries;
  server.log = other;
  await assert.rejects(alice.connect(), { code: "server_lied" });
});

test("keys of a user that go back are detected", async () => {
  const { server, alice, bob } = await pair();
  const bob2 = await server.link(bob);
  await bob2.connect();
  await alice.e2e.safetyNumber(bob.userId);
  server.tamper = (_device, reply) => {
    for (const user of claimed(reply)?.users ?? []) {
      if (user.userId !== bob.userId) continue;
      const old = server.log.entries.findIndex((entry) => entry.userId === bob.userId);
      Object.assign(user, server.log.entries[old], { logIndex: BigInt(old), devices: user.devices.slice(0, 1) });
      claimed(reply)!.proof = server.log.prove(claimed(reply)!.users.map((told) => Number(told.logIndex)));
    }
    return reply;
  };
  await old(alice, bob.userId);
  await assert.rejects(alice.e2e.safetyNumber(bob.userId), { code: "server_lied" });
});

/** Lets what is known of a user be old, so that it is looked up. */
async function old(client: TestClient, userId: bigint): Promise<void> {
  client.rows.get(`e2e/user/${userId}`)!.fill(0, 18, 26);
  await client.restart();
  await client.e2e.connected(client.server.welcome(client));
}

test("a fork of the log is found by the first message of somebody on the other side", async () => {
  const { server, alice, bob } = await pair();
  // From here on bob is shown a log of his own.
  const fork = new FakeLog(server.log);
  fork.append(77n, []);
  server.log.append(88n, []);
  server.logFor = (device) => (device.userId === bob.userId ? fork : server.log);
  await alice.connect();
  await bob.connect();
  await alice.send({ peer: bob.userId }, "hello");
  await bob.settle();
  await until(() => bob.count("server_lied") > 0);
  await assert.rejects(bob.send({ peer: alice.userId }, "to whom?"), { code: "server_lied" });
  await assert.rejects(bob.e2e.safetyNumber(alice.userId), { code: "server_lied" });
  assert.equal(bob.count("server_lied"), 1);
});

test("a head that is signed by another key is told, and blames nobody for sure", async () => {
  const server = new FakeServer();
  const own = new FakeLog();
  server.logFor = (device) => (device.userId === 2n ? own : server.log);
  const append = server.log.append.bind(server.log);
  server.log.append = (userId, devices) => {
    append(userId, devices);
    own.append(userId, devices);
  };
  const alice = await server.register();
  const bob = await server.register();
  await alice.connect();
  await bob.connect();
  await alice.send({ peer: bob.userId }, "hello");
  await bob.settle();
  await until(() => bob.count("log_differs") > 0);
  assert.deepEqual(bob.texts, ["hello"]);
  assert.equal(bob.count("log_differs"), 1);
  assert.equal(bob.count("server_lied"), 0);
});

test("a device that nobody approved gets nothing, and its user is told", async () => {
  const { server, alice, bob } = await pair();
  const spy = await server.smuggle(bob.userId);
  await spy.e2e.connected(server.welcome(spy));
  await alice.send({ peer: bob.userId }, "for bob");
  await Promise.all([bob.settle(), spy.settle()]);
  assert.deepEqual(bob.texts, ["for bob"]);
  assert.deepEqual(spy.texts, []);
  await bob.connect();
  assert.ok(bob.events.some((event) => event.kind === "unknown_own_device" && event.devices.includes(spy.deviceId)));
});

test("a device that came and went while its user was away is told", async () => {
  const { server, bob } = await pair();
  const spy = await server.smuggle(bob.userId);
  await spy.e2e.connected(server.welcome(spy));
  server.revoke(spy);
  await bob.connect();
  assert.ok(bob.events.some((event) => event.kind === "unknown_own_device" && event.devices.includes(spy.deviceId)));
});

test("devices whose approver is revoked count for those who knew them, and for newcomers", async () => {
  const { server, alice, bob } = await pair();
  const bob2 = await server.link(bob);
  await bob2.connect();
  await alice.send({ peer: bob.userId }, "to both");
  server.revoke(bob);
  const carol = await server.register();
  await carol.connect();
  await carol.send({ peer: bob2.userId }, "from carol");
  await old(alice, bob.userId);
  await alice.send({ peer: bob2.userId }, "to one");
  await bob2.settle();
  assert.deepEqual(bob2.texts, ["to both", "from carol", "to one"]);
});

test("the whole log is audited, and a chain of a user that was broken is found", async () => {
  const { server, alice } = await pair();
  for (let i = 0; i < 30; i++) server.log.append(BigInt(100 + (i % 7)), []);
  assert.deepEqual(await alice.e2e.auditKeyLog(), { entries: 32, users: 9 });
  server.log.append(100n, []);
  const last = server.log.entries.at(-1) as KeyLogEntry;
  server.log.entries[server.log.entries.length - 1] = { ...last, version: 1n, previous: 0n };
  await assert.rejects(alice.e2e.auditKeyLog(), { code: "server_lied" });
});

test("safety numbers are the same on both sides, are verified by QR, and a new device resets them", async () => {
  const { server, alice, bob } = await pair();
  const seen = await bob.e2e.safetyNumber(alice.userId);
  const mine = await alice.e2e.safetyNumber(bob.userId);
  assert.equal(mine.digits, seen.digits);
  assert.match(mine.digits, /^\d{60}$/);
  assert.equal(await alice.e2e.verifySafetyNumber(bob.userId, mine.qr), false, "one's own code is not the other's");
  assert.equal(await alice.e2e.verifySafetyNumber(bob.userId, seen.qr), true);
  assert.equal((await alice.e2e.safetyNumber(bob.userId)).verified, true);
  const bob2 = await server.link(bob);
  await bob2.connect();
  await old(alice, bob.userId);
  const now = await alice.e2e.safetyNumber(bob.userId);
  assert.equal(now.verified, false);
  assert.notEqual(now.digits, mine.digits);
  assert.ok(alice.events.some((event) => event.kind === "identity_changed" && event.wasVerified && event.added.includes(bob2.deviceId)));
});

// What may happen to the encryption itself: lost commits, lost states, wrong clocks, full storages, dishonest servers.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client, SecurityEvent } from "../../src/api.js";
import { openE2e as e2e } from "../../src/e2e/e2e.js";
import type { Envelope } from "../../src/gen/godwit_pb.js";
import type { Daemon } from "../support/daemon.js";
import { type Disk, has, heard, openClient, person, texts, until } from "../support/people.js";
import { twoPeople } from "../support/two-people.js";
import type { Wire } from "../support/wire.js";

let daemon: Daemon;
let wire: Wire;
let disk: Disk;
let alice: Client;
let bob: Client;
let toBob: string;
let toAlice: string;
let n: number;
twoPeople({ e2e }, () => [alice, bob], (made) => ({ daemon, wire, disk, alice, bob, toBob, toAlice, n } = made));

/** Bob opens what is stored again, after a crash or a close. */
async function bobAgain(): Promise<void> {
  bob = await openClient(wire.url, { e2e, storage: disk.options });
}

/** Leaves out of what bob is delivered whatever fits. */
function withhold(fits: (envelope: Envelope) => boolean): void {
  wire.onServerFrame = (body) => {
    if (body.case !== "deliver") return "pass";
    body.value.envelopes = body.value.envelopes.filter((envelope) => !fits(envelope));
    return "changed";
  };
}

test("a device that lost its encryption comes back, and reads what is sent from then on", async () => {
  await alice.send(toBob, "before");
  await has(bob, toAlice, "before");
  await bob.close();
  await disk.lose("e2e/");
  await bobAgain();
  await until("online", () => bob.state === "online");
  await bob.send(toAlice, "back again");
  await has(alice, toBob, "back again");
  await alice.send(toBob, "welcome back");
  await has(bob, toAlice, "welcome back");
  assert.deepEqual(await texts(bob, toAlice), ["before", "back again", "welcome back"]);
});

test("a device that lost its encryption and only listens comes back with the first message that it cannot read", async () => {
  await alice.send(toBob, "before");
  await has(bob, toAlice, "before");
  await bob.close();
  await disk.lose("e2e/chat/");
  await bobAgain();
  const unreadable = heard(bob, "message", ({ content }) => content.kind === "unreadable");
  await alice.send(toBob, "lost");
  await unreadable;
  await until("bob is back in", async () => {
    await alice.send(toBob, "can you read me?");
    return (await texts(bob, toAlice)).includes("can you read me?");
  });
});

test("a commit that the server withholds is told, and the device comes back into the chat", async () => {
  const { chat } = await alice.groups.create({ name: "Owls", members: [bob.account!.userId] });
  await alice.send(chat, "one");
  await has(bob, chat, "one");
  const carol = await person(daemon.url, `carol${n}`, { e2e });
  withhold(({ endsEpoch }) => endsEpoch !== undefined);
  const told = heard(bob, "security", ({ kind }) => kind === "missing" || kind === "reordered");
  await alice.groups.add(chat, [carol.account!.userId]);
  await alice.send(chat, "of an epoch that bob has not seen");
  await told;
  wire.release();
  await until("bob reads again", async () => {
    await alice.send(chat, "again");
    return (await texts(bob, chat)).includes("again");
  });
  await bob.send(chat, "here i am");
  await has(alice, chat, "here i am");
  await carol.close();
});

test("a server that ends in the middle of commits loses no change and no message", async () => {
  const { chat } = await alice.groups.create({ name: "Owls", members: [bob.account!.userId] });
  const others = await Promise.all([1, 2, 3].map((i) => person(daemon.url, `member${n}x${i}`, { e2e })));
  const ids = others.map(({ account }) => account!.userId);
  const changes = (async () => {
    for (const id of ids) {
      // What was under way when the connection broke is not known to have happened: it is asked for again.
      await until("added", () => alice.groups.add(chat, [id]).then(() => true, () => false), 40_000);
      await alice.send(chat, `welcome ${id}`);
    }
  })();
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 150));
    await daemon.kill();
    await daemon.start();
  }
  await changes;
  await until("all are in", async () => (await alice.groups.get(chat).catch(() => undefined))?.members.length === 5, 40_000);
  await alice.send(chat, "all here");
  for (const client of [bob, ...others]) await has(client, chat, "all here");
  for (const id of ids) assert.equal((await texts(bob, chat)).filter((text) => text === `welcome ${id}`).length, 1);
  for (const client of others) await client.close();
});

test("a device that crashes again and again loses, repeats and reorders nothing", async () => {
  await alice.send(toBob, "a0");
  await has(bob, toAlice, "a0");
  await bob.send(toAlice, "b0");
  const want = { alice: ["a0"], bob: ["b0"] };
  for (let i = 1; i <= 8; i++) {
    for (const j of [1, 2, 3]) {
      await alice.send(toBob, `a${i}.${j}`);
      await bob.send(toAlice, `b${i}.${j}`);
      want.alice.push(`a${i}.${j}`);
      want.bob.push(`b${i}.${j}`);
    }
    await new Promise((resolve) => setTimeout(resolve, i * 7));
    disk.crash();
    bob.disconnect();
    await bobAgain();
  }
  for (const [client, chat] of [[alice, toBob], [bob, toAlice]] as const) {
    await until("all is there", async () => (await texts(client, chat)).length >= 50);
    const all = await texts(client, chat);
    assert.deepEqual(all.filter((text) => text.startsWith("a")), want.alice);
    assert.deepEqual(all.filter((text) => text.startsWith("b")), want.bob);
  }
});

test("a storage that is full while a commit is under way holds the message back until there is room", async () => {
  wire.onServerFrame = (body) => (body.case === "sent" ? "hold" : "pass");
  const sent = await bob.send(toAlice, "when there is room");
  await until("alice was added", async () => (await alice.chats.get(toBob)) !== undefined);
  disk.full = true;
  const told = heard(bob, "storage", ({ state }) => state === "full");
  wire.release();
  await told;
  assert.equal((await texts(alice, toBob)).length, 0);
  disk.full = false;
  await has(alice, toBob, "when there is room");
  assert.equal((await bob.messages.get(toAlice, sent.id))!.state !== "failed", true);
  await alice.send(toBob, "got it");
  await has(bob, toAlice, "got it");
});

test("an acceptance for which there is no room is learned again, and the message goes once", async () => {
  await bob.send(toAlice, "first");
  await has(alice, toBob, "first");
  wire.onServerFrame = (body) => (body.case === "sent" ? "hold" : "pass");
  const sent = await bob.send(toAlice, "once");
  await has(alice, toBob, "once");
  disk.full = true;
  const told = heard(bob, "storage", ({ state }) => state === "full");
  wire.release();
  await told;
  disk.full = false;
  await until("it is accepted", async () => (await bob.messages.get(toAlice, sent.id))!.seq > 0);
  assert.deepEqual(await texts(alice, toBob), ["first", "once"]);
});

test("what was written while away is encrypted for who came meanwhile", async () => {
  const { chat } = await alice.groups.create({ name: "Owls", members: [bob.account!.userId] });
  await bob.send(chat, "before");
  await has(alice, chat, "before");
  bob.disconnect();
  const carol = await person(daemon.url, `carol${n}`, { e2e });
  await alice.groups.add(chat, [carol.account!.userId]);
  await bob.send(chat, "hello all");
  wire.onServerFrame = (body) => (body.case === "deliver" || body.case === "caughtUp" ? "hold" : "pass");
  bob.connect();
  await until("bob is connected", () => bob.state === "catching_up");
  await new Promise((resolve) => setTimeout(resolve, 500)); // the message would be on its way by now
  wire.release();
  await has(carol, chat, "hello all");
  await carol.close();
});

for (const hours of [-1, 1]) {
  test(`a clock that is wrong, or is set, by ${hours} hours harms nothing`, async (t) => {
    const { now } = Date;
    Date.now = () => now() + hours * 3_600_000;
    t.after(() => void (Date.now = now));
    const carol = await person(daemon.url, `carol${n}`, { e2e });
    const toCarol = `u${carol.account!.userId}`;
    await carol.send(toAlice, "what time is it?");
    await has(alice, toCarol, "what time is it?");
    await alice.send(toCarol, "late");
    await has(carol, toAlice, "late");
    const [message] = (await alice.messages.page(toCarol)).messages;
    assert.ok(Math.abs(message!.at - now()) < 60_000, "the message has the server's time");
    await carol.close();
  });
}

/** What bob is told of the server. */
function alarm(kind: SecurityEvent["kind"]): Promise<SecurityEvent> {
  return heard(bob, "security", (event) => event.kind === kind);
}

test("a server that gives out another key for somebody is caught, and nothing is encrypted for it", async () => {
  wire.onServerFrame = (body) => {
    if (body.case !== "claimedKeys") return "pass";
    for (const user of body.value.users) for (const device of user.devices) device.identityKey[0]! ^= 1;
    return "changed";
  };
  const told = alarm("log_proof");
  await bob.send(toAlice, "for alice alone");
  await told;
  await until("it failed", async () => (await bob.messages.page(toAlice)).messages[0]!.state === "failed");
  assert.equal(bob.safety.keyLogFault()?.kind, "log_proof");
  await assert.rejects(bob.safety.acceptKeyLog(), { code: "wrong_state" });
});

test("a server with another key log than before is caught, and its user may go on with it", async () => {
  await assert.rejects(bob.safety.acceptKeyLog(), { code: "wrong_state" });
  wire.onServerFrame = (body) => {
    if (body.case !== "welcome") return "pass";
    body.value.logKey[0]! ^= 1;
    return "changed";
  };
  const told = alarm("log_rollback");
  const stopped = heard(bob, "connection", ({ state }) => state === "stopped");
  wire.cut();
  await told;
  assert.equal((await stopped).reason, "encryption");
  const { kind, detail } = await told;
  assert.deepEqual(bob.safety.keyLogFault(), { kind, detail });
  await bob.send(toAlice, "once it is accepted");
  wire.release();
  await bob.safety.acceptKeyLog();
  assert.equal(bob.safety.keyLogFault(), undefined);
  await has(alice, toBob, "once it is accepted");
});

test("a key log that stops fitting on a live connection can be gone on with, too", async () => {
  wire.onServerFrame = (body) => {
    if (body.case !== "claimedKeys") return "pass";
    body.value.head!.consistency.push(new Uint8Array(32));
    return "changed";
  };
  const told = alarm("log_rollback");
  await bob.send(toAlice, "not yet");
  await told;
  await until("it failed", async () => (await bob.messages.page(toAlice)).messages[0]!.state === "failed");
  wire.release();
  await bob.safety.acceptKeyLog();
  const [failed] = (await bob.messages.page(toAlice)).messages;
  await until("online", () => bob.state === "online");
  await bob.messages.retry(toAlice, failed!.id);
  await has(alice, toBob, "not yet");
});

test("a message that was altered, or given to somebody else, is told", async () => {
  await alice.send(toBob, "first");
  await has(bob, toAlice, "first");
  wire.onServerFrame = (body) => {
    if (body.case !== "deliver") return "pass";
    for (const { payload } of body.value.envelopes) payload[payload.length - 1]! ^= 1;
    return "changed";
  };
  const altered = alarm("sender_mismatch");
  await alice.send(toBob, "altered");
  await altered;
  wire.release();
  const carol = await person(daemon.url, `carol${n}`, { e2e });
  wire.onServerFrame = (body) => {
    if (body.case !== "deliver") return "pass";
    for (const envelope of body.value.envelopes) envelope.from = BigInt(carol.account!.userId);
    return "changed";
  };
  const given = heard(bob, "message", ({ from, content }) => from === carol.account!.userId && content.kind === "unreadable");
  await alice.send(toBob, "not by carol");
  await given;
  assert.deepEqual(await texts(bob, toAlice), ["first"]);
  await carol.close();
});

// The server is restored from an older backup, in which the encryption of its chats is in earlier epochs.

import assert from "node:assert/strict";
import { after, beforeEach, describe, test } from "node:test";
import type { Client, SecurityEvent } from "../../src/api.js";
import { openE2e as e2e } from "../../src/e2e/e2e.js";
import { Daemon } from "../support/daemon.js";
import { Disk, has, heard, openClient, person, texts, until } from "../support/people.js";
import { plainE2e } from "../support/plain-e2e.js";
import { Wire } from "../support/wire.js";

/** Positions are missing, and a device came back into a chat. */
const kExpected = new Set<SecurityEvent["kind"]>(["missing", "identity_changed"]);
const kNames = ["alice", "bob", "carol", "dan"] as const;

describe("after a restore", () => {
  let daemon: Daemon;
  let wire: Wire;
  let disk: Disk;
  let alice: Client;
  let bob: Client;
  let carol: Client;
  let dan: Client;
  let chat: string;

  async function close(): Promise<void> {
    for (const client of [alice, bob, carol, dan]) await client?.close();
    await wire?.end();
    await daemon?.end();
  }

  // Bob is behind a wire, carol has a disk.
  beforeEach(async () => {
    await close();
    daemon = await Daemon.start();
    wire = await Wire.to(daemon);
    disk = new Disk();
    alice = await person(daemon.url, "alice", { e2e });
    bob = await person(wire.url, "bob", { e2e });
    carol = await person(daemon.url, "carol", { e2e, storage: disk.options });
    dan = await person(daemon.url, "dan", { e2e });
    ({ chat } = await alice.groups.create({ name: "Owls", members: [bob, carol].map((client) => client.account!.userId) }));
    await say(alice, "before", bob, carol);
    await alice.send(direct(bob), "direct, before");
    await has(bob, direct(alice), "direct, before");
  });
  after(close);

  const direct = (client: Client) => `u${client.account!.userId}`;

  async function say(from: Client, text: string, ...to: Client[]): Promise<void> {
    await from.send(chat, text);
    for (const client of to) await has(client, chat, text);
  }

  async function backup(): Promise<void> {
    await daemon.kill("SIGTERM");
    daemon.keepCopy();
    await daemon.start();
  }

  async function stopAndRestore(): Promise<void> {
    await daemon.kill("SIGTERM");
    daemon.restoreCopy();
  }

  /** What the server will have lost: messages, and changes of who is in the group. */
  async function goOn(): Promise<void> {
    await say(alice, "lost 1", bob, carol);
    await retry(() => alice.groups.add(chat, [dan.account!.userId]));
    await say(bob, "lost 2", alice, carol, dan);
    await retry(() => alice.groups.remove(chat, [dan.account!.userId]));
    await say(carol, "lost 3", alice, bob);
    await bob.send(direct(alice), "direct, lost");
    await has(alice, direct(bob), "direct, lost");
  }

  /** The connection may not be there yet. */
  async function retry(work: () => Promise<unknown>): Promise<void> {
    await until("it is done", () => work().then(() => true, () => false), 40_000);
  }

  test("the members of a group go on in it and in their direct chats, and keep what was lost", async () => {
    await backup();
    await goOn();
    await stopAndRestore();
    await daemon.start();
    await Promise.all([alice, bob, carol].map((client, i) => client.send(chat, `new ${kNames[i]}`)));
    for (const client of [alice, bob, carol]) for (const name of kNames.slice(0, 3)) await has(client, chat, `new ${name}`);
    await alice.send(direct(bob), "direct, new");
    await has(bob, direct(alice), "direct, new");
    await bob.send(direct(alice), "direct, answered");
    await has(alice, direct(bob), "direct, answered");
    for (const client of [alice, bob, carol]) {
      const all = await texts(client, chat);
      assert.deepEqual(all.slice(0, 4), ["before", "lost 1", "lost 2", "lost 3"]);
      assert.deepEqual(all.slice(4).sort(), ["new alice", "new bob", "new carol"]);
    }
    const expected = ["direct, before", "direct, lost", "direct, new", "direct, answered"];
    assert.deepEqual(await texts(alice, direct(bob)), expected);
    assert.deepEqual(await texts(bob, direct(alice)), expected);
    // Members come and go as ever.
    await retry(() => bob.send(chat, "and now dan").then(() => alice.groups.add(chat, [dan.account!.userId])));
    await until("dan is told", async () => (await dan.chats.list()).find(({ id }) => id === chat)?.left === false);
    await say(dan, "here i am", alice, bob, carol);
    await say(carol, "welcome, dan", alice, bob, dan);
  });

  test("who is away meanwhile reads what was sent, and what was under way arrives", async () => {
    await backup();
    await goOn();
    await carol.close();
    // Bob's message is encrypted for what the server will have lost, and he does not get to know that it was accepted.
    wire.onServerFrame = ({ case: kind }) => (kind === "sent" ? "cut" : kind === "deliver" ? "drop" : "pass");
    await bob.send(chat, "under way");
    await has(alice, chat, "under way");
    const alarms: SecurityEvent[] = [];
    for (const client of [alice, bob]) client.on("security", (event) => kExpected.has(event.kind) || alarms.push(event));
    await stopAndRestore();
    wire.release();
    await daemon.start();
    await bob.messages.settled();
    await say(alice, "while carol was away", bob);
    carol = await openClient(daemon.url, { e2e, storage: disk.options });
    await has(carol, chat, "while carol was away");
    await say(carol, "here again", alice, bob);
    for (const client of [alice, bob, carol]) {
      assert.deepEqual(await texts(client, chat), ["before", "lost 1", "lost 2", "lost 3", "under way", "while carol was away", "here again"]);
    }
    assert.deepEqual(alarms, []);
  });

  for (const [where, lostElsewhere] of [["the chat", 20], ["the inbox", 0]] as const) {
    test(`who comes back when there is more in ${where} than was lost gets all of it`, async () => {
      await dan.send(direct(carol), "to carol");
      await has(carol, direct(dan), "to carol");
      await backup();
      await goOn();
      const lost = ["to carol", ...Array.from({ length: lostElsewhere }, (_, i) => `to carol ${i}`)];
      for (const text of lost.slice(1)) await dan.send(direct(carol), text);
      await has(carol, direct(dan), lost.at(-1)!);
      await carol.close();
      await stopAndRestore();
      await daemon.start();
      const fresh = Array.from({ length: 10 }, (_, i) => `new ${i}`);
      for (const text of fresh) await say(alice, text, bob);
      carol = await openClient(daemon.url, { e2e, storage: disk.options });
      const alarms: SecurityEvent[] = [];
      carol.on("security", (event) => kExpected.has(event.kind) || alarms.push(event));
      await has(carol, chat, fresh.at(-1)!);
      assert.deepEqual(await texts(carol, chat), ["before", "lost 1", "lost 2", "lost 3", ...fresh]);
      assert.deepEqual(await texts(carol, direct(dan)), lost);
      await say(carol, "here again", alice, bob);
      assert.deepEqual(alarms, []);
    });
  }
});

test("a server that tells another incarnation of itself is compared with what is here, once", async () => {
  const daemon = await Daemon.start();
  const wire = await Wire.to(daemon);
  let incarnation = 1n;
  wire.onServerFrame = (body) => {
    if (body.case !== "welcome") return "pass";
    body.value.incarnation = incarnation;
    return "changed";
  };
  let wentBack = 0;
  const e2e = (...of: Parameters<typeof plainE2e>) => ({ ...plainE2e(...of), wentBack: async () => void wentBack++ });
  const alice = await person(wire.url, "alice", { e2e });
  for (const [next, expected] of [[1n, 0], [2n, 1], [2n, 1], [0n, 1], [2n, 1]] as const) {
    incarnation = next;
    const online = heard(alice, "connection", ({ state }) => state === "online");
    wire.cut();
    await online;
    assert.equal(wentBack, expected);
  }
  await alice.close();
  await wire.end();
  await daemon.end();
});

// Connections break, servers restart, frames come twice or not at all: nothing is lost and nothing comes twice.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Client } from "../../src/api.js";
import type { Daemon } from "../support/daemon.js";
import { type Disk, heard, kEncryptions, kTuning, openClient, texts, until } from "../support/people.js";
import { twoPeople } from "../support/two-people.js";
import type { Wire } from "../support/wire.js";

for (const [name, e2e] of kEncryptions) describe(`faults, ${name}`, () => {
  let daemon: Daemon;
  let wire: Wire;
  let disk: Disk;
  let alice: Client;
  let bob: Client;
  let toBob: string;
  let toAlice: string;
  let n: number;
  twoPeople({ e2e }, () => [alice, bob], (made) => ({ daemon, wire, disk, alice, bob, toBob, toAlice, n } = made));

  test("messages go on after a broken connection, in both directions", async () => {
    await alice.send(toBob, "1");
    await until("one is there", async () => (await texts(bob, toAlice)).length === 1);
    wire.cut();
    await alice.send(toBob, "2");
    const sent = await bob.send(toAlice, "3");
    assert.equal(sent.state, "waiting");
    await until("two are there", async () => (await texts(bob, toAlice)).length === 3 && (await texts(alice, toBob)).length === 3);
    await until("sent", async () => (await bob.messages.get(toAlice, sent.id))!.state === "delivered");
  });

  test("a restart of the server in the middle loses and repeats nothing", async () => {
    const want = Array.from({ length: 40 }, (_, i) => `m${i}`);
    const sending = (async () => {
      for (const text of want) await alice.send(toBob, text);
    })();
    await until("some are there", async () => (await texts(bob, toAlice)).length > 3);
    await daemon.kill();
    await sending;
    await daemon.start();
    await until("all are there", async () => (await texts(bob, toAlice)).length >= want.length, 40_000);
    assert.deepEqual(await texts(bob, toAlice), want);
    assert.deepEqual(await texts(alice, toBob), want);
  });

  test("the outbox survives that the client ends, and keeps its order", async () => {
    await alice.send(toBob, "hello");
    await until("hello is there", async () => (await texts(bob, toAlice)).length === 1);
    bob.disconnect();
    for (const text of ["a", "b", "c"]) await bob.send(toAlice, text);
    await bob.close();
    bob = await openClient(wire.url, { e2e, storage: disk.options });
    assert.deepEqual(await texts(bob, toAlice), ["hello", "a", "b", "c"]);
    await until("all are sent", async () => (await texts(alice, toBob)).length === 4);
    assert.deepEqual(await texts(alice, toBob), ["hello", "a", "b", "c"]);
  });

  test("a message that waits behind another can be taken back", async () => {
    await alice.send(toBob, "hello");
    await until("hello is there", async () => (await texts(bob, toAlice)).length === 1);
    bob.disconnect();
    for (const text of ["a", "b"]) await bob.send(toAlice, text);
    const { id } = await bob.send(toAlice, "no");
    wire.onServerFrame = (body) => (body.case === "sent" ? "hold" : "pass");
    bob.connect();
    await until("the first is there", async () => (await texts(alice, toBob)).length === 2);
    await bob.messages.remove(toAlice, id, true);
    wire.release();
    await bob.send(toAlice, "c");
    await until("all are there", async () => (await texts(alice, toBob)).includes("c"));
    assert.deepEqual(await texts(alice, toBob), ["hello", "a", "b", "c"]);
  });

  test("a reply that is lost does not send a message twice", async () => {
    // The first answer to everything: with encryption that is a commit, and then the message.
    let answers = 0;
    wire.onServerFrame = (body) => (body.case === "sent" && answers++ % 2 === 0 ? "cut" : "pass");
    const sent = await bob.send(toAlice, "once");
    await until("accepted", async () => (await bob.messages.get(toAlice, sent.id))!.seq > 0);
    assert.deepEqual(await texts(alice, toBob), ["once"]);
  });

  test("a server that delivers twice is noticed, and the message is shown once", async () => {
    await alice.send(toBob, "first");
    await until("first is there", async () => (await texts(bob, toAlice)).length === 1);
    const told = heard(bob, "security", ({ kind }) => kind === "replayed");
    wire.onServerFrame = (body) => (body.case === "deliver" ? "twice" : "pass");
    await alice.send(toBob, "second");
    await told;
    wire.onServerFrame = () => "pass";
    await alice.send(toBob, "third");
    await until("all are there", async () => (await texts(bob, toAlice)).includes("third"));
    assert.deepEqual(await texts(bob, toAlice), ["first", "second", "third"]);
  });

  test("a server that renumbers a message to deliver it again is noticed", async () => {
    await alice.send(toBob, "first");
    await until("first is there", async () => (await texts(bob, toAlice)).length === 1);
    const told = heard(bob, "security", ({ kind }) => kind === "replayed");
    wire.onServerFrame = (body) => {
      if (body.case !== "deliver") return "pass";
      const copy = structuredClone(body.value.envelopes[0]!);
      body.value.envelopes.push({ ...copy, seq: copy.seq + 1n, chatSeq: copy.chatSeq + 1n });
      return "changed";
    };
    await alice.send(toBob, "second");
    await told;
    wire.onServerFrame = () => "pass";
    assert.deepEqual((await texts(bob, toAlice)).filter((text) => text === "second"), ["second"]);
  });

  test("a server that drops a message is noticed, and the next connection brings it", async () => {
    await alice.send(toBob, "first");
    await until("first is there", async () => (await texts(bob, toAlice)).length === 1);
    let dropped = false;
    wire.onServerFrame = (body) => {
      if (body.case !== "deliver" || dropped) return "pass";
      dropped = true;
      return "drop";
    };
    await alice.send(toBob, "second");
    await until("dropped", () => dropped);
    const told = heard(bob, "security", ({ kind }) => kind === "reordered");
    await alice.send(toBob, "third");
    await told;
    await until("all are there", async () => (await texts(bob, toAlice)).length === 3);
    assert.deepEqual(await texts(bob, toAlice), ["first", "second", "third"]);
  });

  test("a server that never delivers a message is caught; the history brings it", async () => {
    await alice.send(toBob, "first");
    await until("first is there", async () => (await texts(bob, toAlice)).length === 1);
    const withheld = BigInt((await bob.messages.page(toAlice)).messages[0]!.seq) + 1n;
    wire.onServerFrame = (body) => {
      if (body.case !== "deliver") return "pass";
      body.value.envelopes = body.value.envelopes.filter(({ chatSeq }) => chatSeq !== withheld);
      return body.value.envelopes.length === 0 ? "drop" : "changed";
    };
    await alice.send(toBob, "second");
    const told = heard(bob, "security", ({ kind }) => kind === "missing");
    await alice.send(toBob, "third");
    await told;
    wire.onServerFrame = () => "pass";
    wire.cut();
    await until("all are there", async () => (await texts(bob, toAlice)).length === 3);
    assert.deepEqual(await texts(bob, toAlice), ["first", "second", "third"]);
  });

  test("messages go out even if the server never says that it has delivered all", async () => {
    await bob.close();
    bob = await openClient(wire.url, { e2e, storage: disk.options, offline: true, tuning: { ...kTuning, requestTimeout: 1000 } });
    wire.onServerFrame = (body) => (body.case === "caughtUp" ? "drop" : "pass");
    bob.connect();
    await bob.send(toAlice, "in spite of you");
    await until("it is there", async () => (await texts(alice, toBob)).length === 1);
    assert.equal(bob.state, "catching_up");
  });

  test("a drained server is come back to", async () => {
    const online = heard(bob, "connection", ({ state }) => state === "connecting");
    await daemon.kill("SIGTERM");
    await online;
    await daemon.start();
    await alice.send(toBob, "after");
    await until("it is there", async () => (await texts(bob, toAlice)).length === 1);
  });

  test("a device that is signed out does not come back", async () => {
    const stopped = heard(bob, "connection", ({ state }) => state === "stopped");
    const phone = await openClient(daemon.url, { e2e });
    const offer = await phone.linkThisDevice({ deviceName: "phone" });
    await bob.devices.approve(offer.text);
    assert.equal((await offer.linked).userId, bob.account!.userId);
    assert.deepEqual((await phone.devices.list()).map(({ name }) => name), ["test", "phone"]);
    await phone.devices.revoke(1);
    assert.equal((await stopped).reason, "revoked");
    await bob.settings.signOut();
    assert.equal(bob.account, undefined);
    await phone.close();
  });

  test("an offer that was taken back makes no device, even if somebody approves it", async () => {
    const phone = await openClient(daemon.url, { e2e });
    const offer = await phone.linkThisDevice({ deviceName: "phone" });
    offer.cancel();
    await assert.rejects(offer.linked, { code: "link_invalid" });
    const { deviceId } = await bob.devices.approve(offer.text);
    await until("it is gone", async () => (await bob.devices.list()).every(({ id }) => id !== deviceId));
    assert.equal(phone.account, undefined);
    const again = await phone.linkThisDevice({ deviceName: "phone" });
    await bob.devices.approve(again.text);
    assert.equal((await again.linked).userId, bob.account!.userId);
    again.cancel();
    assert.deepEqual((await bob.devices.list()).map(({ name }) => name), ["test", "phone"]);
    await phone.close();
  });

  test("a device that has an account is not brought into another one by an offer of before", async () => {
    const phone = await openClient(daemon.url, { e2e });
    const offer = await phone.linkThisDevice({ deviceName: "phone" });
    const { userId } = await phone.register({ handle: `carol${n}` });
    await bob.devices.approve(offer.text);
    await assert.rejects(offer.linked, { code: "link_invalid" });
    await until("bob has one device", async () => (await bob.devices.list()).length === 1);
    assert.equal(phone.account!.userId, userId);
    await phone.close();
  });

  test("both devices of a user have what either sends", async () => {
    const phone = await openClient(daemon.url, { e2e });
    const offer = await phone.linkThisDevice({ deviceName: "phone" });
    await bob.devices.approve(offer.text);
    await offer.linked;
    await until("handle", () => phone.account?.handle === `bob${n}`);
    await phone.send(toAlice, "from the phone");
    await until("everywhere", async () => (await texts(bob, toAlice)).length === 1 && (await texts(alice, toBob)).length === 1);
    const read = heard(bob, "chat", ({ unread }) => unread === 1);
    await alice.send(toBob, "hello both");
    await read;
    const cleared = heard(bob, "chat", ({ unread }) => unread === 0);
    await until("there", async () => (await texts(phone, toAlice)).length === 2);
    await phone.chats.markRead(toAlice);
    await cleared;
    await phone.close();
  });
});

// All of it together: real encryption, real daemon.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import type { Client } from "../../src/api.js";
import { openE2e } from "../../src/e2e/e2e.js";
import { Daemon } from "../support/daemon.js";
import { FakeRtc } from "../support/fake-rtc.js";
import { Disk, heard, openClient, person, texts, until } from "../support/people.js";
import { Wire } from "../support/wire.js";

const e2e = openE2e;
let daemon: Daemon;
let alice: Client;
let bob: Client;
let carol: Client;
let phone: Client;
let disk: Disk;
let group: string;

before(async () => {
  daemon = await Daemon.start();
  disk = new Disk();
  [alice, bob, carol] = await Promise.all([
    person(daemon.url, "alice", { e2e }),
    person(daemon.url, "bob", { e2e, storage: disk.options }),
    person(daemon.url, "carol", { e2e }),
  ]);
});

after(async () => {
  for (const client of [alice, bob, carol, phone]) await client?.close();
  await daemon?.end();
});

function chatWith(client: Client): string {
  return `u${client.account!.userId}`;
}

test("two people write to each other, with ticks", async () => {
  const incoming = heard(bob, "message");
  const delivered = heard(alice, "messageChanged", ({ state }) => state === "delivered");
  await alice.send("bob", "hello, encrypted");
  assert.deepEqual((await incoming).content, { kind: "text", text: "hello, encrypted" });
  await delivered;
  const read = heard(alice, "messageChanged", ({ state }) => state === "read");
  await bob.chats.markRead(chatWith(alice));
  await read;
  const back = heard(alice, "message");
  await bob.send(chatWith(alice), "hello yourself");
  assert.deepEqual((await back).content, { kind: "text", text: "hello yourself" });
});

test("both begin a chat at once", async () => {
  await Promise.all([bob.send("carol", "from bob"), carol.send("bob", "from carol")]);
  await until("both have both", async () => (await texts(bob, chatWith(carol))).length === 2 && (await texts(carol, chatWith(bob))).length === 2);
});

test("the encryption survives a restart of the client", async () => {
  bob.disconnect();
  await bob.send(chatWith(alice), "written offline");
  await bob.close();
  await alice.send(chatWith(bob), "while you were away");
  bob = await openClient(daemon.url, { e2e, storage: disk.options });
  await until("both have both", async () => (await texts(bob, chatWith(alice))).length === 4 && (await texts(alice, chatWith(bob))).length === 4);
  assert.ok((await texts(alice, chatWith(bob))).includes("written offline"));
});

test("a second device reads what comes from then on, and writes", async () => {
  phone = await openClient(daemon.url, { e2e });
  const offer = await phone.linkThisDevice({ deviceName: "phone" });
  await bob.devices.approve(offer.text);
  await offer.linked;
  await until("the phone is online", () => phone.state === "online");
  await until("the phone can write", async () => (await phone.chats.get(chatWith(alice))) !== undefined);
  const incoming = heard(alice, "message");
  await phone.send(chatWith(alice), "from the phone");
  assert.deepEqual((await incoming).content, { kind: "text", text: "from the phone" });
  await alice.send(chatWith(bob), "to both of you");
  for (const client of [bob, phone]) await until("both devices have it", async () => (await texts(client, chatWith(alice))).includes("to both of you"));
  await until("the first device has it, too", async () => (await texts(bob, chatWith(alice))).includes("from the phone"));
});

test("a group: made, named, written to by all", async () => {
  const made = await alice.groups.create({ name: "The Owls", members: [bob.account!.userId] });
  group = made.chat;
  assert.deepEqual(made.notAdded, []);
  await alice.send(group, "welcome");
  for (const client of [bob, phone]) {
    await until("welcome is there", async () => (await texts(client, group)).includes("welcome"));
    await until("its name is there", async () => (await client.chats.get(group))!.title === "The Owls");
  }
  await bob.send(group, "thank you");
  await until("alice has it", async () => (await texts(alice, group)).includes("thank you"));
});

test("a group: its name is shown, even if it comes behind its messages", async () => {
  const wire = await Wire.to(daemon);
  const dora = await person(wire.url, "dora", { e2e });
  wire.onServerFrame = (body) => (body.case === "group" ? "hold" : "pass");
  const { chat } = await alice.groups.create({ name: "The Larks", members: [dora.account!.userId] });
  await alice.send(chat, "hello dora");
  await until("dora has it", async () => (await texts(dora, chat)).includes("hello dora"));
  wire.release();
  await until("its name is there", async () => (await dora.chats.get(chat))!.title === "The Larks");
  await dora.close();
  await wire.end();
});

test("a group: who comes in reads from then on, who is removed no more", async () => {
  await alice.groups.add(group, [carol.account!.userId]);
  await alice.send(group, "hello carol");
  await until("carol has it", async () => (await texts(carol, group)).includes("hello carol"));
  assert.equal((await texts(carol, group)).includes("welcome"), false);
  await until("its name", async () => (await carol.chats.get(group))!.title === "The Owls");
  await alice.groups.remove(group, [carol.account!.userId]);
  await until("carol knows", async () => (await carol.chats.get(group))!.left);
  await alice.send(group, "without carol");
  await until("bob has it", async () => (await texts(bob, group)).includes("without carol"));
  assert.equal((await texts(carol, group)).includes("without carol"), false);
});

test("a group: joined by a link", async () => {
  const { link } = await alice.groups.makeInviteLink(group);
  const { chat, waiting } = await carol.groups.join(link!);
  assert.equal(chat, group);
  assert.equal(waiting, false);
  await carol.send(group, "back again");
  await until("alice has it", async () => (await texts(alice, group)).includes("back again"));
  const { members } = await alice.groups.get(group);
  assert.equal(members.length, 3);
});

test("safety numbers are the same on both sides, and can be verified", async () => {
  const ours = await alice.safety.number(bob.account!.userId);
  const theirs = await bob.safety.number(alice.account!.userId);
  assert.match(ours.digits, /^\d{60}$/);
  assert.equal(ours.digits, theirs.digits);
  assert.equal(await alice.safety.compare(bob.account!.userId, theirs.qr), true);
  assert.equal((await alice.safety.number(bob.account!.userId)).verified, true);
});

test("a status is seen by contacts", async () => {
  await alice.contacts.add(bob.account!.userId);
  await bob.contacts.add(alice.account!.userId);
  const news = heard(bob, "statuses", ({ author }) => author === alice.account!.userId);
  const posted = await alice.statuses.post({ text: "what a day", background: "#334455" });
  await news;
  await until("bob can open it", async () => (await bob.statuses.open(alice.account!.userId, posted.id).catch(() => undefined))?.text === "what a day");
  await bob.statuses.markSeen(alice.account!.userId, posted.id);
  await until("alice knows", async () => (await alice.statuses.views(posted.id)).length === 1);
});

test("the first thing in a chat may be a call", async () => {
  const stream = { getTracks: () => [], getAudioTracks: () => [], getVideoTracks: () => [] } as unknown as MediaStream;
  const dan = await person(daemon.url, "dan", { e2e, RTCPeerConnection: FakeRtc as never });
  const eve = await person(daemon.url, "eve", { e2e, RTCPeerConnection: FakeRtc as never });
  const rings = heard(eve, "call");
  const { id } = await dan.calls.start(chatWith(eve), { video: false, stream });
  assert.equal((await rings).id, id);
  await eve.calls.answer(id, { stream });
  await until("both are active", () => [dan, eve].every((client) => client.calls.list()[0]?.phase === "active"));
  await dan.close();
  await eve.close();
});

test("the whole key log holds", async () => {
  const { ok, entries } = await alice.safety.auditKeyLog();
  assert.equal(ok, true);
  assert.ok(entries >= 4);
});

test("nothing of it can be found at the server", async () => {
  await daemon.kill("SIGTERM"); // so that all is written, and files stay where they are
  const files = readdirSync(daemon.directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  let handles = 0;
  for (const file of files) {
    const bytes = readFileSync(`${file.parentPath}/${file.name}`);
    for (const secret of ["hello, encrypted", "The Owls", "what a day", "without carol"]) assert.equal(bytes.includes(secret), false, `${secret} in ${file.name}`);
    if (bytes.includes("carol")) handles++;
  }
  assert.ok(handles > 0, "the search finds what is there");
});

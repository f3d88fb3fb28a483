// Two people write to each other through the real daemon.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { Client } from "../../src/api.js";
import { ErrorCode, ErrorSchema } from "../../src/gen/godwit_pb.js";
import { Daemon } from "../support/daemon.js";
import { Disk, heard, openClient, person, texts, until } from "../support/people.js";
import { Wire } from "../support/wire.js";

let daemon: Daemon;
let alice: Client;
let bob: Client;
let toBob: string;
let toAlice: string;

before(async () => {
  daemon = await Daemon.start();
  alice = await person(daemon.url, "alice");
  bob = await person(daemon.url, "bob");
  toBob = `u${bob.account!.userId}`;
  toAlice = `u${alice.account!.userId}`;
});

after(async () => {
  await alice?.close();
  await bob?.close();
  await daemon?.end();
});

test("a text arrives, and its ticks come back", async () => {
  const incoming = heard(bob, "message");
  const delivered = heard(alice, "messageChanged", ({ state }) => state === "delivered");
  const sent = await alice.send("bob", "hello");
  assert.equal(sent.state, "waiting");
  const got = await incoming;
  assert.deepEqual(got.content, { kind: "text", text: "hello" });
  assert.equal(got.from, alice.account!.userId);
  assert.equal((await delivered).id, sent.id);
  assert.equal((await bob.chats.get(toAlice))!.unread, 1);
  const read = heard(alice, "messageChanged", ({ state }) => state === "read");
  await bob.chats.markRead(toAlice);
  assert.equal((await read).id, sent.id);
  assert.equal((await bob.chats.get(toAlice))!.unread, 0);
  assert.equal((await alice.chats.get(toBob))!.preview!.state, "read");
});

test("replies quote, reactions and edits change the message", async () => {
  const first = heard(bob, "message");
  await alice.send(toBob, "what do you think?");
  const question = await first;
  const answered = heard(alice, "message");
  await bob.messages.send(toAlice, { text: "good", replyTo: question.id });
  assert.deepEqual((await answered).replyTo, { id: question.id, from: alice.account!.userId, text: "what do you think?" });

  const reacted = heard(alice, "messageChanged", ({ reactions }) => reactions.length === 1);
  await bob.messages.react(toAlice, question.id, "👍");
  assert.equal((await reacted).reactions[0]!.emoji, "👍");
  const taken = heard(alice, "messageChanged", ({ id, reactions }) => id === question.id && reactions.length === 0);
  await bob.messages.react(toAlice, question.id, "");
  await taken;

  const edited = heard(bob, "messageChanged", ({ editedAt }) => editedAt !== undefined);
  await alice.messages.edit(toBob, question.id, "what do you all think?");
  assert.deepEqual((await edited).content, { kind: "text", text: "what do you all think?" });
  await assert.rejects(bob.messages.edit(toAlice, question.id, "mine"), { code: "not_allowed" });
});

test("what was written without a connection is settled once there is one, edits too", async () => {
  await alice.messages.settled(); // nothing waits
  alice.disconnect();
  const sent = await alice.send(toBob, "later");
  let settled = false;
  const done = alice.messages.settled().then(() => (settled = true));
  await alice.messages.edit(toBob, sent.id, "much later");
  assert.equal(settled, false);
  const edited = heard(bob, "messageChanged", ({ content }) => content.kind === "text" && content.text === "much later");
  alice.connect();
  await done;
  assert.equal((await alice.messages.get(toBob, sent.id))!.state === "waiting", false);
  await edited;
});

test("a message is removed for everyone, or for oneself", async () => {
  const incoming = heard(bob, "message");
  const sent = await alice.send(toBob, "forget this");
  await incoming;
  const gone = heard(bob, "messageChanged", ({ content }) => content.kind === "removed");
  await alice.messages.remove(toBob, sent.id, true);
  assert.equal((await gone).id, sent.id);

  const other = heard(bob, "message");
  await alice.send(toBob, "not for me");
  const { id } = await other;
  await bob.messages.remove(toAlice, id, false);
  assert.equal(await bob.messages.get(toAlice, id), undefined);
  assert.notEqual(await alice.messages.get(toBob, id), undefined);
});

test("disappearing messages go from both devices", async () => {
  const timer = heard(bob, "messageChanged", ({ content }) => content.kind === "timer");
  await alice.chats.setTimer(toBob, 1);
  await timer;
  const incoming = heard(bob, "message");
  const sent = await alice.send(toBob, "short-lived");
  assert.notEqual((await incoming).expiresAt, undefined);
  await until("both are gone", async () => !(await alice.messages.get(toBob, sent.id)) && !(await bob.messages.get(toAlice, sent.id)));
  await alice.chats.setTimer(toBob, 0);
});

test("typing and presence are told", async () => {
  const typing = heard(bob, "typing", ({ state }) => state === "typing");
  alice.chats.typing(toBob);
  assert.equal((await typing).user, alice.account!.userId);
  const there = heard(bob, "presence", ({ state }) => state === "online");
  const stop = bob.presence.watch([alice.account!.userId]);
  await there;
  assert.equal(bob.presence.get(alice.account!.userId)!.state, "online");
  stop();
});

test("a profile travels inside messages", async () => {
  await alice.settings.setProfile({ name: "Alice A." });
  const told = heard(bob, "profile", ({ name }) => name === "Alice A.");
  await alice.send(toBob, "it is me");
  await told;
  assert.equal((await bob.chats.get(toAlice))!.title, "Alice A.");
});

test("errors are typed", async () => {
  await assert.rejects(alice.lookup("nobody-here"), { name: "GodwitError", code: "user_not_found", retryable: false });
  await assert.rejects(openClient(daemon.url).then((c) => c.register({ handle: "alice" }).finally(() => c.close())), { code: "handle_taken" });
  await assert.rejects(alice.messages.send(toBob, { text: "" }), { code: "invalid_argument" });
  await assert.rejects(alice.messages.send(toBob, { text: "x".repeat(50_000) }), { code: "too_large" });
});

test("a refused message fails alone, and can be tried again", async () => {
  const carol = await person(daemon.url, "carol");
  await carol.settings.setPrivacy({ askFirst: true });
  const toCarol = `u${carol.account!.userId}`;
  const first = heard(carol, "message");
  await alice.send(toCarol, "one");
  await first;
  const failed = heard(alice, "messageChanged", ({ state }) => state === "failed");
  const second = await alice.send(toCarol, "two");
  assert.equal((await failed).error!.code, "consent_needed");
  const beside = heard(bob, "message");
  await alice.send(toBob, "meanwhile");
  await beside;
  await carol.chats.answerRequest(`u${alice.account!.userId}`, true);
  const arrives = heard(carol, "message");
  await alice.messages.retry(toCarol, second.id);
  assert.equal((await arrives).id, second.id);
  assert.deepEqual(await texts(carol, toAlice), ["one", "two"]);
  await carol.close();
});

test("search finds beginnings of words, and follows changes", async () => {
  const sent = await alice.send(toBob, "The Éclair was delicious");
  await until("accepted", async () => (await alice.messages.get(toBob, sent.id))!.state !== "waiting");
  const [found] = await alice.messages.search("eclai delic");
  assert.equal(found!.message.id, sent.id);
  assert.deepEqual(found!.matches, [{ start: 4, length: 5 }, { start: 15, length: 5 }]);
  await alice.messages.edit(toBob, sent.id, "The bread was fine");
  assert.deepEqual(await alice.messages.search("eclair"), []);
  assert.equal((await alice.messages.search("bread"))[0]!.message.id, sent.id);
});

test("a stranger's first message is shown as a request", async () => {
  const dan = await person(daemon.url, "dan");
  await dan.settings.setPrivacy({ askFirst: true });
  const asked = heard(dan, "chat", ({ request }) => request);
  await alice.send("dan", "do you know me?");
  const { id, title } = await asked;
  assert.equal(id, toAlice);
  assert.equal(title, "Alice A.");
  const accepted = heard(dan, "chat", ({ request }) => !request);
  await dan.send(toAlice, "I do");
  await accepted;
  await dan.close();
});

test("blocks, contacts and the export", async () => {
  await bob.chats.block(alice.account!.userId, true);
  assert.deepEqual(await bob.chats.blocked(), [alice.account!.userId]);
  await bob.chats.block(alice.account!.userId, false);
  await bob.contacts.add(alice.account!.userId, "Ally");
  assert.equal((await bob.contacts.list())[0]!.alias, "Ally");
  assert.equal((await bob.chats.get(toAlice))!.title, "Ally");
  assert.deepEqual(await bob.contacts.find(["alice", "nobody"]), [{ handle: "alice", user: alice.account!.userId }]);
  const lines = (await (await bob.settings.exportAccount()).text()).trim().split("\n").map((line) => JSON.parse(line));
  assert.ok(lines.some((line) => line.source === "device" && line.kind === "message"));
  assert.ok(lines.some((line) => line.source === undefined));
});

test("a deleted account leaves nothing on the device", async () => {
  const eve = await person(daemon.url, "eve");
  const gone = heard(eve, "account", (account) => account === undefined);
  await eve.settings.deleteAccount();
  await gone;
  assert.equal(eve.account, undefined);
  await assert.rejects(alice.lookup("eve"), { code: "user_not_found" });
});

/** What somebody without a connection writes at another time than the server's. */
async function elsewhen<T>(days: number, work: () => Promise<T>): Promise<T> {
  const { now } = Date;
  Date.now = () => now() + days * 86_400_000;
  try {
    return await work();
  } finally {
    Date.now = now;
  }
}

for (const days of [-30, 30]) {
  test(`messages whose time is ${days} days off go under other ids, once and in order`, async () => {
    const eve = await person(daemon.url, `eve${days + 100}`);
    const toEve = `u${eve.account!.userId}`;
    bob.disconnect();
    const [first] = await elsewhen(days, async () => {
      const question = await bob.send(toEve, "from another time");
      await bob.messages.send(toEve, { text: "and what of it?", replyTo: question.id });
      await bob.messages.edit(toEve, question.id, "from another age");
      return [question];
    });
    const removed = heard(bob, "messageRemoved", ({ id }) => id === first!.id);
    bob.connect();
    await removed;
    await bob.messages.settled();
    const toBobFromEve = `u${bob.account!.userId}`;
    await until("all is there", async () => (await eve.messages.page(toBobFromEve)).messages[0]?.editedAt !== undefined);
    for (const [client, chat] of [[bob, toEve], [eve, toBobFromEve]] as const) {
      const { messages } = await client.messages.page(chat);
      assert.deepEqual(messages.map(({ content }) => content), ["from another age", "and what of it?"].map((text) => ({ kind: "text", text })));
      assert.equal(messages[1]!.replyTo!.id, messages[0]!.id);
      assert.ok(Math.abs(messages[0]!.at - Date.now()) < 60_000);
      assert.notEqual(messages[0]!.id, first!.id);
    }
    await eve.close();
  });
}

test("a message that the server may have is not sent under another id, unless the user wants it", async () => {
  const wire = await Wire.to(daemon);
  const eve = await person(wire.url, "eve2");
  let answers = 0;
  wire.onServerFrame = (body) => {
    if (body.case !== "sent") return "pass";
    if (answers++ === 0) return "cut";
    Object.assign(body, { case: "error", value: create(ErrorSchema, { code: ErrorCode.message_id_expired }) });
    return "changed";
  };
  const failed = heard(eve, "messageChanged", ({ state }) => state === "failed");
  const sent = await eve.send("alice", "perhaps");
  assert.equal((await failed).error!.code, "message_id_expired");
  assert.equal(answers, 2);
  wire.release();
  assert.deepEqual(await texts(alice, `u${eve.account!.userId}`), ["perhaps"]);
  await eve.messages.retry(toAlice, sent.id);
  await until("it came again", async () => (await texts(alice, `u${eve.account!.userId}`)).length === 2);
  assert.equal(await eve.messages.get(toAlice, sent.id), undefined);
  await eve.close();
  await wire.end();
});

test("a refused reaction is told, and does not wait for ever", async () => {
  const disk = new Disk();
  const dora = await person(daemon.url, "dora");
  await dora.settings.setPrivacy({ askFirst: true });
  const eve = await person(daemon.url, "eve3", { storage: disk.options });
  const toDora = `u${dora.account!.userId}`;
  const { id } = await eve.send("dora", "one");
  await eve.messages.settled();
  const told = heard(eve, "error", ({ code }) => code === "consent_needed");
  await eve.messages.react(toDora, id, "👍");
  await told;
  assert.deepEqual(await disk.store.range("o/", "o0"), []);
  await dora.close();
  await eve.close();
});

test("the preview is the message before one that is removed", async () => {
  const one = await bob.send(toAlice, "stays");
  const other = await bob.send(toAlice, "goes");
  await until("accepted", async () => (await bob.messages.get(toAlice, other.id))!.seq > 0);
  await bob.messages.remove(toAlice, other.id, false);
  await until("the preview moved", async () => (await bob.chats.get(toAlice))!.preview?.id === one.id);
});

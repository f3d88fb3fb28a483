// The inbox loses entries before a device has read them: that is told, and the chats' history brings what it can.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { ErrorCode, ErrorSchema } from "../../src/gen/godwit_pb.js";
import { Daemon } from "../support/daemon.js";
import { Disk, kEncryptions, openClient, person, texts, until } from "../support/people.js";
import { Wire } from "../support/wire.js";

for (const [name, e2e] of kEncryptions) describe(`gap, ${name}`, () => {
  test("after a gap the history brings the messages, in order and once", async () => {
    const daemon = await Daemon.start({ "inbox.max_entries": "100" });
    const wire = await Wire.to(daemon);
    const disk = new Disk();
    const alice = await person(daemon.url, "alice", { e2e });
    let bob = await person(daemon.url, "bob", { e2e, storage: disk.options });
    const toBob = `u${bob.account!.userId}`;
    const toAlice = `u${alice.account!.userId}`;
    await alice.send(toBob, "0");
    await until("one is there", async () => (await texts(bob, toAlice)).length === 1);
    await bob.close();
    for (let i = 1; i <= 400; i++) await alice.send(toBob, String(i));
    await until("all are sent", async () => (await alice.messages.page(toBob, { limit: 1 })).messages[0]!.state === "sent");
    bob = await openClient(wire.url, { e2e, storage: disk.options, offline: true });
    // The first connection breaks in the middle of it.
    let pages = 0;
    wire.onServerFrame = (body) => (body.case === "historyPage" && ++pages === 2 ? "cut" : "pass");
    const gaps: number[][] = [];
    bob.on("gap", ({ from, to }) => gaps.push([from, to]));
    bob.connect();
    await until("all are there", async () => (await texts(bob, toAlice)).length === 401);
    assert.deepEqual(await texts(bob, toAlice), Array.from({ length: 401 }, (_, i) => String(i)));
    assert.equal(gaps.length, 2);
    assert.deepEqual(gaps[0], gaps[1]);
    const seqs = (await bob.messages.page(toAlice, { limit: 1000 })).messages.map(({ seq }) => seq);
    assert.deepEqual(seqs, seqs.map((_, i) => seqs[0]! + i));
    await alice.close();
    await bob.close();
    await wire.end();
    await daemon.end();
  });

  test("after a restore of the server new messages are shown, and what came after the backup stays", async () => {
    const daemon = await Daemon.start();
    const disk = new Disk();
    const alice = await person(daemon.url, "alice", { e2e });
    const bob = await person(daemon.url, "bob", { e2e, storage: disk.options });
    const toBob = `u${bob.account!.userId}`;
    const toAlice = `u${alice.account!.userId}`;
    const send = async (text: string) => {
      await alice.send(toBob, text);
      await until(`${text} is there`, async () => (await texts(bob, toAlice)).includes(text));
    };
    await send("before");
    await daemon.kill("SIGTERM");
    daemon.keepCopy();
    await daemon.start();
    for (const text of ["lost 1", "lost 2", "lost 3"]) await send(text);
    const told: string[] = [];
    bob.on("security", ({ kind }) => told.push(kind));
    await daemon.kill("SIGTERM");
    daemon.restoreCopy();
    await daemon.start();
    for (const text of ["new 1", "new 2", "new 3", "new 4"]) await send(text);
    assert.deepEqual(await texts(bob, toAlice), ["before", "lost 1", "lost 2", "lost 3", "new 1", "new 2", "new 3", "new 4"]);
    assert.deepEqual(await texts(alice, toBob), await texts(bob, toAlice));
    assert.ok(told.includes("missing"));
    await alice.close();
    await bob.close();
    const again = await openClient(daemon.url, { e2e, storage: disk.options });
    assert.deepEqual((await texts(again, toAlice)).length, 8);
    await again.close();
    await daemon.end();
  });

  test("a chat that cannot be fetched does not keep others from it", async () => {
    const daemon = await Daemon.start({ "inbox.max_entries": "100" });
    const wire = await Wire.to(daemon);
    const disk = new Disk();
    const others = [await person(daemon.url, "alice", { e2e }), await person(daemon.url, "carol", { e2e })];
    let bob = await person(daemon.url, "bob", { e2e, storage: disk.options });
    const toBob = `u${bob.account!.userId}`;
    for (const client of others) await client.send(toBob, "0");
    await until("both are there", async () => (await bob.chats.list()).filter(({ preview }) => preview?.kind === "text").length === 2);
    await bob.close();
    for (const client of others) {
      for (let i = 1; i <= 120; i++) await client.send(toBob, String(i));
      await client.messages.settled();
    }
    bob = await openClient(wire.url, { e2e, storage: disk.options, offline: true });
    let pages = 0;
    wire.onServerFrame = (body) => {
      if (body.case !== "historyPage" || ++pages > 1) return "pass";
      Object.assign(body, { case: "error", value: create(ErrorSchema, { code: ErrorCode.chat_not_found }) });
      return "changed";
    };
    bob.connect();
    await until("online", () => bob.state === "online");
    const lengths = await Promise.all(others.map(async ({ account }) => (await texts(bob, `u${account!.userId}`)).length));
    assert.ok(lengths.includes(121), `${lengths}`);
    await bob.close();
    for (const client of others) await client.close();
    await wire.end();
    await daemon.end();
  });
});

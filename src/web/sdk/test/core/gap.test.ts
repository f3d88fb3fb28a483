// The inbox loses entries before a device has read them: that is told, and the chats' history brings what it can.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Daemon } from "../support/daemon.js";
import { Disk, kEncryptions, openClient, person, texts, until } from "../support/people.js";

for (const [name, e2e] of kEncryptions) describe(`gap, ${name}`, () => {
  test("after a gap the history brings the messages, in order and once", async () => {
    const daemon = await Daemon.start({ "inbox.max_entries": "100" });
    const disk = new Disk();
    const alice = await person(daemon.url, "alice", { e2e });
    let bob = await person(daemon.url, "bob", { e2e, storage: disk.options });
    const toBob = `u${bob.account!.userId}`;
    const toAlice = `u${alice.account!.userId}`;
    await alice.send(toBob, "0");
    await until("one is there", async () => (await texts(bob, toAlice)).length === 1);
    await bob.close();
    for (let i = 1; i <= 150; i++) await alice.send(toBob, String(i));
    await until("all are sent", async () => (await alice.messages.page(toBob, { limit: 1 })).messages[0]!.state === "sent");
    bob = await openClient(daemon.url, { e2e, storage: disk.options, offline: true });
    const gaps: number[][] = [];
    bob.on("gap", ({ from, to }) => gaps.push([from, to]));
    bob.connect();
    await until("all are there", async () => (await texts(bob, toAlice)).length === 151);
    assert.deepEqual(await texts(bob, toAlice), Array.from({ length: 151 }, (_, i) => String(i)));
    assert.equal(gaps.length, 1);
    const seqs = (await bob.messages.page(toAlice, { limit: 1000 })).messages.map(({ seq }) => seq);
    assert.deepEqual(seqs, seqs.map((_, i) => seqs[0]! + i));
    await alice.close();
    await bob.close();
    await daemon.end();
  });
});

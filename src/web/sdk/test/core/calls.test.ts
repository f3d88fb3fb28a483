// Calls are signalled through the real daemon.

import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import type { Client } from "../../src/api.js";
import { FakeRtc } from "../support/fake-rtc.js";
import { heard, kEncryptions, until } from "../support/people.js";
import { twoPeople } from "../support/two-people.js";
import type { Wire } from "../support/wire.js";

const stream = { getTracks: () => [], getAudioTracks: () => [], getVideoTracks: () => [] } as unknown as MediaStream;

for (const [name, e2e] of kEncryptions) describe(`calls, ${name}`, () => {
  let wire: Wire;
  let alice: Client;
  let bob: Client;
  let toBob: string;
  let toAlice: string;
  beforeEach(() => void (FakeRtc.made = []));
  twoPeople({ e2e, RTCPeerConnection: FakeRtc as never }, () => [alice, bob], (made) => ({ wire, alice, bob, toBob, toAlice } = made));

  async function connected(): Promise<string> {
    const rings = heard(bob, "call");
    const call = await alice.calls.start(toBob, { video: true, stream });
    assert.equal((await rings).id, call.id);
    assert.equal((await rings).video, true);
    const active = heard(alice, "callChanged", ({ phase }) => phase === "active");
    await bob.calls.answer(call.id, { stream });
    await active;
    return call.id;
  }

  test("a call is placed, rings, is answered, and ends", async () => {
    const ringing = heard(alice, "callChanged", ({ phase }) => phase === "ringing");
    const id = await connected();
    await ringing;
    await until("candidates arrive", () => FakeRtc.made.every(({ candidates }) => candidates.length > 0));
    const ended = heard(bob, "callChanged", ({ phase }) => phase === "ended");
    const line = heard(bob, "messageChanged", ({ content }) => content.kind === "call");
    await alice.calls.hangUp(id);
    assert.equal((await ended).endReason, "ended");
    const { content } = await line;
    assert.equal(content.kind === "call" && content.outcome, "ended");
    const [newest] = await bob.messages.calls({ limit: 1 });
    assert.equal(newest?.id, (await line).id);
    assert.ok((await bob.messages.calls({ before: newest!.id })).every(({ id }) => id < newest!.id));
    assert.deepEqual(bob.calls.list(), []);
  });

  test("a call that nobody takes is missed", async () => {
    const rings = heard(bob, "call");
    const { id } = await alice.calls.start(toBob, { video: false, stream });
    await rings;
    const missed = heard(bob, "callChanged", ({ phase }) => phase === "ended");
    const line = heard(bob, "messageChanged", ({ content }) => content.kind === "call");
    await alice.calls.hangUp(id);
    assert.equal((await missed).endReason, "missed");
    const { content } = await line;
    assert.equal(content.kind === "call" && content.outcome, "missed");
    assert.equal((await bob.chats.list())[0]!.unread, 1);
  });

  test("a call stops ringing with its time, even if nobody says so", async () => {
    wire.onServerFrame = (body) => {
      if (body.case === "callOffered") body.value.ringMs = 100;
      return body.case === "callOffered" ? "changed" : body.case === "callChanged" ? "drop" : "pass";
    };
    const rings = heard(bob, "call");
    const { id } = await alice.calls.start(toBob, { video: false, stream });
    await rings;
    const missed = heard(bob, "callChanged", ({ phase }) => phase === "ended");
    await alice.calls.hangUp(id);
    assert.equal((await missed).endReason, "missed");
    assert.deepEqual(bob.calls.list(), []);
  });

  test("a rejected call tells so", async () => {
    const rings = heard(bob, "call");
    await alice.calls.start(toBob, { video: false, stream });
    const ended = heard(alice, "callChanged", ({ phase }) => phase === "ended");
    await bob.calls.reject((await rings).id);
    assert.equal((await ended).endReason, "rejected");
  });

  test("a call survives a broken connection to the server", async () => {
    const id = await connected();
    wire.cut();
    const restarted = (rtc: FakeRtc) => rtc.localDescription!.type === "offer" && rtc.signalingState === "stable";
    await until("new addresses are agreed on", () => restarted(FakeRtc.made[1]!));
    for (const client of [alice, bob]) assert.deepEqual(client.calls.list().map((call) => [call.id, call.phase]), [[id, "active"]]);
  });

  test("who calls each other at once are connected by one call", async () => {
    const calls = await Promise.all([
      alice.calls.start(toBob, { video: false, stream }),
      bob.calls.start(toAlice, { video: false, stream }),
    ]);
    await until("both are active", () => [alice, bob].every((client) => client.calls.list()[0]?.phase === "active"));
    assert.equal(alice.calls.list()[0]!.id, bob.calls.list()[0]!.id);
    assert.ok(calls.some(({ id }) => id === alice.calls.list()[0]!.id));
  });
});

// Calls of groups: every device of the call has a connection to every other one, agreed on through the real daemon.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { Client } from "../../src/api.js";
import { openE2e as e2e } from "../../src/e2e/e2e.js";
import { ErrorCode, ErrorSchema } from "../../src/gen/godwit_pb.js";
import { Daemon } from "../support/daemon.js";
import { FakeRtc } from "../support/fake-rtc.js";
import { heard, person, until } from "../support/people.js";
import { Wire } from "../support/wire.js";

const stream = { getTracks: () => [], getAudioTracks: () => [], getVideoTracks: () => [] } as unknown as MediaStream;

let daemon: Daemon;
/** Carol's connection. */
let wire: Wire;
let all: Client[] = [];
let alice: Client;
let bob: Client;
let carol: Client;
let chat: string;
let n = 0;

before(async () => {
  daemon = await Daemon.start();
  wire = await Wire.to(daemon);
});

beforeEach(async () => {
  for (const client of all) await client.close();
  n++;
  const options = { e2e, RTCPeerConnection: FakeRtc as never };
  all = await Promise.all([
    person(daemon.url, `alice${n}`, options),
    person(daemon.url, `bob${n}`, options),
    person(wire.url, `carol${n}`, options),
  ]);
  [alice, bob, carol] = all as [Client, Client, Client];
  chat = (await alice.groups.create({ name: "Owls", members: [bob, carol].map(({ account }) => account!.userId) })).chat;
  for (const client of [bob, carol]) await until("the group is there", async () => (await client.chats.get(chat))?.role === "member");
});

after(async () => {
  for (const client of all) await client.close();
  await wire?.end();
  await daemon?.end();
});

/** Each of `clients` is connected to all others of them, and to nobody else. */
async function mesh(clients: Client[]): Promise<void> {
  const names = (some: Client[]) => some.map(({ account }) => account!.userId).sort();
  for (const client of clients) {
    const others = names(clients.filter((other) => other !== client));
    await until(`${client.account!.handle} is connected to ${others.length}`, () => {
      const participants = client.calls.list()[0]?.participants ?? [];
      return participants.every(({ connected }) => connected) && JSON.stringify(participants.map(({ user }) => user).sort()) === JSON.stringify(others);
    });
  }
}

test("who joins is connected to everybody, who leaves to nobody", async () => {
  const { id } = await alice.calls.start(chat, { video: true, stream });
  assert.deepEqual(await bob.calls.ongoing(chat), { id, video: true, participants: [alice.account!.userId] });
  assert.equal((await bob.calls.start(chat, { video: false, stream })).id, id);
  await mesh([alice, bob]);
  assert.equal((await carol.calls.start(chat, { video: true, stream })).id, id);
  await mesh(all);
  await bob.calls.hangUp(id);
  await mesh([alice, carol]);
  assert.deepEqual(bob.calls.list(), []);
  await alice.calls.hangUp(id);
  await carol.calls.hangUp(id);
  await until("the call is over", async () => (await bob.calls.ongoing(chat)) === undefined);
});

test("a call that begins rings at the others, until they join, ignore it or it is over", async () => {
  const rung = [bob, carol].map((client) => heard(client, "call"));
  const { id } = await alice.calls.start(chat, { video: true, stream });
  for (const ring of rung) assert.deepEqual((({ id, chat, video, outgoing, phase }) => ({ id, chat, video, outgoing, phase }))(await ring), { id, chat, video: true, outgoing: false, phase: "ringing" });
  assert.deepEqual(alice.calls.list().map(({ phase }) => phase), ["active"]);
  await bob.calls.answer(id, { stream });
  await mesh([alice, bob]);
  const ignored = heard(carol, "callChanged", ({ phase }) => phase === "ended");
  await carol.calls.reject(id);
  assert.equal((await ignored).endReason, "rejected");
  await mesh([alice, bob]); // it goes on without her
  for (const client of [alice, bob]) await client.calls.hangUp(id);

  const again = heard(carol, "call");
  const next = await bob.calls.start(chat, { video: false, stream });
  assert.equal((await again).id, next.id);
  const over = heard(carol, "callChanged", ({ phase }) => phase === "ended");
  await bob.calls.hangUp(next.id);
  assert.equal((await over).endReason, "missed");
  assert.deepEqual(carol.calls.list(), []);
});

test("who comes back is rung for a call that goes on, not for one that is over", async () => {
  const calls: string[] = [];
  carol.disconnect();
  carol.on("call", ({ id }) => calls.push(id));
  await alice.calls.hangUp((await alice.calls.start(chat, { video: false, stream })).id);
  const { id } = await bob.calls.start(chat, { video: false, stream });
  carol.connect();
  await until("the call that goes on rings", () => calls.length > 0);
  assert.deepEqual(calls, [id]);
});

test("a call rings even if the server is too busy at first to tell of it", async () => {
  let asked = 0;
  wire.onServerFrame = (body) => {
    if (body.case !== "callState" || ++asked > 1) return "pass";
    Object.assign(body, { case: "error", value: create(ErrorSchema, { code: ErrorCode.overloaded }) });
    return "changed";
  };
  const rung = heard(carol, "call");
  const { id } = await alice.calls.start(chat, { video: false, stream });
  assert.equal((await rung).id, id);
  wire.release();
  assert.equal((await carol.calls.answer(id, { stream })).id, id);
  await mesh([alice, carol]);
});

test("all join at once", async () => {
  await Promise.all(all.map((client) => client.calls.start(chat, { video: false, stream })));
  assert.equal(new Set(all.map((client) => client.calls.list()[0]!.id)).size, 1);
  await mesh(all);
});

test("camera and microphone are free again when a call cannot be joined", async () => {
  wire.onServerFrame = (body) => {
    if (body.case !== "callState") return "pass";
    Object.assign(body, { case: "error", value: create(ErrorSchema, { code: ErrorCode.call_full }) });
    return "changed";
  };
  let stopped = 0;
  const tracks = [{ stop: () => stopped++ }] as never;
  await assert.rejects(carol.calls.start(chat, { video: true, stream: { ...stream, getTracks: () => tracks } as never }), { code: "call_full" });
  wire.release();
  assert.equal(stopped, 1);
  assert.deepEqual(carol.calls.list(), []);
});

test("who loses the server stays in the call, with new addresses to everybody", async () => {
  await alice.calls.start(chat, { video: false, stream });
  for (const client of [bob, carol]) await client.calls.start(chat, { video: false, stream });
  await mesh(all);
  const before = FakeRtc.made.map(({ localDescription }) => localDescription!.sdp);
  wire.cut();
  await until("new addresses are agreed on", () => FakeRtc.made.filter(({ localDescription, signalingState }, i) => localDescription!.sdp !== before[i] && signalingState === "stable").length >= 4);
  await mesh(all);
});

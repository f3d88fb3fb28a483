// Parts that need no server.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeContent, encodeContent } from "../../src/chats/content.js";
import { matches, words } from "../../src/chats/search.js";
import { GodwitError, codeName } from "../../src/errors.js";
import { codes } from "../../src/gen/codes.js";
import { chatRef, directChat, fromBase64Url, fromHex, groupChat, toBase64Url, toHex, uuid7, uuid7Time } from "../../src/ids.js";
import { MemoryStore } from "../../src/store/memory.js";
import { SealedStore } from "../../src/store/sealed.js";
import { StoreFullError } from "../../src/store/store.js";
import { Units } from "../../src/store/units.js";
import { Peer } from "../../src/calls/peer.js";
import { parseLink } from "../../src/devices/devices.js";
import { Backoff } from "../../src/transport/backoff.js";
import { FakeRtc } from "../support/fake-rtc.js";

test("ids go to bytes and back", () => {
  const id = uuid7(1_700_000_000_123);
  assert.equal(uuid7Time(id), 1_700_000_000_123);
  assert.equal(id[6]! >> 4, 7);
  assert.equal(id[8]! >> 6, 2);
  assert.deepEqual(fromHex(toHex(id)), id);
  assert.deepEqual(fromBase64Url(toBase64Url(id)), id);
  assert.deepEqual(chatRef(directChat(2n ** 64n - 1n)), { peer: 2n ** 64n - 1n });
  assert.deepEqual(chatRef(groupChat(id)), { chat: id });
  for (const wrong of ["", "u", "gabc", "x1", "u-1"]) assert.throws(() => chatRef(wrong), TypeError);
});

test("every error of the server's table has its name, others a number", () => {
  const table = readFileSync(new URL("../../../../../include/godwit/errors.def", import.meta.url), "utf8");
  const rows = [...table.matchAll(/^GODWIT_ERROR\((\w+),\s*(\d+)/gm)];
  assert.ok(rows.length > 50);
  for (const [, name, code] of rows) assert.equal(codeName(Number(code)), name);
  assert.equal(Object.keys(codes).length, rows.length);
  assert.equal(codeName(9999), "code_9999");
});

test("pauses double up to a bound, with jitter", () => {
  const backoff = new Backoff(100, 1000);
  for (const most of [100, 200, 400, 800, 1000, 1000]) {
    const pause = backoff.next();
    assert.ok(pause >= most / 2 && pause <= most);
  }
  backoff.reset();
  assert.ok(backoff.next() <= 100);
});

test("words are found without case and accents, in any script", () => {
  assert.deepEqual(words("L'Été, à 20 h: Ünïcode"), ["l", "ete", "a", "20", "h", "unicode"]);
  assert.deepEqual(words("привет мир"), ["привет", "мир"]);
  assert.deepEqual(matches("Été and été", ["ete"]), [{ start: 0, length: 3 }, { start: 8, length: 3 }]);
  assert.deepEqual(words("… !"), []);
});

test("content that is damaged or beyond its limits is refused, unknown kinds are kept", () => {
  assert.equal(decodeContent(Uint8Array.of(0xff, 0xff)), undefined);
  assert.equal(decodeContent(encodeContent({ case: "reaction", value: { emoji: "x".repeat(65) } })), undefined);
  const newer = decodeContent(Uint8Array.from([0xa2, 0x06, 0x01, 0x41]))!; // field 100
  assert.equal(newer.body.case, undefined);
  assert.equal(newer.$unknown![0]!.no, 100);
});

test("what is no code of a new device is refused", () => {
  for (const text of ["", "godwit-link:1:", "godwit-link:1:!!", "godwit-link:2:AAAA", "https://example.org"]) {
    assert.throws(() => parseLink(text), (error) => error instanceof GodwitError && error.code === "link_invalid");
  }
});

test("a unit stores all or nothing, and tells only what is stored", async () => {
  const raw = new MemoryStore();
  const units = new Units(await SealedStore.open(raw));
  const told: string[] = [];
  await assert.rejects(
    units.run(async (unit) => {
      unit.put("a", 1);
      unit.after(() => told.push("a"));
      throw new Error("no");
    }),
  );
  const batch = raw.batch.bind(raw);
  raw.batch = async () => {
    throw new StoreFullError("full");
  };
  await assert.rejects(
    units.run(async (unit) => {
      unit.put("b", 1);
      unit.after(() => told.push("b"));
    }),
    { code: "storage_full" },
  );
  raw.batch = batch;
  await units.run(async (unit) => {
    assert.equal(await unit.get("a"), undefined);
    assert.equal(await unit.get("b"), undefined);
    unit.put("c", { n: 1 });
    assert.deepEqual(await unit.get("c"), { n: 1 });
    unit.after(() => told.push("c"));
  });
  assert.deepEqual(told, ["c"]);
});

test("units run one after the other", async () => {
  const units = new Units(await SealedStore.open(new MemoryStore()));
  await Promise.all(
    Array.from({ length: 20 }, () =>
      units.run(async (unit) => {
        const n = (await unit.get<number>("n")) ?? 0;
        await new Promise((resolve) => setTimeout(resolve, 1));
        unit.put("n", n + 1);
      }),
    ),
  );
  await units.run(async (unit) => assert.equal(await unit.get("n"), 20));
});

test("when both sides of a call offer at once, the polite one gives way", async () => {
  const host = { signal: async () => {}, onStream: () => {}, onState: () => {} };
  const polite = new Peer(FakeRtc as never, {}, undefined, true, host);
  const impolite = new Peer(FakeRtc as never, {}, undefined, false, host);
  const [one, other] = [await polite.offer(), await impolite.offer()];
  assert.equal(await impolite.answer(one), undefined);
  const answer = await polite.answer(other);
  await impolite.accept(answer!);
});

// Storages keep what they are given, encrypted; a full one pauses, a refused one is told.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { IDBFactory, IDBKeyRange, IDBObjectStore as FDBObjectStore } from "fake-indexeddb";
import { IndexedDbStore } from "../../src/store/indexeddb.js";
import { LevelStore } from "../../src/store/level.js";
import { MemoryStore } from "../../src/store/memory.js";
import { SealedStore } from "../../src/store/sealed.js";
import type { KeyValueStore } from "../../src/store/store.js";
import { encodeRecord, Unit } from "../../src/store/units.js";
import { nodeStorage } from "../../src/node.js";
import { Daemon } from "../support/daemon.js";
import { Disk, heard, openClient, person, texts, until } from "../support/people.js";

const directory = mkdtempSync(path.join(tmpdir(), "godwit-store-"));
let daemon: Daemon;

before(async () => {
  globalThis.indexedDB = new IDBFactory();
  globalThis.IDBKeyRange = IDBKeyRange;
  daemon = await Daemon.start();
});

after(async () => {
  await daemon?.end();
  rmSync(directory, { recursive: true, force: true });
});

const kinds: [string, (name: string) => Promise<KeyValueStore>][] = [
  ["memory", async () => new MemoryStore()],
  ["IndexedDB", (name) => IndexedDbStore.open(name)],
  ["LevelDB", (name) => LevelStore.open(path.join(directory, name))],
];

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

for (const [kind, make] of kinds) {
  test(`${kind} keeps an ordered map`, async () => {
    const store = await make("map");
    await store.batch(["b/2", "a/1", "b/1", "c/1", "b/3"].map((key) => ({ key, value: bytes(key) })));
    await store.batch([{ key: "b/2", value: undefined }, { key: "b/4", value: bytes("new") }]);
    assert.deepEqual((await store.range("b/", "b0")).map(([key]) => key), ["b/1", "b/3", "b/4"]);
    assert.deepEqual((await store.range("b/", "b0", { reverse: true, limit: 2 })).map(([key]) => key), ["b/4", "b/3"]);
    assert.deepEqual((await store.range("b/1", "b/4", { limit: 1 })).map(([key]) => key), ["b/1"]);
    assert.equal(new TextDecoder().decode((await store.get("b/4"))!), "new");
    assert.equal(await store.get("b/2"), undefined);
    await store.destroy();
  });

  test(`${kind} holds values only encrypted, each at its key`, async () => {
    const raw = await make("sealed");
    const store = await SealedStore.open(raw);
    await store.batch([{ key: "a", value: bytes("a secret") }, { key: "b", value: bytes("another") }]);
    assert.equal(new TextDecoder().decode((await store.get("a"))!), "a secret");
    const sealed = (await raw.get("a"))!;
    assert.equal(Buffer.from(sealed).includes("secret"), false);
    await raw.batch([{ key: "b", value: sealed }]);
    await assert.rejects(store.get("b"));
    await store.destroy();
  });
}

test("IndexedDB tells why it did not store", async (t) => {
  const store = await IndexedDbStore.open("refusing");
  t.mock.method(FDBObjectStore.prototype, "put", FDBObjectStore.prototype.add); // which fails where there is a value already
  await store.batch([{ key: "a", value: bytes("one") }]);
  await assert.rejects(store.batch([{ key: "a", value: bytes("two") }]), { name: "ConstraintError" });
  await store.destroy();
});

test("what a unit has loaded at once it does not read again, unless it was too much", async () => {
  const raw = new MemoryStore();
  const store = await SealedStore.open(raw);
  const key = (i: number) => `i/${String(i).padStart(4, "0")}`;
  await store.batch(Array.from({ length: 1200 }, (_, i) => ({ key: key(i), value: encodeRecord(i) })));
  const read: string[] = [];
  const unit = new Unit(Object.assign(store, { get: (key: string) => (read.push(key), SealedStore.prototype.get.call(store, key)) }));
  unit.load(key(10), key(20));
  assert.deepEqual(await Promise.all([unit.get(key(10)), unit.get(key(19)), unit.get("i/0010.5")]), [10, 19, undefined]);
  assert.deepEqual(read, []);
  assert.equal(await unit.get(key(20)), 20);
  unit.load(key(100), key(1200));
  assert.equal(await unit.get(key(1199)), 1199);
  assert.deepEqual(read, [key(20), key(1199)]);
  unit.put(key(10), 11);
  assert.equal(await unit.get(key(10)), 11);
});

test("what LevelDB has on disk survives, and says nothing", async () => {
  const storage = nodeStorage(path.join(directory, "phone"));
  let alice = await person(daemon.url, "alice", { storage });
  const bob = await person(daemon.url, "bob");
  await alice.send("bob", "the treasure is under the oak");
  const toBob = `u${bob.account!.userId}`;
  await until("delivered", async () => (await alice.messages.page(toBob)).messages[0]?.state === "delivered");
  await alice.close();
  const files = readdirSync(path.join(directory, "phone"), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const file of files) assert.equal(readFileSync(path.join(file.parentPath, file.name)).includes("treasure"), false);
  alice = await openClient(daemon.url, { storage });
  assert.equal(alice.account!.handle, "alice");
  assert.deepEqual(await texts(alice, toBob), ["the treasure is under the oak"]);
  await alice.close();
  await bob.close();
});

test("IndexedDB keeps an account over a reload, its keys cannot be extracted", async () => {
  let carol = await person(daemon.url, "carol", { storage: { kind: "indexeddb" } });
  await carol.close();
  carol = await openClient(daemon.url, { storage: { kind: "indexeddb" } });
  assert.equal(carol.account!.handle, "carol");
  await carol.close();
  const raw = await IndexedDbStore.open("godwit/default");
  const key = (await raw.keys.load("values")) as CryptoKey;
  await assert.rejects(crypto.subtle.exportKey("raw", key));
  await raw.close();
});

test("a browser that refuses IndexedDB gets a client in memory, and is told", async () => {
  const allowed = globalThis.indexedDB;
  globalThis.indexedDB = { open: () => { throw new DOMException("refused", "SecurityError"); } } as never;
  const client = await openClient(daemon.url, { storage: { kind: "indexeddb" } });
  globalThis.indexedDB = allowed;
  assert.equal((await heard(client, "storage")).state, "memory");
  await client.register({ handle: "private" });
  await client.close();
});

test("a full storage acknowledges nothing; what came meanwhile is there once there is room", async () => {
  const disk = new Disk();
  const dora = await person(daemon.url, "dora");
  const eve = await person(daemon.url, "eve", { storage: disk.options });
  const toDora = `u${dora.account!.userId}`;
  disk.full = true;
  const told = heard(eve, "storage", ({ state }) => state === "full");
  const sent = await dora.send("eve", "you will get this later");
  await told;
  await assert.rejects(eve.send("dora", "no room"), { name: "GodwitError", code: "storage_full" });
  await until("sent", async () => (await dora.messages.get(sent.chat, sent.id))!.state === "sent");
  const again = heard(eve, "storage", ({ state }) => state === "ok");
  disk.full = false;
  await again;
  await until("delivered", async () => (await dora.messages.get(sent.chat, sent.id))!.state === "delivered");
  assert.deepEqual(await texts(eve, toDora), ["you will get this later"]);
  await dora.close();
  await eve.close();
});

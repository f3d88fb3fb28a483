// As in React Native: random numbers are all there is of WebCrypto. A file of its own, since modules look once.
import assert from "node:assert/strict";
import { test } from "node:test";

const { getRandomValues } = globalThis.crypto;
Object.defineProperty(globalThis, "crypto", { value: { getRandomValues: getRandomValues.bind(globalThis.crypto) } });

test("all of it works without crypto.subtle", async () => {
  const { FakeServer } = await import("./fake-server.js");
  const server = new FakeServer();
  const alice = await server.register();
  const bob = await server.register();
  await alice.connect();
  await bob.connect();
  const bob2 = await server.link(bob);  // Its vault would keep a CryptoKey, if there were any.
  await bob2.connect();
  await alice.send({ peer: bob.userId }, "hello");
  await bob.settle();
  await bob.send({ peer: alice.userId }, "hello yourself");
  for (const client of [alice, bob, bob2]) await client.settle();
  assert.deepEqual([alice.texts, bob.texts, bob2.texts], [["hello yourself"], ["hello"], ["hello", "hello yourself"]]);
  assert.equal((await alice.e2e.safetyNumber(bob.userId)).digits, (await bob2.e2e.safetyNumber(alice.userId)).digits);
});

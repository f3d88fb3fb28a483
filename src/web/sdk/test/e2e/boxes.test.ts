import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Aes128Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { x25519 } from "@noble/curves/ed25519.js";
import { EnvelopeSchema } from "../../src/gen/godwit_pb.js";
import { fromHex, randomBytes, utf8 } from "../../src/e2e/bytes.js";
import { makeSigningKey, verify } from "../../src/e2e/device-keys.js";
import { hpke } from "../../src/e2e/hpke.js";
import { extendLink, proveLink, provesLink, splitLink } from "../../src/e2e/links.js";
import { Mls } from "../../src/e2e/mls.js";
import { decryptName, encryptName } from "../../src/e2e/names.js";
import { dh, publicOf } from "../../src/e2e/x25519.js";
import { FakeServer, type TestClient } from "./fake-server.js";
import { memoryVault } from "./memory-vault.js";

test("HPKE is that of another implementation, both ways", async () => {
  const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes128Gcm() });
  const info = utf8("info");
  const pair = await hpke.deriveKeyPair(randomBytes(32));
  const publicKey = await hpke.exportPublicKey(pair.publicKey);
  const sender = await suite.createSenderContext({ recipientPublicKey: await suite.kem.deserializePublicKey(publicKey as Uint8Array<ArrayBuffer>), info });
  const ct = new Uint8Array(await sender.seal(utf8("to us"), utf8("aad")));
  assert.deepEqual(await hpke.open(pair.privateKey, new Uint8Array(sender.enc), ct, info, utf8("aad")), new Uint8Array(utf8("to us")));
  assert.deepEqual(
    await hpke.importSecret(pair.privateKey, utf8("context"), new Uint8Array(sender.enc), 32, info),
    new Uint8Array(await sender.export(utf8("context"), 32)),
  );
  const theirs = await suite.kem.generateKeyPair();
  const sealed = await hpke.seal(await hpke.importPublicKey(new Uint8Array(await suite.kem.serializePublicKey(theirs.publicKey))), utf8("to them"), info);
  const recipient = await suite.createRecipientContext({ recipientKey: theirs.privateKey, enc: sealed.enc as Uint8Array<ArrayBuffer>, info });
  assert.equal(new TextDecoder().decode(await recipient.open(sealed.ct as Uint8Array<ArrayBuffer>)), "to them");
  const seed = utf8("godwit derives this key pair....");
  const derived = await suite.kem.deriveKeyPair(seed);
  const own = await hpke.deriveKeyPair(seed);
  assert.deepEqual(new Uint8Array(await suite.kem.serializePublicKey(derived.publicKey)), await hpke.exportPublicKey(own.publicKey));
});

test("X25519 is that of @noble, and refuses points of small order", async () => {
  const [alice, bob] = [randomBytes(32), randomBytes(32)];
  assert.deepEqual(await dh(alice, await publicOf(bob)), await dh(bob, await publicOf(alice)));
  assert.deepEqual(await publicOf(alice), x25519.getPublicKey(alice));
  assert.deepEqual(await dh(alice, await publicOf(bob)), x25519.getSharedSecret(alice, x25519.getPublicKey(bob)));
  await assert.rejects(dh(bob, new Uint8Array(32)));
});

test("signatures by keys of small order are none", async () => {
  const identity = fromHex("0100000000000000000000000000000000000000000000000000000000000000");
  const signature = new Uint8Array(64);
  signature[0] = 1;
  assert.equal(await verify(identity, utf8("anything"), signature), false);
  for (const cryptoKeys of [true, false]) {
    const key = await makeSigningKey(memoryVault(cryptoKeys), "key");
    const good = await key.sign(utf8("message"));
    assert.equal(await verify(key.publicKey, utf8("message"), good), true);
    assert.equal(await verify(key.publicKey, utf8("messagf"), good), false);
  }
});

test("a key that the vault keeps as CryptoKey cannot be exported", async () => {
  const vault = memoryVault(true);
  await makeSigningKey(vault, "identity");
  const stored = (await vault.load("identity"))!;
  assert.ok("privateKey" in stored);
  await assert.rejects(crypto.subtle.exportKey("pkcs8", stored.privateKey));
});

test("a key package is only taken from its device, and while it lives", async () => {
  const identity = await makeSigningKey(memoryVault(), "identity");
  let now = Date.now();
  const device = { userId: 7n, deviceId: 2 };
  const mls = new Mls(device, identity, async () => true, () => now);
  const own = await mls.makeKeyPackage(86_400, false);
  const bytes = mls.encodeKeyPackage(own.publicPackage);
  assert.ok(await mls.readKeyPackage(bytes, device, identity.publicKey));
  assert.equal(await mls.readKeyPackage(bytes, { userId: 8n, deviceId: 2 }, identity.publicKey), undefined, "another user");
  assert.equal(await mls.readKeyPackage(bytes, { userId: 7n, deviceId: 3 }, identity.publicKey), undefined, "another device");
  assert.equal(await mls.readKeyPackage(bytes, device, randomBytes(32)), undefined, "another identity");
  for (let i = 0; i < bytes.length; i += 7) {
    const altered = bytes.slice();
    altered[i]! ^= 1;
    assert.equal(await mls.readKeyPackage(altered, device, identity.publicKey), undefined, `byte ${i} altered`);
  }
  const eternal = await mls.makeKeyPackage(500 * 86_400, false);
  assert.equal(await mls.readKeyPackage(mls.encodeKeyPackage(eternal.publicPackage), device, identity.publicKey), undefined, "too long a lifetime");
  now += 2 * 86_400_000;
  assert.equal(await mls.readKeyPackage(bytes, device, identity.publicKey), undefined, "expired");
});

test("names of groups open with the group's secret alone", () => {
  const [secret, chat] = [randomBytes(32), randomBytes(16)];
  const encrypted = encryptName(secret, chat, "Gänse");
  assert.equal(decryptName(secret, chat, encrypted), "Gänse");
  assert.equal(encryptName(secret, chat, "x").length, encrypted.length, "the length tells little");
  assert.equal(decryptName(randomBytes(32), chat, encrypted), undefined);
  assert.equal(decryptName(secret, randomBytes(16), encrypted), undefined, "a name of another group");
});

test("a link proves that a member made it", () => {
  const [secret, chat, linkId, identityKey] = [randomBytes(32), randomBytes(16), randomBytes(8), randomBytes(32)];
  const device = { userId: 5n, deviceId: 1 };
  const { link, hidden } = splitLink(extendLink(secret, "godwit-group:1:abc", linkId));
  assert.equal(link, "godwit-group:1:abc");
  const proof = proveLink(hidden!, chat, device, identityKey);
  assert.ok(provesLink(secret, proof, chat, device, identityKey));
  assert.ok(!provesLink(secret, proof, chat, { userId: 6n, deviceId: 1 }, identityKey), "somebody else");
  assert.ok(!provesLink(secret, proof, randomBytes(16), device, identityKey), "another group");
  assert.ok(!provesLink(secret, new Uint8Array(), chat, device, identityKey), "a link as the server made it");
  assert.equal(splitLink("godwit-group:1:abc~%%%").hidden, undefined);
});

async function pair(): Promise<{ server: FakeServer; alice: TestClient; bob: TestClient }> {
  const server = new FakeServer();
  const alice = await server.register();
  const bob = await server.register();
  await alice.connect();
  await bob.connect();
  await alice.send({ peer: bob.userId }, "hello");
  await alice.settle();
  await bob.settle();
  return { server, alice, bob };
}

test("signals of a call open at the other side of the call alone", async () => {
  const { alice, bob } = await pair();
  const callId = randomBytes(16);
  const sealed = await alice.e2e.sealCall({ peer: bob.userId }, callId, utf8("offer"));
  const open = (id = callId, bytes = sealed) => bob.e2e.openCall({ peer: alice.userId }, id, bytes);
  assert.deepEqual(await open(), new Uint8Array(utf8("offer")));
  assert.equal(await open(randomBytes(16)), undefined, "another call");
  const altered = sealed.slice();
  altered[40]! ^= 1;
  assert.equal(await open(callId, altered), undefined);
  assert.equal(await open(callId, new Uint8Array(3)), undefined);
});

test("a status is read by its audience; who leaves it does not read the next", async () => {
  const { alice, bob } = await pair();
  const first = await alice.e2e.sealStatus([bob.userId, 99n], utf8("first"));
  assert.deepEqual(first.newViewers, [bob.userId, 99n]);
  for (const { key, value } of first.writes) alice.rows.set(key, value!);
  assert.equal(await bob.e2e.openStatus(alice.userId, first.payload), undefined, "the key was not sent yet");
  for (const { key, value } of await bob.e2e.learnStatusKey(alice.userId, first.keyMessage)) bob.rows.set(key, value!);
  assert.deepEqual(await bob.e2e.openStatus(alice.userId, first.payload), new Uint8Array(utf8("first")));
  const second = await alice.e2e.sealStatus([bob.userId, 99n], utf8("second"));
  assert.deepEqual(second.newViewers, [], "the key is sent once");
  for (const { key, value } of second.writes) alice.rows.set(key, value!);
  assert.deepEqual(await bob.e2e.openStatus(alice.userId, second.payload), new Uint8Array(utf8("second")));
  const third = await alice.e2e.sealStatus([99n], utf8("third"));
  assert.deepEqual(third.newViewers, [99n]);
  assert.equal(await bob.e2e.openStatus(alice.userId, third.payload), undefined);
});

test("one's own devices read each other, and nobody else is believed", async () => {
  const { server, alice, bob } = await pair();
  const alice2 = await server.link(alice);
  await alice2.connect();
  await alice.connect();
  const [sealed, ...others] = await alice.e2e.sealToSelf(utf8("read up to 5"));
  assert.deepEqual(others, []);
  assert.equal(sealed!.deviceId, alice2.deviceId);
  const envelope = (payload: Uint8Array, from = alice.userId, fromDevice = alice.deviceId) => create(EnvelopeSchema, { payload, from, fromDevice, to: alice.userId });
  assert.deepEqual(await alice2.e2e.openFromSelf(envelope(sealed!.payload)), new Uint8Array(utf8("read up to 5")));
  assert.equal(await alice2.e2e.openFromSelf(envelope(sealed!.payload, bob.userId)), undefined);
  assert.equal(await alice2.e2e.openFromSelf(envelope(sealed!.payload, alice.userId, alice2.deviceId)), undefined, "said to be of another device");
  const altered = sealed!.payload.slice();
  altered[altered.length - 1]! ^= 1;
  assert.equal(await alice2.e2e.openFromSelf(envelope(altered)), undefined);
});

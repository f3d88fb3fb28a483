// How long the encryption takes: `node --import tsx test/bench/mls.ts [devices]`.
import { makeSigningKey } from "../../src/e2e/device-keys.js";
import { Mls, type MlsState } from "../../src/e2e/mls.js";
import { readState, stateWrites } from "../../src/e2e/mls-rows.js";
import { memoryVault } from "../e2e/memory-vault.js";

async function member(userId: bigint): Promise<Mls> {
  const identity = await makeSigningKey(memoryVault(), "identity");
  return new Mls({ userId, deviceId: 1 }, identity, async () => true, Date.now);
}

async function time<T>(what: string, times: number, work: () => Promise<T>): Promise<T> {
  let result!: T;
  const took: number[] = [];
  const used: number[] = [];
  for (let i = 0; i < times; i++) {
    const [begin, cpu] = [performance.now(), process.cpuUsage()];
    result = await work();
    took.push(performance.now() - begin);
    const { user, system } = process.cpuUsage(cpu);
    used.push((user + system) / 1000);
  }
  const median = (values: number[]) => values.sort((a, b) => a - b)[times >> 1]!.toFixed(1);
  console.log(`${what}: ${median(took)} ms, of the processor ${median(used)} ms (median of ${times})`);
  return result;
}

const devices = Number(process.argv[2] ?? 100);
const id = new Uint8Array(16);
const alice = await member(1n);
const others = await Promise.all(Array.from({ length: devices }, (_, i) => member(BigInt(i + 2))));
const packages: Awaited<ReturnType<Mls["makeKeyPackage"]>>[] = [];
for (const other of others) packages.push(await other.makeKeyPackage(86_400, false));
await time("100 key packages", 1, async () => {
  for (let i = 0; i < 100; i++) await alice.makeKeyPackage(86_400, false);
});
const alone = await alice.create(id);
const all = await time(`${devices - 2} devices at once`, 1, () => alice.commit(alone, packages.slice(0, devices - 2).map((p) => p.publicPackage), [], undefined));
const bob = await time("joining by the welcome", 1, () => others[0]!.join(id, all.welcome!, packages[0]!));
// A full tree, as after some time: everybody below has committed once.
const one = await time("one more device", 5, () => alice.commit(all.state, [packages[devices - 2]!.publicPackage], [], undefined));
const bobs = await time("following that", 5, () => others[0]!.follow(bob.state, one.commit, () => true));
await time("removing one", 3, () => alice.commit(one.state, [], [5], undefined));
await time("external commit", 1, () => others[devices - 1]!.joinExternally(id, one.groupInfo, new Uint8Array()));
console.log(`sizes: commit ${one.commit.length}, welcome ${one.welcome!.length}, group info ${one.groupInfo.length}`);
const text = new Uint8Array(100).fill(65);
let state: MlsState = one.state;
const messages: Uint8Array[] = [];
const begin = performance.now();
for (let i = 0; i < 500; i++) {
  const sealed = await alice.seal(state, text);
  state = sealed.state;
  messages.push(sealed.message);
}
const middle = performance.now();
let reader = bobs.state;
for (const message of messages) reader = (await others[0]!.open(reader, others[0]!.read(message)!)).state;
const end = performance.now();
console.log(`sealed ${(500_000 / (middle - begin)).toFixed(0)}/s, opened ${(500_000 / (end - middle)).toFixed(0)}/s, ${messages[0]!.length} bytes each`);
const rows = await time("encoding state", 5, async () => stateWrites("g/", bobs.state, reader));
const full = stateWrites("g/", undefined, reader);
console.log(`state: ${rows.reduce((n, w) => n + (w.value?.length ?? 0), 0)} bytes a message, ${full.reduce((n, w) => n + (w.value?.length ?? 0), 0)} in all`);
const back = readState(others[0]!, "g/", full.map((w) => [w.key, w.value!]));
if (back?.groupContext.epoch !== reader.groupContext.epoch || back.historicalReceiverData.size !== reader.historicalReceiverData.size) throw new Error("the state did not come back");

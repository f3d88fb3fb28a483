// The examples of the README run as they stand there, but for the address of the server and the directory.

import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import WebSocket from "ws";
import type { Client } from "../../src/api.js";
import { openE2e } from "../../src/e2e/e2e.js";
import { Daemon } from "../support/daemon.js";
import { heard, person } from "../support/people.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const examples = [...readFileSync(path.join(root, "README.md"), "utf8").matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code!);
const source = (file: string) => pathToFileURL(path.join(root, "src", file)).href;

test("the examples of the README", async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), "godwit-readme-"));
  const daemon = await Daemon.start();
  (globalThis as { WebSocket?: unknown }).WebSocket ??= WebSocket;
  const bob = await person(daemon.url, "bob", { e2e: openE2e });
  const clients: Client[] = [bob];
  t.after(async () => {
    for (const client of clients) await client.close();
    await daemon.end();
    rmSync(directory, { recursive: true });
  });
  assert.equal(examples.length, 2);
  for (const [i, example] of examples.entries()) {
    const code = example
      .replace("wss://chat.example.org/v1/ws", daemon.url)
      .replace("./data", path.join(directory, "data"))
      .replace('"@godwit/client"', JSON.stringify(source("index.ts")))
      .replace('"@godwit/client/node"', JSON.stringify(source("node.ts")));
    const file = path.join(directory, `example${i}.mts`);
    writeFileSync(file, `${code}\nexport { client };\n`);
    const incoming = heard(bob, "message");
    const { client } = (await import(pathToFileURL(file).href)) as { client: Client };
    clients.push(client);
    const { content, chat } = await incoming;
    assert.deepEqual(content, { kind: "text", text: ["hello", "hello from Node"][i] });
    const printed = t.mock.method(console, "log", () => {});
    const answered = heard(client, "message");
    await bob.send(chat, "hello yourself");
    await answered;
    const lines = printed.mock.calls.map(({ arguments: [line] }) => line);
    assert.deepEqual(lines, i === 0 ? [`${bob.account!.userId} in u${bob.account!.userId}: hello yourself`] : []);
    printed.mock.restore();
  }
});

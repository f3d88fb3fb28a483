// Pages with a phone in a real Chromium, driven by lines of JSON: {"do": ..., "page": n, "args": [...]} on standard
// input, {"value": ...} or {"error": ...} on standard output, one for one. "open" makes a page in a context of its
// own and answers its number; "cut" breaks the page's connection to the server as a dead network does, without a word;
// anything else is a method of Phone in phone.js, or "events". Ends with its input.
//   node driver.mjs CHROMIUM SERVER-PORT

import { readFile } from "node:fs/promises";
import http from "node:http";
import net from "node:net";
import path from "node:path";
import readline from "node:readline";
import { chromium } from "playwright-core";

const [executablePath, serverPort] = process.argv.slice(2);
const kTypes = { ".html": "text/html", ".js": "text/javascript" };

async function listen(server) {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server.address().port;
}

const files = http.createServer(async (request, response) => {
  const name = path.basename(request.url) || "index.html";
  try {
    const data = await readFile(new URL(name, import.meta.url));
    response.writeHead(200, { "Content-Type": kTypes[path.extname(name)] ?? "application/octet-stream" }).end(data);
  } catch {
    response.writeHead(404).end();
  }
});

// Between a page and the server, so that their connection can be cut.
class Wire {
  #sockets = new Set();
  #server = net.createServer((near) => {
    const far = net.connect(Number(serverPort), "127.0.0.1");
    for (const [one, other] of [[near, far], [far, near]]) {
      this.#sockets.add(one);
      one.on("error", () => {}).on("close", () => other.destroy());
      one.pipe(other);
    }
  });

  async open() {
    return `ws://127.0.0.1:${await listen(this.#server)}/v1/ws`;
  }

  cut() {
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#sockets.clear();
  }
}

const origin = `http://127.0.0.1:${await listen(files)}`;
const browser = await chromium.launch({
  executablePath,
  args: [
    "--no-sandbox", // which root cannot have; the pages are our own
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--disable-dev-shm-usage",
  ],
});
const pages = [];

async function open() {
  const context = await browser.newContext({ permissions: ["microphone", "camera"] });
  const page = await context.newPage();
  page.on("pageerror", (error) => console.error(`page ${pages.length}: ${error}`));
  await page.goto(`${origin}/index.html`);
  await page.waitForFunction(() => window.phone !== undefined);
  const wire = new Wire();
  return pages.push({ page, wire, url: await wire.open() }) - 1;
}

function perform({ do: what, page: number, args = [] }) {
  if (what === "open") return open();
  const { page, wire, url } = pages[number];
  if (what === "cut") return wire.cut();
  if (what === "events") return page.evaluate(() => window.phone.events);
  const all = what === "start" || what === "resume" ? [url, ...args] : args;
  return page.evaluate(([name, given]) => window.phone[name](...given), [what, all]);
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = { value: (await perform(JSON.parse(line))) ?? null };
  } catch (error) {
    answer = { error: String(error.message) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
process.exit(0);

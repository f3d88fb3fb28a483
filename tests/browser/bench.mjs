// How quick the web client is, in numbers; prints JSON, one line a measurement.
//   node bench.mjs [MESSAGES]
// Against the real daemon, encryption included: from the key to the own bubble, and to the bubble of the other side. With
// 1,000 chats and 100,000 messages in the browser's store: a cold start, and the frames while one scrolls through a chat.
// Of somebody who was away: how many messages a second are received, decrypted and stored.
import { createRequire } from "node:module";
import { loadavg } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { Daemon } from "./daemon.mjs";
import { Person } from "./person.mjs";
import { kRepository, launch } from "./support.mjs";

const kMessages = Number(process.argv[2] ?? 100);
const kScrollMs = 10_000;
const kStarts = 5;
const kAway = [{ writers: 1, messages: 3000 }, { writers: 8, messages: 3000 }];
const kLimits = { "limits.device_requests_per_s": "0", "limits.user_requests_per_s": "0", "limits.address_requests_per_s": "0" };
const kStore = { chats: 1000, messages: 100_000, share: 0.1 };

const report = (what, values) => console.log(JSON.stringify({ what, ...values }));
function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] * 10) / 10;
  return { n: sorted.length, p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1) };
}

/** Notes in a page when a bubble with a text comes into the document. */
function watchBubbles() {
  globalThis.shownAt = new Map();
  new MutationObserver(() => {
    for (const text of document.querySelectorAll("article p[dir=auto]")) {
      const [, id] = /bench-(\d+)/.exec(text.textContent) ?? [];
      if (id && !shownAt.has(id)) shownAt.set(id, Date.now());
    }
  }).observe(document.body, { childList: true, subtree: true, characterData: true });
}

async function latency(browser, daemon) {
  const [ann, ben] = await Promise.all(["ann", "ben"].map((name) => Person.arrive(browser, daemon.url, name)));
  await ann.register("bench.ann");
  await ben.register("bench.ben");
  await ann.beginChat("bench.ben");
  await ann.write("Hello");
  await ben.openChat("bench.ann");
  for (const { page } of [ann, ben]) await page.evaluate(watchBubbles);
  const typed = [];
  for (let i = 0; i < kMessages; ++i) {
    await ann.page.fill("textarea", `bench-${i}`);
    typed.push(await ann.page.evaluate(() => Date.now()));
    await ann.page.keyboard.press("Enter");
    await ben.page.waitForFunction((id) => globalThis.shownAt.has(String(id)), i);
  }
  for (const [person, what] of [[ann, "key to own bubble"], [ben, "key to the other's bubble"]]) {
    const shown = new Map(await person.page.evaluate(() => [...globalThis.shownAt]));
    report(what, spread(typed.map((at, i) => shown.get(String(i)) - at)));
  }
  await ann.leave();
  await ben.leave();
}

/** A file of this folder, and what it imports, as a script for a page. */
async function scriptOf(file) {
  const client = createRequire(path.join(kRepository, "src/web/client/package.json"));
  const { build } = await import(pathToFileURL(client.resolve("vite")));
  const lib = { entry: path.join(import.meta.dirname, file), formats: ["iife"], name: "script", fileName: "script" };
  const [{ output }] = await build({ configFile: false, logLevel: "error", build: { write: false, minify: false, lib } });
  return output[0].code;
}

async function crowd(browser, daemon) {
  const person = await Person.arrive(browser, daemon.url, "crowd");
  await person.register("bench.crowd");
  const { page } = person;
  page.setDefaultTimeout(600_000);
  // Another page of the same origin, while the client is closed.
  await page.goto(`${daemon.url}favicon.svg`);
  await page.evaluate(await scriptOf("fill-store.ts"));
  const chat = await page.evaluate((store) => globalThis.fillStore(store), kStore);
  const toList = [];
  const toChat = [];
  for (let i = 0; i < kStarts; ++i) {
    await page.goto("about:blank");
    const begin = Date.now();
    await page.goto(`${daemon.url}#/chat/${chat}`);
    await page.locator("[data-testid=chat-title]").first().waitFor();
    toList.push(Date.now() - begin);
    await page.locator("article").first().waitFor();
    toChat.push(Date.now() - begin);
  }
  report("cold start to the list of chats", { ...kStore, ...spread(toList) });
  report("cold start to the messages of a chat", spread(toChat));
  await person.ready();
  const log = page.locator("[role=log]");
  await log.hover();
  const frames = await page.evaluate(async (ms) => {
    const log = document.querySelector("[role=log]");
    const times = [];
    let last = await new Promise(requestAnimationFrame);
    for (const end = last + ms; last < end; ) {
      log.scrollTop -= 120;
      const now = await new Promise(requestAnimationFrame);
      times.push(now - last);
      last = now;
    }
    return times;
  }, kScrollMs);
  report("frames while scrolling", { ...spread(frames), late: frames.filter((ms) => ms > 33.4).length, fps: Math.round((frames.length * 1000) / kScrollMs) });
  await person.leave();
}

/** Notes when the connection is open, in each page of a browser. */
function watchConnection() {
  globalThis.WebSocket = class extends WebSocket {
    constructor(...parameters) {
      super(...parameters);
      this.addEventListener("open", () => (globalThis.connectedAt = performance.now()));
    }
  };
}

/** The web client comes back to what was written meanwhile: until all is stored and acknowledged. */
async function catchUp(browser, daemon, { writers, messages }) {
  const handle = `bench.away.${writers}`;
  const person = await Person.arrive(browser, daemon.url, "away", { before: watchConnection });
  await person.register(handle);
  await person.page.goto("about:blank");
  const others = await browser.newPage();
  await others.goto(`${daemon.url}favicon.svg`);
  await others.evaluate(await scriptOf("send-many.ts"));
  await others.evaluate((what) => globalThis.sendMany(what), { url: `${daemon.url.replace("http", "ws")}v1/ws`, to: handle, writers, messages });
  await others.close();
  await person.page.goto(daemon.url);
  const ms = await person.page.evaluate(async () => {
    const isDone = () => document.querySelector("[data-testid=chat-title]") && !/Connecting…|Receiving messages…/.test(document.body.textContent);
    while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 5));
    return performance.now() - globalThis.connectedAt;
  });
  report("catching up", { writers, messages, ms: Math.round(ms), per_s: Math.round((messages * 1000) / ms) });
  await person.leave();
}

const browser = await launch();
const daemon = await new Daemon(kLimits).start();
report("load of this machine", { load: loadavg().map((load) => Math.round(load * 10) / 10) });
try {
  for (const away of kAway) await catchUp(browser, daemon, away);
  await crowd(browser, daemon);
  await latency(browser, daemon);
} finally {
  await browser.close();
  await daemon.end();
}

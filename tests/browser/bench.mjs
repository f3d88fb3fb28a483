// How quick the web client is, in numbers; prints JSON, one line a measurement.
//   node bench.mjs [MESSAGES]
// Against the real daemon, encryption included: from the key to the own bubble, and to the bubble of the other side; a cold
// start with what was written. On the double of the SDK (no server, no encryption): a cold start with 1,000 chats and 100,000
// messages, and the frames while one scrolls through these.
import path from "node:path";
import { Daemon } from "./daemon.mjs";
import { Person } from "./person.mjs";
import { kRepository, launch, serve } from "./support.mjs";

const kMessages = Number(process.argv[2] ?? 100);
const kScrollMs = 10_000;

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
  const begin = Date.now();
  await ben.page.reload();
  await ben.bubble(`bench-${kMessages - 1}`).first().waitFor();
  report("cold start, real store", { messages: kMessages, ms: Date.now() - begin });
  await ann.leave();
  await ben.leave();
}

async function crowd(browser, url) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, serviceWorkers: "block" });
  const begin = Date.now();
  await page.goto(`${url}?chats=1000&messages=100000#/chat/u2000`);
  await page.locator("article").first().waitFor();
  // The double makes its world first, which is no part of the client's work.
  report("cold start, double", { chats: 1000, messages: 100_000, ms: Date.now() - begin, heap_mb: await page.evaluate(() => Math.round(performance.memory.usedJSHeapSize / 1e6)) });
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
  await page.close();
}

const browser = await launch();
const daemon = await new Daemon().start();
const files = await serve(path.join(kRepository, "src/web/client/dist-double"));
try {
  await crowd(browser, files.url);
  await latency(browser, daemon);
} finally {
  files.close();
  await browser.close();
  await daemon.end();
}

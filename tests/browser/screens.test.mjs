// Every screen of the web client on the double of the SDK: it is there, looks as it did in screenshots/ for people to see,
// has nothing that axe calls serious, and works with the keyboard. In light and dark, as phone and as desktop: of the four two,
// with GODWIT_NIGHTLY all.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { kRepository, kShots, kWaitMs, launch, serve, watchFaults } from "./support.mjs";

const kAxe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const kGroup = `g${"a".repeat(32)}`;
const kLooks = [
  { name: "desktop-light", viewport: { width: 1280, height: 800 }, colorScheme: "light" },
  { name: "phone-dark", viewport: { width: 390, height: 844 }, colorScheme: "dark", hasTouch: true },
  ...(process.env.GODWIT_NIGHTLY
    ? [
        { name: "desktop-dark", viewport: { width: 1280, height: 800 }, colorScheme: "dark" },
        { name: "phone-light", viewport: { width: 390, height: 844 }, colorScheme: "light", hasTouch: true },
      ]
    : []),
];

// name, place, what tells that it is there, and what is done before it is looked at.
const kScreens = [
  ["welcome", "?account=none", "text=Create account"],
  ["welcome-code", "?account=none&mode=verified", "text=Send me a code"],
  ["welcome-link", "?account=none", "role=img[name='Code for linking']", (page) => page.click("text=Link to my account")],
  ["chats", "", "text=Wader watchers"],
  ["chats-connecting", "?state=connecting", "text=Trying again in"],
  ["chats-offline", "?state=offline", "text=Offline."],
  ["search", "", "mark", (page) => page.fill("input[aria-label='Search chats and messages']", "godwit")],
  ["requests", "#/requests", "text=stranger.things"],
  ["request", "#/chat/u1007", "text=is not among your contacts"],
  ["archive", "#/archived", "text=Your parcel is ready"],
  ["chat", "#/chat/u1001", "text=bar-tailed godwit"],
  ["chat-emoji", "#/chat/u1001", "text=Smileys", (page) => page.click("button[aria-label='Emoji']")],
  ["chat-menu", "#/chat/u1001", "role=menuitem[name='Reply']", (page) => page.click("article:has-text('Perfect') p", { button: "right" })],
  ["chat-forward", "#/chat/u1001", "role=dialog[name='Forward to']", async (page) => {
    await page.click("article:has-text('Perfect') p", { button: "right" });
    await page.click("role=menuitem[name='Forward']");
  }],
  ["chat-typing", "#/chat/u1001", ".typing-dot", (page) => write(page, "Who types?")],
  ["chat-info", "#/chat/u1001/info", "text=Verify the safety number"],
  ["group", `#/chat/${kGroup}`, "text=I would love to come along"],
  ["group-info", `#/chat/${kGroup}/info`, "text=What members may do"],
  ["group-link", `#/chat/${kGroup}/info`, "[data-testid=invite-link]", async (page) => {
    await page.click("text=New invite link");
    await page.click("text=Make link");
  }],
  ["group-call", `?call=group#/chat/${kGroup}`, "text=A call goes on"],
  ["new-chat", "#/new", "text=New group"],
  ["new-group", "#/new-group", "text=Name of the group"],
  ["join", "#/join/godwit-group%3A1%3AAAAA", "text=Join this group?"],
  ["failed", "#/chat/u1003", "text=Not sent: The server does not answer. Try again"],
  ["safety", "#/safety/1001", "[data-testid=digits]"],
  ["statuses", "#/status", "text=My status"],
  ["status", "#/status/1001", "text=Low tide"],
  ["calls", "#/calls", "text=Missed voice call"],
  ["status-new", "#/status", "text=Post to my contacts", (page) => page.click("button[aria-label='New status']")],
  ["status-audience", "#/status", "ul[aria-label='Who sees it']", async (page) => {
    await page.click("button[aria-label='New status']");
    await page.locator("label", { hasText: "Which contacts see it" }).locator("select").selectOption({ label: "Only some" });
  }],
  ["call-in", "?call=in", "text=Incoming video call"],
  ["call", "#/chat/u1001", "text=0:01", (page) => page.click("button[aria-label='Video call']")],
  ["settings", "#/settings", "text=Link and sign out devices"],
  ...["profile", "devices", "privacy", "notifications", "appearance", "calls", "account"].map((name) => [`settings-${name}`, `#/settings/${name}`, "h1"]),
];

/** By the button: Enter begins a new line on phones. */
async function write(page, text) {
  await page.fill("textarea", text);
  await page.click("button[aria-label='Send']");
}

async function seriousFindings(page) {
  await page.addScriptTag({ path: kAxe });
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.html} ${node.any[0]?.message ?? ""}`).join(" | ")}`);
}

describe("screens", () => {
  let browser, files;
  before(async () => {
    files = await serve(path.join(kRepository, "src/web/client/dist-double"));
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    files?.close();
  });

  for (const { name: look, ...options } of kLooks) {
    test(look, async (t) => {
      // bypassCSP is for axe, which is put into the page; the page's own part is checked by the test after this one.
      const context = await browser.newContext({ ...options, bypassCSP: true, permissions: ["camera", "microphone"], reducedMotion: "reduce", serviceWorkers: "block" });
      for (const [name, place, sign, prepare] of kScreens) {
        await t.test(name, async () => {
          const page = await context.newPage();
          page.setDefaultTimeout(kWaitMs);
          const faults = watchFaults(page);
          try {
            await page.goto(files.url + place);
            await prepare?.(page);
            await page.locator(sign).locator("visible=true").first().waitFor();
            assert.deepEqual(await seriousFindings(page), []);
            assert.deepEqual(faults, []);
          } finally {
            await page.screenshot({ path: path.join(kShots, `${name}-${look}.png`) });
            await page.close();
          }
        });
      }
      await context.close();
    });
  }

  test("with the server's Content-Security-Policy nothing is refused", async () => {
    const page = await browser.newPage({ serviceWorkers: "block" });
    const faults = watchFaults(page);
    for (const place of ["", "#/chat/u1001", "#/safety/1001", "#/status/1001", "#/settings/devices"]) {
      await page.goto(`${files.url}?x=${encodeURIComponent(place)}${place}`);
      await page.locator("h1").locator("visible=true").first().waitFor();
    }
    assert.deepEqual(faults, []);
    await page.close();
  });

  test("a message is written, answered, edited and deleted without a mouse", async () => {
    const page = await browser.newPage({ serviceWorkers: "block" });
    await page.goto(`${files.url}#/chat/u1002`);
    await page.locator("textarea").waitFor();
    await page.waitForFunction(() => document.activeElement?.tagName === "TEXTAREA"); // ready to write
    await page.locator("textarea").fill("");
    await page.keyboard.type("By keyboard");
    await page.keyboard.press("Enter");
    const bubble = page.locator("article", { hasText: "By keyboard" });
    await bubble.locator("svg[aria-label='Read']").waitFor();
    await page.locator("p[aria-live=polite]", { hasText: "Jonas Weber: I see!" }).waitFor({ state: "attached" });
    await page.keyboard.press("ArrowUp");
    await page.waitForFunction(() => document.querySelector("textarea").value === "By keyboard");
    await page.keyboard.type(", edited");
    await page.keyboard.press("Enter");
    const edited = page.locator("article", { hasText: "By keyboard, edited" });
    await edited.waitFor();
    await edited.locator("button[aria-label='Actions for this message']").focus();
    await page.keyboard.press("Enter");
    await page.locator("[role=menu] :focus").waitFor();
    await page.keyboard.press("End");
    await page.keyboard.press("Enter"); // Delete
    await page.locator("dialog[open] :focus").waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter"); // for everyone
    await page.locator("article", { hasText: "This message was deleted" }).waitFor();
    assert.equal(await edited.count(), 0);
    await page.close();
  });

  test("the focus stays in a sheet, Escape closes it and gives the focus back", async () => {
    const page = await browser.newPage({ serviceWorkers: "block" });
    await page.goto(`${files.url}#/settings/devices`);
    await page.locator("text=Link a device").focus();
    await page.keyboard.press("Enter");
    await page.locator("dialog[open]").waitFor();
    for (let i = 0; i < 12; ++i) {
      await page.keyboard.press("Tab");
      assert.ok(await page.evaluate(() => document.activeElement === document.body || !!document.activeElement.closest("dialog")));
    }
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
    assert.match(await page.evaluate(() => document.activeElement.textContent), /Link a device/);
    await page.close();
  });

  test("of 100,000 messages only those in view are in the document, up to the first one", async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, serviceWorkers: "block" });
    await page.goto(`${files.url}?chats=3&messages=100000#/chat/u2000`);
    await page.locator("article").first().waitFor();
    const log = page.locator("[role=log]");
    let oldest = "";
    for (let i = 0; i < 40; ++i) {
      await log.evaluate((box) => (box.scrollTop = 0));
      await page.waitForTimeout(30);
      const first = await page.locator("article").first().getAttribute("data-message");
      assert.ok(await page.locator("article").count() < 120);
      assert.ok(!oldest || first <= oldest, "scrolling up shows older messages");
      oldest = first;
    }
    await page.locator("button[aria-label='To the newest message']").click();
    const newest = (100_000).toString(16).padStart(32, "0");
    await page.locator(`article[data-message='${newest}']`).waitFor();
    await page.close();
  });
});

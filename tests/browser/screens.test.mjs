// Every screen of the web client on the double of the SDK: it is there, looks as it did in screenshots/ for people to see,
// has nothing that axe calls serious, and works with the keyboard. In light and dark, as phone and as desktop: of the four two,
// with GODWIT_NIGHTLY all.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { kRepository, kShots, kWaitMs, launch, serve, watchFaults } from "./support.mjs";

const kAxe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const kGroup = `g${"a".repeat(32)}`;
const kShownMs = 10_000; // in which a message comes into view, on a busy machine, too
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
  ["key-log", "?keylog=rollback#/chat/u1001", "[data-key-log=log_rollback]"],
  ["key-log-explained", "?keylog=rollback", "role=dialog", (page) => page.click("text=What does that mean?")],
  ["key-log-final", "?keylog=proof", "role=dialog", (page) => page.click("text=What does that mean?")],
  ["device-unknown", "?device=unknown", "text=Look at your devices"],
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
  ["call-in-group", "?call=in-group", "text=Jonas Weber, Robin Hale in the call"],
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

  test("a key log that went back is gone on with once the user says that it was restored, any other fault is not", async () => {
    const page = await browser.newPage({ serviceWorkers: "block" });
    await page.goto(`${files.url}?keylog=rollback`);
    await page.click("text=What does that mean?");
    const goOn = page.locator("button", { hasText: "Go on with it" });
    await goOn.waitFor();
    assert.equal(await goOn.isDisabled(), true);
    await page.keyboard.press("Escape");
    await goOn.waitFor({ state: "detached" });
    await page.locator("[data-key-log]").waitFor();
    await page.click("text=What does that mean?");
    await page.check("text=The operator has told me");
    await goOn.click();
    await page.locator("[data-key-log]").waitFor({ state: "detached" });
    await page.locator("[data-connection=online]").waitFor({ state: "attached" });
    await page.goto(`${files.url}?keylog=proof`);
    await page.click("text=What does that mean?");
    await page.locator("text=No restore from a backup explains that").waitFor();
    assert.equal(await goOn.count(), 0);
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

  test("a call rings until it is answered, with a sound unless that is turned off", async () => {
    const context = await browser.newContext({ permissions: ["camera", "microphone"], serviceWorkers: "block" });
    await context.addInitScript(() => {
      globalThis.sounds = 0;
      globalThis.AudioContext = class extends AudioContext {
        constructor() {
          super();
          ++globalThis.sounds;
        }
        close() {
          --globalThis.sounds;
          return super.close();
        }
      };
    });
    const page = await context.newPage();
    const sounds = () => page.evaluate(() => globalThis.sounds);
    await page.goto(`${files.url}?call=in`);
    await page.locator("text=Incoming video call").waitFor();
    assert.equal(await sounds(), 1);
    await page.click("button[aria-label='Answer with voice']");
    await page.locator("[data-phase=active]").waitFor();
    assert.equal(await sounds(), 0);
    await page.goto(`${files.url}#/settings/notifications`);
    await page.locator("label", { hasText: "Ring for calls" }).locator("input").uncheck();
    await page.goto(`${files.url}?call=in`);
    await page.locator("text=Incoming video call").waitFor();
    assert.equal(await sounds(), 0);
    await context.close();
  });

  test("a call has the focus while it is over everything, and gives it back", async () => {
    const context = await browser.newContext({ permissions: ["camera", "microphone"], serviceWorkers: "block" });
    const page = await context.newPage();
    await page.goto(`${files.url}#/chat/u1001`);
    await page.locator("button[aria-label='Voice call']").focus();
    await page.keyboard.press("Enter");
    await page.locator("[data-phase=active]").waitFor();
    for (let i = 0; i < 8; ++i) {
      await page.keyboard.press("Tab");
      assert.ok(await page.evaluate(() => document.activeElement === document.body || !!document.activeElement.closest("[data-phase]")));
    }
    await page.locator("button[aria-label='Hang up']").focus();
    await page.keyboard.press("Enter");
    await page.locator("[data-phase]").waitFor({ state: "detached" });
    await page.locator("button[aria-label='Voice call']:focus").waitFor();
    await context.close();
  });

  test("what is not there any more leaves a way back on a phone", async () => {
    const page = await browser.newPage({ viewport: { width: 390, height: 844 }, serviceWorkers: "block" });
    for (const place of ["#/chat/u999999", "#/chat/u999999/info", "#/status/999999"]) {
      await page.goto(`${files.url}?x=${encodeURIComponent(place)}${place}`);
      await page.locator("text=/not on this device|no status any more/").waitFor();
      await page.locator("button[aria-label='Back']").locator("visible=true").click();
      await page.locator("nav[aria-label=Sections]").locator("visible=true").waitFor();
    }
    await page.close();
  });

  test("a finger that opens the menu of a message chooses nothing when it is lifted", async () => {
    const context = await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, serviceWorkers: "block" });
    const page = await context.newPage();
    await page.goto(`${files.url}#/chat/u1002`);
    const box = await page.locator("article", { hasText: "Great, when do we start?" }).locator("p").first().boundingBox();
    const session = await context.newCDPSession(page);
    await session.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [{ x: box.x + 30, y: box.y + 10 }] });
    await page.locator("[role=menu]").waitFor();
    await session.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    await page.waitForTimeout(300); // whatever the browser makes of it
    await page.getByRole("menuitem", { name: "Reply" }).tap();
    await page.locator("text=Reply to yourself").waitFor();
    await context.close();
  });

  test("what opens to be typed into has the focus, and gives it back", async () => {
    const page = await browser.newPage({ serviceWorkers: "block" });
    await page.goto(`${files.url}#/chat/u1001`);
    await page.locator("textarea").waitFor();
    await page.click("button[aria-label='Emoji']");
    await page.locator("input[aria-label='Search emoji']:focus").waitFor();
    await page.keyboard.type("heart");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement.tagName === "TEXTAREA" && document.activeElement.value !== "");
    await page.click("button[aria-label='Emoji']");
    await page.locator("input[aria-label='Search emoji']:focus").waitFor();
    await page.keyboard.press("Escape");
    await page.locator("input[aria-label='Search emoji']").waitFor({ state: "detached" });
    await page.locator("textarea:focus").waitFor();
    await page.click("button[aria-label='Search in this chat']");
    await page.locator("input[aria-label='Search in this chat']:focus").waitFor();
    await page.keyboard.press("Escape");
    await page.locator("button[aria-label='Search in this chat']:focus").waitFor();
    await page.goto(`${files.url}#/new`);
    await page.locator("input[aria-label='User name or invite link']:focus").waitFor();
    await page.keyboard.type("nobody");
    await page.keyboard.press("Enter");
    await page.locator("[role=alert]", { hasText: "There is nobody of that name" }).waitFor();
    await page.close();
  });

  test("on a phone a chat tells that there is no connection, and no longer who is there", async () => {
    const page = await browser.newPage({ viewport: { width: 390, height: 844 }, serviceWorkers: "block" });
    await page.goto(`${files.url}?state=offline#/chat/u1001`);
    await page.locator("text=Offline.").locator("visible=true").waitFor();
    await page.locator("header h1", { hasText: "Amélie Durand" }).waitFor();
    assert.equal(await page.locator("header", { hasText: "online" }).count(), 0);
    await page.close();
  });

  test("a note is in front of an open sheet", async () => {
    const page = await browser.newPage({ viewport: { width: 390, height: 844 }, permissions: ["clipboard-write"], serviceWorkers: "block" });
    await page.goto(`${files.url}#/chat/${kGroup}/info`);
    await page.click("text=New invite link");
    await page.click("text=Make link");
    await page.getByRole("button", { name: "Copy", exact: true }).click();
    const note = page.locator(".alert", { hasText: "Copied" });
    await note.waitFor();
    // Of what lies above one another the highest: a sheet makes the rest of the page deaf to the pointer.
    assert.ok(await note.evaluate((element) => element.closest("[popover]").matches(":popover-open") && !element.closest("dialog")));
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

  /** There are rows from the top of a list's view to its bottom. */
  function isDrawn(list) {
    const { x, y, width, height } = list.getBoundingClientRect();
    return [0.1, 0.5, 0.9].every((part) => document.elementFromPoint(x + width / 2, y + part * height)?.closest("[data-row]"));
  }

  test("a short chat that begins with what is unread is followed to its end when it grows beyond the view", async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 720 }, serviceWorkers: "block" });
    page.setDefaultTimeout(kWaitMs);
    // Slow, so that the list has been at its end, and has told of it, before there are messages.
    await page.goto(`${files.url}?slow=300#/chat/u1005`);
    await page.locator("[data-row=unread]").waitFor();
    for (let i = 0; i < 40; ++i) {
      await write(page, `line ${i}.`);
      await page.locator("[role=log] article", { hasText: `line ${i}.` }).waitFor({ timeout: kShownMs });
    }
    await page.close();
  });

  test("the field to write in is as high as its text, up to a bound", async () => {
    for (const viewport of [{ width: 1280, height: 720 }, { width: 390, height: 844 }]) {
      const page = await browser.newPage({ viewport, serviceWorkers: "block" });
      await page.goto(`${files.url}#/chat/u1005`);
      const field = page.locator("textarea");
      const size = () => field.evaluate((field) => ({ height: field.offsetHeight, hidden: field.scrollHeight - field.clientHeight }));
      await field.waitFor();
      const one = await size();
      const texts = ["a line", "two\nlines", "ends with a line\n", "words ".repeat(60).trim(), "x".repeat(100), "  many   spaces  ".repeat(8), "שלום ".repeat(20), "👍🏽".repeat(40)];
      for (const text of texts) {
        await field.fill(text);
        const { height, hidden } = await size();
        assert.ok(height >= one.height && height <= 160, `${height} pixels for ${JSON.stringify(text)}`);
        assert.ok(hidden <= 0 || height === 160, `${hidden} pixels of ${JSON.stringify(text)} are out of sight`);
      }
      await field.fill(Array(30).fill("line").join("\n"));
      assert.equal((await size()).height, 160);
      await field.fill("");
      assert.deepEqual(await size(), one);
      await page.close();
    }
  });

  describe("new messages", () => {
    let page, log, count;
    before(async () => {
      page = await browser.newPage({ viewport: { width: 1280, height: 720 }, serviceWorkers: "block" });
      page.setDefaultTimeout(kWaitMs);
    });
    after(() => page?.close());
    beforeEach(async () => {
      count = 0;
      await page.goto("about:blank"); // an address that differs in its fragment only would not load anew
      await page.goto(`${files.url}?chats=3&messages=200#/chat/u2000`);
      log = page.locator("[role=log]");
      await page.locator("textarea:focus").waitFor();
      await follows();
    });
    const hear = () => page.evaluate((text) => globalThis.double.hear("u2000", text), `news ${++count}.`);
    /** The last message comes to be the one that is last in the view. */
    const follows = () =>
      page.waitForFunction(
        (text) => {
          const box = document.querySelector("[role=log]").getBoundingClientRect();
          const last = [...document.querySelectorAll("[role=log] article")].at(-1);
          const { top, bottom } = last?.getBoundingClientRect() ?? {};
          return last?.textContent.includes(text) && top >= box.top && bottom <= box.bottom && box.bottom - bottom < 40;
        },
        count ? `news ${count}.` : "",
        { timeout: kShownMs },
      );

    test("are followed while the field grows by what is written, and when it shrinks again", async () => {
      for (let line = 1; line <= 8; ++line) {
        await page.keyboard.type(`line ${line}`);
        await hear();
        await follows();
        await page.keyboard.press("Shift+Enter");
      }
      for (let line = 8; line >= 1; --line) {
        for (let i = 0; i < 7; ++i) await page.keyboard.press("Backspace");
        await hear();
        await follows();
      }
      await page.fill("textarea", Array(8).fill("many lines at once").join("\n"));
      await page.keyboard.type("!");
      await hear();
      await follows();
      await page.fill("textarea", "");
      await hear();
      await follows();
    });

    test("are followed when the window or a keyboard on the screen changes the height of the view", async () => {
      for (const height of [720, 400, 380, 700, 320, 900, 880, 720]) {
        await page.setViewportSize({ width: 1280, height });
        await hear();
        await follows();
      }
      // In one frame with a little scrolling, as under a finger: the event of that finds the view with another height.
      for (const height of [720, 400, 700, 320]) {
        await log.evaluate((box, height) => {
          box.scrollTop -= 20;
          document.getElementById("app").style.height = `${height}px`;
        }, height);
        await hear();
        await follows();
      }
    });

    test("do not move whoever has scrolled up, whatever becomes of the view's height", async () => {
      await log.hover();
      await page.mouse.wheel(0, -1500);
      await page.locator("button[aria-label='To the newest message']").waitFor();
      const place = () => log.evaluate((box) => {
        const { top } = box.getBoundingClientRect();
        const first = [...box.querySelectorAll("article")].find((row) => row.getBoundingClientRect().bottom > top);
        return `${first.dataset.message} ${Math.round(first.getBoundingClientRect().top - top)}`;
      });
      await page.waitForTimeout(300); // until the wheel has run out
      const before = await place();
      for (let line = 1; line <= 8; ++line) {
        await page.keyboard.type(`line ${line}`);
        await page.keyboard.press("Shift+Enter");
        await hear();
      }
      await page.setViewportSize({ width: 1280, height: 500 });
      await hear();
      await page.setViewportSize({ width: 1280, height: 720 });
      await page.fill("textarea", "");
      await hear();
      await page.waitForTimeout(300); // for what must not happen
      assert.equal(await place(), before);
      await page.click("button[aria-label='To the newest message']");
      await follows();
    });
  });

  test("who scrolls to the end of what is at hand, far from the newest, goes on reading there", async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, serviceWorkers: "block" });
    page.setDefaultTimeout(kWaitMs);
    const idOf = (n) => n.toString(16).padStart(32, "0");
    await page.goto(`${files.url}?chats=3&messages=1000&slow=100#/chat/u2000/at/${idOf(500)}`);
    const log = page.locator("[role=log]");
    await page.locator(`article[data-message='${idOf(500)}']`).waitFor();
    const height = await log.evaluate((box) => box.scrollHeight);
    await log.evaluate((box) => (box.scrollTop = box.scrollHeight));
    await page.waitForFunction((height) => document.querySelector("[role=log]").scrollHeight > height + 1000, height);
    await page.waitForTimeout(500);
    const last = await log.evaluate((box) => {
      const { bottom } = box.getBoundingClientRect();
      return [...box.querySelectorAll("article")].findLast((row) => row.getBoundingClientRect().top < bottom).dataset.message;
    });
    assert.ok(parseInt(last, 16) < 570, `what is read next comes after, at ${parseInt(last, 16)}`);
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
      assert.ok(await log.evaluate(isDrawn), "what is in view is drawn when older ones have come in above it");
      oldest = first;
    }
    assert.ok(oldest < (97_000).toString(16).padStart(32, "0"), "page by page");
    await page.locator("button[aria-label='To the newest message']").click();
    const newest = (100_000).toString(16).padStart(32, "0");
    await page.locator(`article[data-message='${newest}']`).waitFor();
    await page.close();
  });
});

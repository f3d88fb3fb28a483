// Somebody who uses the web client in a browser of their own: what a person does and sees, by the names on the screen.
import assert from "node:assert/strict";
import path from "node:path";
import { kShots, kWaitMs, watchFaults } from "./support.mjs";

export class Person {
  constructor(name, context, page, url) {
    Object.assign(this, { name, context, page, url, handle: "" });
    this.faults = watchFaults(page);
    this.said = [];
    page.on("console", (message) => this.said.push(message.text()));
  }

  /** A browser that nothing is stored in. `before` runs in each page before its own scripts. */
  static async arrive(browser, url, name, { before, notifications } = {}) {
    const context = await browser.newContext({ permissions: ["camera", "microphone", "clipboard-read", "clipboard-write", ...(notifications ? ["notifications"] : [])] });
    if (before) await context.addInitScript(before);
    const page = await context.newPage();
    page.setDefaultTimeout(kWaitMs);
    await page.goto(url);
    return new Person(name, context, page, url);
  }

  async register(handle) {
    this.handle = handle;
    await this.page.fill("input[name=handle]", handle);
    await this.page.click("text=Create account");
    await this.page.locator("nav[aria-label=Sections]").waitFor();
    await this.ready();
    return this;
  }

  /** Until everything was received. */
  async ready() {
    await this.page.locator("[data-connection=online]").waitFor({ state: "attached" });
  }

  async go(...parts) {
    await this.page.evaluate((hash) => (location.hash = hash), `#/${parts.map(encodeURIComponent).join("/")}`);
  }

  /** Opens a chat by the list; as somebody new by their user name. */
  async openChat(title) {
    await this.go();
    await this.page.locator("[data-testid=chat-title]", { hasText: title }).first().click();
    await this.page.locator("header h1", { hasText: title }).waitFor();
  }
  async beginChat(handle) {
    await this.go("new");
    await this.page.fill("input[aria-label='User name or invite link']", handle);
    await this.page.keyboard.press("Enter");
    await this.page.locator("textarea").waitFor();
  }

  /** From a chat to what is known of it. */
  async about() {
    await this.page.locator("header a[aria-label^='About']").click();
  }

  /** Returns when the message is shown: from then on it is kept, whatever happens to the page. */
  async write(text) {
    await this.page.fill("textarea", text);
    await this.page.keyboard.press("Enter");
    await this.sees(text);
  }

  bubble(text) {
    return this.page.locator("article", { hasText: text });
  }
  async sees(text) {
    await this.page.locator("[role=log]", { hasText: text }).waitFor();
  }
  async seesNot(text) {
    await this.bubble(text).waitFor({ state: "detached" });
  }
  async tick(text, state) {
    await this.bubble(text).last().locator(`svg[aria-label^='${state}']`).waitFor();
  }

  /** Something from the menu of a message. */
  async choose(text, item) {
    const bubble = this.bubble(text).last();
    await bubble.locator("button[aria-label='Actions for this message']").focus();
    await this.page.keyboard.press("Enter");
    await this.page.locator("[role=menu]").getByRole("menuitem", { name: item, exact: true }).click();
  }

  /** The texts that are shown, oldest first, those of a prefix only. */
  async texts(prefix) {
    const all = await this.page.locator("article p[dir=auto]").allInnerTexts();
    return all.map((text) => text.trim().split("\n")[0].trim().split(/\s+(?=\d\d:\d\d|edited)/)[0].trim()).filter((text) => text.startsWith(prefix));
  }

  async press(name) {
    await this.page.getByRole("button", { name, exact: true }).first().click();
  }

  /** What is on the screen and what went wrong, for people to look at. */
  async keep(name) {
    if (this.page.isClosed()) return;
    await this.page.screenshot({ path: path.join(kShots, `${name.replace(/\W+/g, "-")}.png`) }).catch(() => {});
    for (const line of [...this.faults, ...this.said.slice(-20)]) console.error(`${this.name}: ${line}`);
  }

  async leave() {
    assert.deepEqual(this.faults, [], `${this.name}'s page`);
    await this.context.close();
  }
}

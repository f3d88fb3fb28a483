// The web client and the real daemon: people who use everything, in browsers of their own. In the end, what they wrote is
// looked for in all that the daemon has, and is not there.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import path from "node:path";
import { after, before, describe } from "node:test";
import { Daemon } from "./daemon.mjs";
import { Person } from "./person.mjs";
import { stepsOf } from "./steps.mjs";
import { kRepository, launch } from "./support.mjs";

const kRun = randomBytes(4).toString("hex");
const kMarker = `marker-${randomBytes(8).toString("hex")}`;
const handleOf = (name) => `${name}.${kRun}`;
/** What somebody writes: every text carries the marker that nobody but its readers may see. */
const said = (what) => `${what} ${kMarker}`;

describe("the web client and the daemon", { concurrency: false }, () => {
  let daemon, browser, ann, ben, cleo, second;
  const step = stepsOf(() => [ann, ben, cleo, second]);
  before(async () => {
    daemon = await new Daemon().start();
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await daemon?.end();
  });

  step("people make accounts", async () => {
    [ann, ben, cleo] = await Promise.all(["ann", "ben", "cleo"].map((name) => Person.arrive(browser, daemon.url, name)));
    for (const person of [ann, ben, cleo]) await person.register(handleOf(person.name));
  });

  step("a name that is taken is refused in words", async () => {
    const other = await Person.arrive(browser, daemon.url, "other");
    await other.page.fill("input[name=handle]", ann.handle);
    await other.page.click("text=Create account");
    await other.page.locator("text=That name is taken.").waitFor();
    await other.leave();
  });

  step("two people write to one another, with ticks, typing and presence", async () => {
    await ann.beginChat(ben.handle);
    await ann.write(said("Hello Ben"));
    await ben.openChat(ann.handle);
    await ben.sees(said("Hello Ben"));
    await ann.tick("Hello Ben", "Read");
    await ann.page.locator("header", { hasText: "online" }).waitFor();
    await ben.page.locator("textarea").pressSequentially("Hi");
    await ann.page.locator("header", { hasText: "typing…" }).waitFor();
    await ben.write(said("Hello Ann"));
    await ann.sees(said("Hello Ann"));
    await ben.tick("Hello Ann", "Read");
  });

  step("replies, reactions, edits and deletions reach the other side", async () => {
    await ben.choose("Hello Ben", "Reply");
    await ben.write(said("An answer"));
    await ann.bubble("An answer").locator("button", { hasText: "Hello Ben" }).waitFor();
    await ann.choose("An answer", "React with 👍");
    await ben.bubble("An answer").locator("button[aria-label^='Reactions']").waitFor();
    await ben.choose("An answer", "Edit");
    await ben.page.waitForFunction(() => document.querySelector("textarea").value.startsWith("An answer"));
    await ben.write(said("A better answer"));
    await ann.bubble("A better answer").locator("text=edited").waitFor();
    await ben.write(said("Not for long"));
    await ann.sees("Not for long");
    await ben.choose("Not for long", "Delete");
    await ben.press("Delete for everyone");
    await ann.sees("This message was deleted");
    await ann.seesNot("Not for long");
  });

  step("a message is forwarded", async () => {
    await ann.choose("A better answer", "Forward");
    await ann.page.locator("dialog").getByRole("button", { name: ben.handle }).click();
    await ben.bubble("A better answer").nth(1).waitFor();
  });

  step("a reload in the middle of a conversation loses and repeats nothing", async () => {
    for (let i = 0; i < 5; ++i) await ann.write(said(`reload-${i}`));
    await ann.page.reload();
    await ann.ready();
    for (let i = 5; i < 10; ++i) await ben.write(said(`reload-${i}`));
    await ben.page.reload();
    const wanted = Array.from({ length: 10 }, (_, i) => said(`reload-${i}`));
    for (const person of [ann, ben]) {
      await person.ready();
      for (const text of wanted) await person.sees(text);
      assert.deepEqual((await person.texts("reload-")).sort(), wanted);
    }
  });

  step("what is written offline waits, and arrives once", async () => {
    await ann.context.setOffline(true);
    await ann.page.locator("text=Offline.").waitFor();
    await ann.write(said("offline-0"));
    await ann.write(said("offline-1"));
    await ann.tick("offline-1", "Waiting");
    await ben.write(said("offline-2"));
    await ann.context.setOffline(false);
    const wanted = [0, 1, 2].map((i) => said(`offline-${i}`));
    for (const person of [ann, ben]) {
      for (const text of wanted) await person.sees(text);
      assert.deepEqual((await person.texts("offline-")).sort(), wanted);
    }
    await ann.tick("offline-1", "Read");
  });

  step("the daemon is killed and comes back: nothing is lost or repeated", async () => {
    await ann.write(said("crash-0"));
    await ann.tick("crash-0", "Read");
    await daemon.stop("SIGKILL");
    await ann.write(said("crash-1"));
    await ben.write(said("crash-2"));
    await daemon.start();
    const wanted = [0, 1, 2].map((i) => said(`crash-${i}`));
    for (const person of [ann, ben]) {
      for (const text of wanted) await person.sees(text);
      assert.deepEqual((await person.texts("crash-")).sort(), wanted);
    }
  });

  step("both see the same safety number", async () => {
    const digits = [];
    for (const person of [ann, ben]) {
      await person.about();
      await person.page.click("text=Verify the safety number");
      digits.push(await person.page.locator("[data-testid=digits]").innerText());
    }
    assert.equal(digits[0].replace(/\D/g, "").length, 60);
    assert.equal(digits[0], digits[1]);
    await ann.press("They are the same");
    await ann.page.locator("text=/is verified/").waitFor();
  });

  step("a second device is linked and takes part; the other side is told", async () => {
    second = await Person.arrive(browser, daemon.url, "ann's second device");
    await second.page.click("text=Link to my account");
    const code = await second.page.locator("[data-testid=link-text]").innerText();
    await ann.go("settings", "devices");
    await ann.press("Link a device");
    await ann.page.fill("dialog input", code);
    await ann.press("Use");
    await second.page.locator("nav[aria-label=Sections]").waitFor();
    await ben.openChat(ann.handle);
    await ben.sees("has a new device"); // from then on it can read
    await ben.write(said("For both devices"));
    await second.openChat(ben.handle);
    await second.sees("For both devices");
    await second.write(said("From the second device"));
    await ben.sees("From the second device");
    await ann.openChat(ben.handle);
    await ann.sees("For both devices");
    await ann.sees("From the second device");
  });

  step("a device that is signed out gets nothing any more", async () => {
    await ann.go("settings", "devices");
    await ann.page.locator("li[data-device]", { hasNotText: "This device" }).locator("button[aria-label^='Sign out']").click();
    await ann.press("Sign out");
    await second.page.locator("h1", { hasText: "Signed out" }).waitFor();
    await second.press("Start anew");
    await second.page.locator("text=Create account").waitFor();
    await second.leave();
  });

  step("a group: made, written to, renamed, roles, an invite link with approval, removal", async () => {
    const name = said("Waders");
    await ann.go("new-group");
    await ann.page.fill("text=Name of the group >> input", name);
    await ann.page.fill("input[aria-label='Find somebody']", ben.handle);
    await ann.press("Find");
    await ann.page.locator("button", { hasText: "Make a group of 2" }).click();
    await ann.page.locator("header h1", { hasText: "Waders" }).waitFor();
    await ann.write(said("To all"));
    await ben.openChat("Waders");
    await ben.sees(said("To all"));
    await ann.tick("To all", "Read");

    await ann.about();
    await ann.press("New invite link");
    await ann.press("Make link");
    const link = await ann.page.locator("[data-testid=invite-link]").innerText();
    await ann.press("Close");
    await cleo.page.goto(link);
    await cleo.press("Join");
    await cleo.page.locator("text=You asked to join").waitFor();
    await ann.page.locator("button[aria-label^='Let ']").click();
    await ann.page.locator("main", { hasText: "3 members" }).waitFor();
    await ann.openChat("Waders");
    await ann.write(said("Welcome, Cleo")); // brings the group's name along
    await cleo.openChat("Waders");
    await cleo.sees(said("Welcome, Cleo"));
    await cleo.write(said("I am in"));
    await ben.sees(said("I am in"));
    await ann.about();
    await ann.page.locator("main li", { hasText: ben.handle }).locator("button").click();
    await ann.page.getByRole("menuitem", { name: "Make admin" }).click();
    await ben.sees("made you an admin");
    await ann.page.locator("main li", { hasText: cleo.handle }).locator("button").click();
    await ann.page.getByRole("menuitem", { name: "Remove", exact: true }).click();
    await ann.page.locator("dialog").getByRole("button", { name: "Remove", exact: true }).click();
    await cleo.page.locator("text=You are not in this group any more").first().waitFor();
    await ann.openChat("Waders");
    await ann.write(said("Without Cleo"));
    await ben.sees(said("Without Cleo"));
    await cleo.seesNot("Without Cleo");

    await ann.about();
    await ann.page.fill("label:has-text('Name of the group') input", said("Waders at sea"));
    await ann.press("Save");
    await ben.page.locator("header h1", { hasText: "Waders at sea" }).waitFor();
    await ben.about();
    await ben.press("Leave the group");
    await ben.press("Leave");
    await ann.openChat("Waders at sea");
    await ann.sees("left.");
    await ann.write(said("Without Ben"));
    await ben.go();
    await ben.page.locator("[data-testid=chat-title]", { hasText: "Waders at sea" }).click();
    await ben.page.locator("text=You are not in this group any more").first().waitFor();
    await ben.seesNot("Without Ben");
  });

  step("a status is seen by a contact, and its author knows", async () => {
    for (const [person, other] of [[ann, ben], [ben, ann]]) {
      await person.openChat(other.handle);
      await person.about();
      await person.press("Add");
      await person.page.locator("text=Remove from contacts").waitFor();
    }
    await ann.go("status");
    await ann.press("New status");
    await ann.page.fill("textarea[aria-label='Text of the status']", said("A day at sea"));
    await ann.press("Post to my contacts");
    await ben.go("status");
    await ben.page.locator("a[href^='#/status/']", { hasText: ann.handle }).click();
    await ben.page.locator("text=A day at sea").waitFor();
    await ben.page.fill("input[aria-label=Reply]", said("Which one?"));
    await ben.page.keyboard.press("Enter");
    await ann.page.locator("button", { hasText: "seen by 1" }).click();
    await ann.press("Seen by 1");
    await ann.page.locator("dialog", { hasText: ben.handle }).waitFor();
    await ann.press("Close");
    await ben.press(`Mute ${ann.handle}`);
    const row = ben.page.locator("a[href^='#/status/']", { hasText: ann.handle });
    await row.filter({ hasText: "muted" }).waitFor();
    await ben.press("Unmute");
    await row.filter({ hasNotText: "muted" }).waitFor();
    await ben.press(`Mute ${ann.handle}`);
    await row.filter({ hasText: "muted" }).waitFor();
    await ann.press("Remove this status");
    await row.waitFor({ state: "detached" }); // though nobody tells Ben
    await ann.openChat(ben.handle);
    await ann.bubble("Which one?").locator("text=Reply to your status").waitFor();
  });

  step("a video call: pictures arrive on both sides, and the chat remembers it", async () => {
    await ann.openChat(ben.handle);
    await ben.openChat(ann.handle);
    await ann.press("Video call");
    await ben.press("Answer with video");
    for (const person of [ann, ben]) {
      await person.page.locator("section[data-phase=active]").waitFor();
      await person.page.waitForFunction(() => {
        const video = document.querySelector("video[aria-label^='Video of']");
        return video?.videoWidth > 0 && video.currentTime > 0.5;
      });
    }
    await ann.press("Mute");
    await ann.page.locator("button[aria-label=Mute][aria-pressed=true]").waitFor();
    await ben.press("Hang up");
    for (const person of [ann, ben]) await person.sees("Video call, ");
  });

  step("messages are found by their words, and a hit leads to its place", async () => {
    await ann.go();
    await ann.page.fill("input[aria-label='Search chats and messages']", "reload-7");
    await ann.page.locator("mark").first().click();
    await ann.bubble("reload-7").waitFor();
  });

  step("privacy, names, disappearing messages, archive", async () => {
    await ann.go("settings", "privacy");
    await ann.page.locator("label", { hasText: "Read receipts" }).locator("input").uncheck();
    await ann.page.reload();
    await ann.page.locator("label", { hasText: "Read receipts" }).locator("input:not(:checked)").waitFor();
    await ann.go("settings", "profile");
    await ann.page.fill("label:has-text('Your name') input", said("Ann Sandpiper"));
    await ann.press("Save");
    await ann.page.setInputFiles("input[type=file]", path.join(kRepository, "src/web/client/public/icon-512.png"));
    await ann.page.locator("main img[src^='data:image/jpeg']").waitFor();
    await ann.openChat(ben.handle);
    await ann.write(said("Now with a name"));
    await ben.page.locator("header h1", { hasText: "Ann Sandpiper" }).waitFor();
    await ben.page.locator("header img[src^='data:image/jpeg']").waitFor();
    await ben.about();
    const mute = ben.page.locator("label", { hasText: "Mute notifications" }).locator("select");
    for (const label of ["Always", "For 8 hours", "Off"]) {
      await mute.selectOption({ label });
      const shown = label === "For 8 hours" ? /^Until (today|tomorrow) at/ : new RegExp(`^${label}$`);
      await mute.locator("option:checked", { hasText: shown }).waitFor({ state: "attached" });
      const bell = ben.page.locator("a[href^='#/chat/u']", { hasText: "Ann Sandpiper" }).locator("svg.text-soft");
      await bell.waitFor({ state: label === "Off" ? "detached" : "attached" });
    }
    await ben.page.locator("label", { hasText: "Disappearing messages" }).locator("select").selectOption({ label: "30 seconds" });
    await ann.sees("Messages disappear after 30 seconds");
    await ben.openChat("Ann Sandpiper");
    await ben.write(said("Not for ever"));
    await ann.sees("Not for ever");
    for (const person of [ann, ben]) await person.seesNot("Not for ever");
    await ben.sees("Now with a name");
    await ann.go();
    await ann.page.locator("a[href^='#/chat/g']", { hasText: "Waders" }).click({ button: "right" });
    await ann.page.getByRole("menuitem", { name: "Archive" }).click();
    await ann.page.locator("nav a", { hasText: "Archive" }).waitFor();
  });

  step("a page that is opened without a network shows what is there", async () => {
    await ann.openChat(ben.handle);
    await ann.page.waitForFunction(() => navigator.serviceWorker.controller ?? navigator.serviceWorker.ready.then((ready) => !!ready.active));
    await ann.page.reload(); // now through the service worker
    await ann.ready();
    await ann.context.setOffline(true);
    await ann.page.reload();
    await ann.sees("Now with a name");
    await ann.context.setOffline(false);
  });

  step("a second tab does not open the store of the first", async () => {
    const page = await ann.context.newPage();
    await page.goto(daemon.url);
    await page.click("text=Use it here");
    await page.locator("nav[aria-label=Sections]").waitFor();
    await ann.page.locator("text=Open in another tab").waitFor();
    await page.close();
    await ann.press("Use it here");
    await ann.ready();
  });

  step("the data can be exported", async () => {
    await ben.go("settings", "account");
    const download = ben.page.waitForEvent("download");
    await ben.press("Export");
    assert.match((await download).suggestedFilename(), new RegExp(`${ben.handle}.jsonl`));
    await ben.press("Audit");
    await ben.page.locator("text=/entries are consistent/").waitFor();
  });

  step("nothing that was written is in the daemon's files, metrics or memory", async () => {
    // What must be there shows that the search would have found the rest.
    const wanted = [ann.handle, ben.handle];
    assert.deepEqual(daemon.inMemory([kMarker, ...wanted]), wanted);
    assert.ok(!(await daemon.metrics()).includes(kMarker));
    await daemon.stop("SIGTERM");
    assert.deepEqual(daemon.inFiles([kMarker, ...wanted]), wanted);
    await daemon.start();
  });

  step("an account is deleted for good", async () => {
    await cleo.ready();
    await cleo.go("settings", "account");
    await cleo.press("Delete the account");
    await cleo.page.fill("dialog input", cleo.handle);
    await cleo.press("Delete for good");
    await cleo.page.locator("text=Welcome to Godwit").waitFor();
    await ann.ready();
    await ann.go("new");
    await ann.page.fill("input[aria-label='User name or invite link']", cleo.handle);
    await ann.page.keyboard.press("Enter");
    await ann.page.locator("text=There is nobody of that name.").waitFor();
    for (const person of [ann, ben, cleo]) await person.leave();
  });
});

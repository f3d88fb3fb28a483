// People who do not know one another: requests, what a stranger may send, blocks; notifications; a call of three, and two
// calls at once.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { Daemon } from "./daemon.mjs";
import { Person } from "./person.mjs";
import { stepsOf } from "./steps.mjs";
import { launch } from "./support.mjs";

describe("strangers", { concurrency: false }, () => {
  let daemon, browser, dora, emil, finn;
  const step = stepsOf(() => [dora, emil, finn]);
  before(async () => {
    daemon = await new Daemon().start();
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await daemon?.end();
  });

  step("people make accounts; one wants to be asked before strangers write", async () => {
    [dora, emil, finn] = await Promise.all(["dora", "emil", "finn"].map((name) => Person.arrive(browser, daemon.url, name, { notifications: true })));
    for (const person of [dora, emil, finn]) await person.register(person.name);
    await dora.go("settings", "privacy");
    const asks = dora.page.locator("label", { hasText: "Message requests" }).locator("input");
    await asks.check();
    await dora.page.reload();
    await dora.page.locator("label", { hasText: "Message requests" }).locator("input:checked").waitFor();
  });

  step("a stranger's first message is a request; more of them fail until it is accepted, and are sent then", async () => {
    await emil.beginChat("dora");
    await emil.write("May I?");
    await emil.tick("May I?", "Delivered");
    await emil.write("Well?");
    await emil.page.locator("text=They have not accepted your first message yet").waitFor();
    await dora.go("requests");
    await dora.page.locator("[data-testid=chat-title]", { hasText: "emil" }).click();
    await dora.sees("May I?");
    await dora.press("Accept");
    await dora.write("You may");
    await emil.sees("You may");
    await emil.tick("May I?", "Read");
    await emil.page.click("text=Try again");
    await dora.sees("Well?");
    assert.deepEqual(await emil.texts("Well?"), ["Well?"]);
    await emil.tick("Well?", "Read");
  });

  step("whoever is blocked reaches nobody and is not told; after that messages come again", async () => {
    await dora.about();
    await dora.press("Block");
    await dora.page.locator("dialog").getByRole("button", { name: "Block", exact: true }).click();
    await dora.openChat("emil");
    await dora.page.locator("text=You have blocked emil").waitFor();
    await emil.write("Into the void");
    await emil.tick("Into the void", "Sent");
    await dora.press("Unblock");
    await dora.page.locator("textarea").waitFor();
    await emil.write("Back again");
    await dora.sees("Back again");
    await dora.seesNot("Into the void");
  });

  step("a request is refused: the stranger is blocked, the chat is gone", async () => {
    await finn.beginChat("dora");
    await finn.write("Buy this");
    await dora.go();
    await dora.page.click("text=Message requests");
    await dora.page.locator("[data-testid=chat-title]", { hasText: "finn" }).click();
    await dora.press("Block");
    await dora.page.locator("main header h1", { hasText: "finn" }).waitFor({ state: "detached" });
    await dora.go("settings", "privacy");
    await dora.page.locator("section[aria-label='Blocked people']", { hasText: "finn" }).waitFor();
    await dora.press("Unblock");
    await dora.page.locator("text=Nobody is blocked").waitFor();
  });

  step("a message that is not looked at is notified of, with its text or without", async () => {
    const shown = (text) =>
      dora.page.waitForFunction(async (text) => {
        const worker = await navigator.serviceWorker.ready;
        return (await worker.getNotifications()).some(({ title, body }) => title === "emil" && body === text);
      }, text);
    await dora.go("settings", "notifications");
    await dora.page.locator("label", { hasText: "Messages and calls" }).locator("input").check();
    await emil.write("Look here");
    await shown("Look here");
    await dora.page.locator("label", { hasText: "Show the text" }).locator("input").uncheck();
    await emil.write("But not at this");
    await shown("New message");
  });

  step("a video call of three: everybody sees the two others", async () => {
    await dora.go("new-group");
    await dora.page.fill("text=Name of the group >> input", "Trio");
    for (const handle of ["emil", "finn"]) {
      await dora.page.fill("input[aria-label='Find somebody']", handle);
      await dora.press("Find");
      await dora.page.locator("label", { hasText: handle }).locator("input:checked").waitFor();
    }
    await dora.page.locator("button", { hasText: "Make a group of 3" }).click();
    await dora.page.locator("header h1", { hasText: "Trio" }).waitFor();
    await dora.write("Shall we talk?");
    for (const person of [emil, finn]) {
      await person.openChat("Trio");
      await person.sees("Shall we talk?");
    }
    await dora.press("Video call");
    const rings = (person) => person.page.getByRole("dialog", { name: "Incoming group video call" });
    for (const person of [emil, finn]) await rings(person).locator("text=dora in the call").waitFor();
    await emil.page.keyboard.press("Enter"); // of somebody who writes just then: it answers nothing
    await emil.press("Join with video");
    await finn.press("Ignore");
    await rings(finn).waitFor({ state: "detached" });
    await finn.page.locator("button", { hasText: "A call goes on" }).click();
    for (const person of [dora, emil, finn]) {
      await person.page.waitForFunction(() => {
        const videos = [...document.querySelectorAll("video[aria-label^='Video of']")];
        return videos.length === 2 && videos.every((video) => video.videoWidth > 0 && video.currentTime > 0.5);
      });
    }
    for (const person of [finn, emil, dora]) await person.press("Hang up");
    for (const person of [dora, emil, finn]) await person.sees("Video call, ");
    await finn.go("calls");
    await finn.page.locator("ul[aria-label=Calls] li", { hasText: "Trio" }).locator("text=/Video call, /").waitFor();
    assert.equal(await finn.page.locator("ul[aria-label=Calls] li", { hasText: "Trio" }).count(), 1);
  });

  step("who is in a call is rung by another one, and may decline it or change over", async () => {
    for (const person of [dora, finn]) await person.beginChat("emil");
    await dora.press("Voice call");
    await emil.press("Answer with voice");
    await dora.page.locator("[data-phase=active]").waitFor();
    await finn.press("Voice call");
    await emil.page.locator("dialog", { hasText: "The call with dora ends when you answer" }).waitFor();
    await emil.press("Decline");
    await finn.page.locator("[data-phase=ended]", { hasText: "Declined" }).waitFor(); // so do the chat and its list, a moment later
    await finn.page.locator("[data-phase]").waitFor({ state: "detached" });
    await finn.press("Voice call");
    await emil.press("Answer with voice");
    await dora.page.locator("[data-phase=ended]").waitFor();
    await finn.page.locator("[data-phase=active]").waitFor();
    await finn.press("Hang up");
    for (const person of [dora, emil, finn]) await person.leave();
  });
});

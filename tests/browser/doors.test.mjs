// Ways into an account: an invite code, a device that is linked by the camera, a browser that keeps nothing.
import path from "node:path";
import { after, before, describe } from "node:test";
import { Daemon } from "./daemon.mjs";
import { Person } from "./person.mjs";
import { writeQrVideo } from "./qr-video.mjs";
import { stepsOf } from "./steps.mjs";
import { launch } from "./support.mjs";

describe("ways into an account", { concurrency: false }, () => {
  let daemon, browser, gina, other, video;
  const step = stepsOf(() => [gina, other]);
  before(async () => {
    daemon = await new Daemon({ "account.registration": "invite" }).start();
    video = path.join(daemon.folder, "camera.y4m");
    browser = await launch([`--use-file-for-fake-video-capture=${video}`]);
  });
  after(async () => {
    await browser?.close();
    await daemon?.end();
  });

  step("where a server wants an invite, a wrong one is refused in words, and a good one makes one account", async () => {
    gina = await Person.arrive(browser, daemon.url, "gina");
    await gina.page.fill("input[name=handle]", "gina");
    await gina.page.fill("input[name=invite]", "no-such-code");
    await gina.page.click("text=Create account");
    await gina.page.locator("text=That invite is unknown, used up or expired.").waitFor();
    const code = await daemon.invite();
    await gina.page.fill("input[name=invite]", code);
    await gina.register("gina");
    other = await Person.arrive(browser, `${daemon.url}?invite=${code}`, "other");
    await other.page.fill("input[name=handle]", "other");
    await other.page.click("text=Create account");
    await other.page.locator("text=That invite is unknown, used up or expired.").waitFor();
  });

  step("a device is linked by scanning its code", async () => {
    await other.page.click("text=Link to my account");
    await writeQrVideo(video, await other.page.locator("[data-testid=link-text]").innerText());
    await gina.go("settings", "devices");
    await gina.press("Link a device");
    await other.page.locator("nav[aria-label=Sections]").waitFor();
    await gina.page.locator("dialog").waitFor({ state: "detached" });
    await gina.page.locator("li[data-device]").nth(1).waitFor();
    await other.leave();
  });

  step("a browser that refuses its store says so before and after there is an account", async () => {
    other = await Person.arrive(browser, `${daemon.url}?invite=${await daemon.invite()}`, "hugo", {
      before: () => {
        IDBFactory.prototype.open = () => {
          throw new DOMException("private mode", "SecurityError");
        };
      },
    });
    const notice = other.page.locator("text=This browser keeps nothing");
    await notice.waitFor();
    await other.register("hugo");
    await notice.waitFor();
    await other.beginChat("gina");
    await other.write("From memory");
    await gina.openChat("hugo");
    await gina.sees("From memory");
    for (const person of [gina, other]) await person.leave();
  });
});

// The daemon is restored from a backup after its key log has grown: its users are told, and go on when they say so.
import { after, before, describe } from "node:test";
import { Daemon } from "./daemon.mjs";
import { Person } from "./person.mjs";
import { stepsOf } from "./steps.mjs";
import { launch } from "./support.mjs";

describe("a server that was restored", { concurrency: false }, () => {
  let daemon, browser, ida, jan, kim;
  const step = stepsOf(() => [ida, jan, kim]);
  before(async () => {
    daemon = await new Daemon().start();
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await daemon?.end();
  });

  step("one writes to another before the backup, and both to somebody who comes after it", async () => {
    [ida, jan] = await Promise.all(["ida", "jan"].map(async (name) => (await Person.arrive(browser, daemon.url, name)).register(name)));
    await ida.beginChat("jan");
    await ida.write("before the backup");
    await ida.tick("before the backup", "Delivered");
    await daemon.stop("SIGTERM");
    daemon.keepCopy();
    await daemon.start();
    kim = await (await Person.arrive(browser, daemon.url, "kim")).register("kim");
    for (const person of [ida, jan]) {
      await person.beginChat("kim");
      await person.write("of what will be lost");
      await person.tick("of what will be lost", "Delivered");
    }
    await kim.leave();
  });

  step("after the restore nothing is sent, and the chats can be read", async () => {
    await daemon.stop("SIGTERM");
    daemon.restoreCopy();
    await daemon.start();
    await ida.page.locator("[data-key-log=log_rollback]").waitFor();
    await ida.openChat("kim");
    await ida.sees("of what will be lost");
    await ida.openChat("jan");
    await ida.write("once that is settled");
    await ida.page.reload();
    await ida.page.locator("[data-key-log=log_rollback]").waitFor();
    await ida.tick("once that is settled", "Waiting");
  });

  step("it goes on when they say that they were told of the restore", async () => {
    for (const person of [ida, jan]) {
      await person.page.click("text=What does that mean?");
      await person.page.check("text=The operator has told me");
      await person.press("Go on with it");
      await person.page.locator("[data-key-log]").waitFor({ state: "detached" });
      await person.ready();
    }
    await ida.tick("once that is settled", "Delivered");
    await jan.openChat("ida");
    await jan.sees("once that is settled");
    await Promise.all([ida.leave(), jan.leave()]);
  });
});

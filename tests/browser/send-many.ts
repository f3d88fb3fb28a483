// People who write to somebody who is away, by the SDK itself: put into a page by bench.mjs.
import { open } from "../../src/web/sdk/src/index";

/** `writers` new accounts write `messages` in all to a user; resolves when the server has them. */
async function sendMany({ url, to, writers, messages }: { url: string; to: string; writers: number; messages: number }): Promise<void> {
  const share = Math.round(messages / writers);
  await Promise.all(
    Array.from({ length: writers }, async (_, w) => {
      const writer = await open({ url, storage: { kind: "memory" } });
      await writer.register({ handle: `writer.${w}.of.${to}` });
      for (let i = 1; i <= share; ++i) await writer.send(to, `message ${i} of ${share}, about as long as people write`);
      await writer.messages.settled();
      await writer.close();
    }),
  );
}

Object.assign(globalThis, { sendMany });

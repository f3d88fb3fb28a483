/**
 * Joins chats in the background: those whose messages this device cannot read, and, once, all that there were when it was
 * linked. One at a time and after a short random wait, since others may have lost the same commit; ready.ts has the bounds.
 */
import type { ChatRef, E2eHost } from "../api.js";
import { ask } from "../requests.js";
import { chatOfName, nameOf } from "./chat-id.js";
import type { Ready } from "./ready.js";

const kMaxWaitMs = 500;
/** Chats that wait to be joined; what is beyond it is joined when its next message comes, or when it is written to. */
const kMaxQueue = 1000;
const kAllJoined = "e2e/all-joined";
const kPage = 200;

export class Joiner {
  private readonly queue = new Set<string>();
  private running = false;
  private closed = false;

  constructor(
    private readonly host: E2eHost,
    private readonly ready: Ready,
  ) {}

  add(chat: ChatRef): void {
    if (this.queue.size >= kMaxQueue) return;
    this.queue.add(nameOf(chat));
    if (!this.running) void this.run();
  }

  /** All chats with encryption, on the first connection of this device. */
  async addAll(): Promise<void> {
    if (await this.host.get(kAllJoined)) return;
    for (let after: Uint8Array | undefined = new Uint8Array(); after; ) {
      const page: { chats: Array<{ peer: bigint; chat: Uint8Array; epoch: bigint; left: boolean }>; next: Uint8Array } =
        await ask(this.host, "listChats", { after, limit: kPage }, "chats");
      for (const { peer, chat, epoch, left } of page.chats) {
        if (epoch > 0n && !left) this.add(chat.length > 0 ? { chat } : { peer });
      }
      after = page.next.length > 0 ? page.next : undefined;
    }
    await this.host.write([{ key: kAllJoined, value: Uint8Array.of(1) }]);
  }

  close(): void {
    this.closed = true;
  }

  private async run(): Promise<void> {
    this.running = true;
    for (const name of this.queue) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * kMaxWaitMs));
      if (this.closed) break;
      this.queue.delete(name);
      // What fails is tried again when there is something new to read, or to write.
      await this.ready.ensure(chatOfName(name), true).catch((error: unknown) => this.host.emit({ kind: "failed", error }));
    }
    this.running = false;
  }
}

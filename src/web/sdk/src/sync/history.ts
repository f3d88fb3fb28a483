// Fetches from the chats' logs what the inbox did not bring: after a gap, and where positions of a chat are missing.

import type { Apply } from "../chats/apply.js";
import type { GroupEvents } from "../chats/group-events.js";
import type { Model } from "../chats/model.js";
import type { Security } from "../chats/security.js";
import type { ChatId } from "../api.js";
import { ask, type Core, withTransaction } from "../core.js";
import { GodwitError } from "../errors.js";
import type { ChatInfo, HistoryPage } from "../gen/godwit_pb.js";
import { chatOf, chatRef } from "../ids.js";

const kPage = 200;
/** How long positions may be on their way, and questions are gathered, milliseconds. */
const kSoon = 1000;
/** Entries fetched of one chat after a gap; older ones are left at the server. */
const kMaxEntries = 20_000;

export class HistorySync {
  readonly #core: Core;
  readonly #model: Model;
  readonly #apply: Apply;
  readonly #groups: GroupEvents;
  readonly #security: Security;
  #everything = false;
  #requests = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #working = false;

  constructor(core: Core, model: Model, apply: Apply, groups: GroupEvents, security: Security) {
    this.#core = core;
    this.#model = model;
    this.#apply = apply;
    this.#groups = groups;
    this.#security = security;
  }

  /** All chats are to be compared with the server's once it has been caught up with. */
  everything(): void {
    this.#everything = true;
  }

  /**
   * Something is to be asked before the next connection: `hole`, positions are missing, which may be on their way; `new`, a
   * direct chat is new, and may be a stranger's request.
   */
  question(chat: ChatId, question: "hole" | "new"): void {
    if (question === "new") this.#requests ||= chat.startsWith("u");
    if (this.#timer !== undefined || (question === "new" && !this.#requests)) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#core.connection.live) void this.run();
    }, kSoon);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** To be called when caught up. Goes on at the next time where it failed. */
  async run(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    try {
      if (this.#everything) {
        await this.chatList(true);
        this.#everything = false;
        this.#requests = false;
      }
      if (this.#requests) {
        // Only who asks strangers to wait has requests; others need not read the list.
        if ((await ask(this.#core, { case: "getPrivacy", value: {} }, "privacy")).askFirst) await this.chatList(true);
        this.#requests = false;
      }
      for (const chat of this.#model.chats()) {
        if (chat.holes.length > 0 && !chat.left) await this.#fill(chat.id);
      }
      await this.#groups.refreshStale();
    } catch (error) {
      if (!(error instanceof GodwitError)) this.#core.emitter.emit("storage", { state: "failed", error });
    } finally {
      this.#working = false;
    }
  }

  /**
   * Takes the server's list of chats. With `fetch`, what lies beyond what is here is fetched; without, this device begins
   * at the end of each (it was just linked: nothing before was encrypted for it).
   */
  async chatList(fetch: boolean): Promise<void> {
    let after: Uint8Array | undefined;
    do {
      const page = await ask(this.#core, { case: "listChats", value: { after, limit: 1000 } }, "chats");
      for (const info of page.chats) {
        if (info.peer === BigInt(this.#core.me().userId)) continue;
        await this.#take(info, fetch);
      }
      after = page.next.length > 0 ? page.next : undefined;
    } while (after !== undefined);
  }

  async #take(info: ChatInfo, fetch: boolean): Promise<void> {
    const id = chatOf(info.peer, info.chat);
    const known = this.#model.peek(id)?.end ?? 0;
    const end = Number(info.end);
    await this.#core.units.run(async (unit) => {
      const chat = await this.#model.chat(unit, id);
      chat.timerS = info.ttlS;
      chat.request = info.request;
      chat.left = info.left;
      chat.peerDelivered = Math.max(chat.peerDelivered, Number(info.peerDelivered));
      chat.peerRead = Math.max(chat.peerRead, Number(info.peerRead));
      chat.read = Math.max(chat.read, Number(info.read));
      chat.lastAt = Math.max(chat.lastAt, Number(info.endTimeMs));
      if (!fetch) chat.end = Math.max(chat.end, end);
      this.#model.putChat(unit, chat);
      if (chat.kind === "group" && !chat.left && Number(info.version) > chat.version) this.#groups.stale(unit, id);
    });
    if (fetch && end > known && !info.left) await this.#range(id, known, end);
  }

  async #fill(id: ChatId): Promise<void> {
    for (const [first, last] of [...(this.#model.peek(id)?.holes ?? [])]) {
      await this.#range(id, first - 1, last);
      const lost = await this.#core.units.run(async (unit) => {
        const chat = await this.#model.chat(unit, id);
        const left = chat.holes.filter(([a, b]) => a >= first && b <= last);
        chat.holes = chat.holes.filter((hole) => !left.includes(hole));
        this.#model.putChat(unit, chat);
        // What the user has blocked, or removed from their own history, is left out by a good server, too.
        if (left.length > 0 && !chat.blocked && !chat.wasBlocked) {
          this.#security.told(unit, { kind: "missing", chat: id, detail: `positions ${left.map(([a, b]) => `${a}-${b}`).join(", ")}` }, chat);
        }
        return left.length > 0;
      });
      if (lost) this.#core.emitter.emit("gap", { chat: id, from: first, to: last });
    }
  }

  /** Applies the log behind `after` up to `last`. */
  async #range(id: ChatId, after: number, last: number): Promise<void> {
    for (let at = after, read = 0; at < last && read < kMaxEntries; ) {
      const page = await ask(this.#core, { case: "history", value: { ...chatRef(id), after: BigInt(at), limit: kPage } }, "historyPage");
      await this.#store(id, page, last);
      at = Math.max(at + (page.envelopes.length === 0 ? kPage : 0), Number(page.envelopes.at(-1)?.chatSeq ?? 0));
      read += kPage;
      if (!page.more) return;
    }
  }

  #store(id: ChatId, page: HistoryPage, last: number): Promise<void> {
    return this.#core.units.run(async (unit) => {
      await withTransaction(this.#core, unit, async (transaction) => {
        for (const envelope of page.envelopes) {
          if (Number(envelope.chatSeq) > last) break;
          if (await this.#apply.known(unit, id, envelope)) continue;
          if (await this.#apply.admit(unit, id, envelope)) await this.#apply.apply(unit, id, envelope, await transaction.open(envelope), false);
        }
      });
    });
  }
}

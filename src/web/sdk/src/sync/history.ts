// Fetches from the chats' logs what the inbox did not bring: after a gap, and where positions of a chat are missing.

import { type Apply, came } from "../chats/apply.js";
import type { GroupEvents } from "../chats/group-events.js";
import type { Model } from "../chats/model.js";
import type { Security } from "../chats/security.js";
import type { ChatId } from "../api.js";
import { ask, type Core, withTransaction } from "../core.js";
import { GodwitError } from "../errors.js";
import type { ChatInfo, HistoryPage } from "../gen/godwit_pb.js";
import type { ChatRecord } from "../chats/records.js";
import { acceptedAt, chatOf, chatRef } from "../ids.js";
import { inRuns } from "./runs.js";

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
  #runs: Promise<void> = Promise.resolve();

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

  /** To be called when caught up. One at a time; goes on at the next time where it failed. */
  run(): Promise<void> {
    return (this.#runs = this.#runs.then(() => this.#run()));
  }

  async #run(): Promise<void> {
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
    }
  }

  /**
   * Takes the server's list of chats. With `fetch`, what lies beyond what is here is fetched; without, this device begins
   * at the end of each (it was just linked: nothing before was encrypted for it).
   */
  async chatList(fetch: boolean): Promise<void> {
    for await (const info of this.#listed()) await this.#take(info, fetch);
  }

  /** The server's list of chats, but for the one with oneself. */
  async *#listed(): AsyncGenerator<ChatInfo> {
    let after: Uint8Array | undefined;
    do {
      const page = await ask(this.#core, { case: "listChats", value: { after, limit: 1000 } }, "chats");
      for (const info of page.chats) {
        if (info.peer !== BigInt(this.#core.me().userId)) yield info;
      }
      after = page.next.length > 0 ? page.next : undefined;
    } while (after !== undefined);
  }

  /**
   * The server knows less than this device: it was restored from a backup, or says so. What came after stays here, behind the
   * last position that the server has; positions beyond it are new ones from now on.
   */
  async goBack(): Promise<void> {
    const ends = new Map<ChatId, ChatInfo>();
    for await (const info of this.#listed()) ends.set(chatOf(info.peer, info.chat), info);
    for (const chat of this.#model.chats()) {
      const { id, kind } = chat;
      const info = ends.get(id);
      const fork = info === undefined ? 0 : await this.#fork(chat, info);
      if (info === undefined || fork < chat.end) await this.#goBackTo(id, fork, kind === "group" && info === undefined);
      if (info !== undefined && kind === "group") await this.#core.units.run(async (unit) => this.#groups.stale(unit, id));
    }
  }

  /** The last position up to which a chat is at the server what it is here. What is new there is newer than all that is here. */
  async #fork({ id, end, newest, lastAt }: ChatRecord, info: ChatInfo): Promise<number> {
    const known = newest?.at ?? lastAt;
    let fork = Math.min(end, Number(info.end));
    if (Number(info.endTimeMs) <= known) return fork;
    for (let read = 0; fork > 0 && read < kMaxEntries; read += kPage) {
      const page = await this.#page(id, Math.max(0, fork - kPage));
      const shared = page?.envelopes.filter((envelope) => Number(envelope.chatSeq) <= fork) ?? [];
      const first = shared.findIndex((envelope) => acceptedAt(envelope) > known);
      if (first < 0) break;
      fork = Number(shared[first]!.chatSeq) - 1;
      if (first > 0) break;
    }
    return fork;
  }

  #goBackTo(id: ChatId, end: number, gone: boolean): Promise<void> {
    return this.#core.units.run(async (unit) => {
      const chat = await this.#model.chat(unit, id);
      chat.left ||= gone;
      await this.#apply.goBack(unit, chat, end);
    });
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
      if (!fetch) {
        chat.end = Math.max(chat.end, end);
        came(chat, end, Number(info.endTimeMs));
      }
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

  /** Applies the log behind `after` up to `last`, unless the chat is no more, or not for this user. A page is fetched while the one before it is stored. */
  async #range(id: ChatId, after: number, last: number): Promise<void> {
    let next: Promise<HistoryPage | undefined> | undefined = this.#page(id, after);
    for (let at = after, read = 0; next !== undefined; ) {
      const page: HistoryPage | undefined = await next;
      if (page === undefined) return;
      at = Math.max(at + (page.envelopes.length === 0 ? kPage : 0), Number(page.envelopes.at(-1)?.chatSeq ?? 0));
      read += kPage;
      next = page.more && at < last && read < kMaxEntries ? this.#page(id, at) : undefined;
      next?.catch(() => {}); // awaited in the next round, unless this one throws
      await this.#store(id, page, last);
    }
  }

  async #page(id: ChatId, after: number): Promise<HistoryPage | undefined> {
    try {
      return await ask(this.#core, { case: "history", value: { ...chatRef(id), after: BigInt(after), limit: kPage } }, "historyPage");
    } catch (error) {
      if (error instanceof GodwitError && error.code === "chat_not_found") return undefined;
      throw error;
    }
  }

  #store(id: ChatId, page: HistoryPage, last: number): Promise<void> {
    const wanted = page.envelopes.filter((envelope) => Number(envelope.chatSeq) <= last);
    return this.#core.units.run(async (unit) => {
      await withTransaction(this.#core, unit, async (transaction) => {
        await inRuns(wanted, transaction, async (envelope, open) => {
          if (await this.#apply.known(unit, id, envelope)) return;
          if (await this.#apply.admit(unit, id, envelope)) await this.#apply.apply(unit, id, envelope, await open(), false);
        });
      });
    });
  }
}

// Statuses. Their key goes to the viewers inside the direct chats, before the status is posted.

import type { Message, Statuses, StatusContent, StatusPost, UserId } from "../api.js";
import type { MessageBook } from "../chats/messages.js";
import { ask, type Core } from "../core.js";
import type { ReplyBody } from "../e2e/api.js";
import { GodwitError } from "../errors.js";
import { StatusAudience, type StatusRef } from "../gen/godwit_pb.js";
import { directChat, fromHex, messageId, uuid7 } from "../ids.js";
import { decodeRecord, encodeRecord } from "../store/units.js";

const kMaxStatuses = 2000;

export class StatusBook implements Statuses {
  readonly #core: Core;
  readonly #messages: MessageBook;

  constructor(core: Core, messages: MessageBook) {
    this.#core = core;
    this.#messages = messages;
  }

  async list({ withMuted = false }: { withMuted?: boolean } = {}): Promise<StatusPost[]> {
    const out: StatusPost[] = [];
    let after: Uint8Array | undefined;
    do {
      const page = await ask(this.#core, { case: "listStatuses", value: { after, limit: 200, withMuted } }, "statusFeed");
      out.push(...page.statuses.map(show));
      after = page.next.length > 0 ? page.next : undefined;
    } while (after !== undefined && out.length < kMaxStatuses);
    return out;
  }

  async own(): Promise<(StatusPost & { viewers: number; views: number })[]> {
    const { statuses } = await ask(this.#core, { case: "listOwnStatuses", value: {} }, "ownStatuses");
    const author = this.#core.me().userId;
    return statuses.map(({ id, postedMs, expiresMs, viewers, views }) => ({
      id: messageId(id), author, at: Number(postedMs), expiresAt: Number(expiresMs), seen: true, muted: false, viewers, views,
    }));
  }

  async open(author: UserId, id: string): Promise<StatusContent> {
    const { payload } = await ask(this.#core, { case: "getStatus", value: { author: BigInt(author), id: fromHex(id) } }, "status");
    const bytes = await this.#core.e2e().openStatus(BigInt(author), payload);
    if (bytes === undefined) throw new GodwitError("unreadable", "the key to this status is not here");
    try {
      const { text, background } = decodeRecord<StatusContent>(bytes);
      return { text: String(text), ...(background === undefined ? {} : { background: String(background) }) };
    } catch {
      throw new GodwitError("unreadable", "the status is damaged");
    }
  }

  async post(content: StatusContent, audience?: { except: UserId[] } | { only: UserId[] }): Promise<StatusPost> {
    const viewers = await this.#viewers(audience);
    const sealed = await this.#core.e2e().sealStatus(viewers.map(BigInt), encodeRecord(content));
    for (const viewer of sealed.newViewers) {
      await this.#messages.write(directChat(viewer), { case: "statusKey", value: sealed.keyMessage }, {}, async () => {});
    }
    // Only now: who is noted as having the key is not told it again.
    await this.#core.units.run(async (unit) => unit.raw(sealed.writes));
    const id = uuid7(this.#core.connection.now());
    const posted = await ask(
      this.#core,
      {
        case: "postStatus",
        // Exactly those who have the key may see it.
        value: { id, payload: sealed.payload, audience: StatusAudience.STATUS_ONLY, users: viewers.map(BigInt) },
      },
      "statusPosted",
    );
    return { id: messageId(id), author: this.#core.me().userId, at: Number(posted.postedMs), expiresAt: Number(posted.expiresMs), seen: true, muted: false };
  }

  async #viewers(audience: { except: UserId[] } | { only: UserId[] } | undefined): Promise<UserId[]> {
    const contacts = new Set<UserId>();
    for (let after = 0n; ; ) {
      const page = await ask(this.#core, { case: "listContacts", value: { after, limit: 1000 } }, "contacts");
      for (const contact of page.contacts) contacts.add(String(contact.userId));
      after = page.contacts.at(-1)?.userId ?? 0n;
      if (!page.more || page.contacts.length === 0) break;
    }
    if (audience !== undefined && "only" in audience) return audience.only.filter((user) => contacts.has(user));
    const { status } = await ask(this.#core, { case: "getPrivacy", value: {} }, "privacy");
    const except = new Set(audience?.except ?? status?.except.map(String) ?? []);
    return [...contacts].filter((user) => !except.has(user));
  }

  async markSeen(author: UserId, id: string): Promise<void> {
    await ask(this.#core, { case: "viewStatus", value: { author: BigInt(author), id: fromHex(id) } }, "done");
  }

  async remove(id: string): Promise<void> {
    await ask(this.#core, { case: "removeStatus", value: { id: fromHex(id) } }, "done");
  }

  async mute(author: UserId, muted: boolean): Promise<void> {
    await ask(this.#core, { case: "muteStatus", value: { author: BigInt(author), lift: !muted } }, "done");
  }

  async views(id: string): Promise<{ user: UserId; at: number }[]> {
    const out: { user: UserId; at: number }[] = [];
    for (let after = 0n; ; ) {
      const page = await ask(this.#core, { case: "listStatusViews", value: { id: fromHex(id), after, limit: 1000 } }, "statusViews");
      out.push(...page.views.map(({ userId, viewedMs }) => ({ user: String(userId), at: Number(viewedMs) })));
      after = page.views.at(-1)?.userId ?? 0n;
      if (!page.more || page.views.length === 0) return out;
    }
  }

  reply(author: UserId, id: string, text: string): Promise<Message> {
    return this.#messages.send(directChat(author), { text, replyToStatus: id });
  }

  push(body: ReplyBody): void {
    if (body.case === "statusNews" && body.value.ref !== undefined) {
      const { author, id } = body.value.ref;
      this.#core.emitter.emit("statuses", { author: String(author), ...(id.length === 16 ? { id: messageId(id) } : {}), removed: body.value.removed });
    } else if (body.case === "statusViewCount") {
      this.#core.emitter.emit("statuses", { author: this.#core.me().userId, id: messageId(body.value.id), views: body.value.count });
    }
  }
}

function show({ author, id, postedMs, expiresMs, seen, muted }: StatusRef): StatusPost {
  return { id: messageId(id), author: String(author), at: Number(postedMs), expiresAt: Number(expiresMs), seen, muted };
}

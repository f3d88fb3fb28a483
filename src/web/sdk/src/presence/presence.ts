// Who is there, and who types.

import type { Presence, PresenceApi, UserId } from "../api.js";
import type { Core } from "../core.js";
import type { Model } from "../chats/model.js";
import { PresenceState, type Presence as WirePresence, type TypingNotice, TypingState } from "../gen/godwit_pb.js";
import { chatOf } from "../ids.js";

const kStates: Record<number, Presence["state"]> = {
  [PresenceState.ONLINE]: "online",
  [PresenceState.IDLE]: "idle",
  [PresenceState.OFFLINE]: "offline",
};

export class PresenceBook implements PresenceApi {
  readonly #core: Core;
  readonly #model: Model;
  /** How many watch a user. */
  readonly #watched = new Map<UserId, number>();
  readonly #known = new Map<UserId, Presence>();
  readonly #typing = new Map<string, ReturnType<typeof setTimeout>>();
  #own: "online" | "idle" | "offline" = "online";

  constructor(core: Core, model: Model) {
    this.#core = core;
    this.#model = model;
  }

  set(state: "online" | "idle" | "offline"): void {
    this.#own = state;
    const wire = state === "online" ? PresenceState.ONLINE : state === "idle" ? PresenceState.IDLE : PresenceState.OFFLINE;
    this.#core.connection.notice({ case: "setPresence", value: { state: wire } });
  }

  watch(users: UserId[]): () => void {
    const added = users.filter((user) => !this.#watched.has(user));
    for (const user of users) this.#watched.set(user, (this.#watched.get(user) ?? 0) + 1);
    this.#ask(added, []);
    let watching = true;
    return () => {
      if (!watching) return;
      watching = false;
      const removed = users.filter((user) => {
        const left = this.#watched.get(user)! - 1;
        if (left > 0) this.#watched.set(user, left);
        else this.#watched.delete(user);
        return left <= 0;
      });
      for (const user of removed) this.#known.delete(user);
      this.#ask([], removed);
    };
  }

  get(user: UserId): Presence | undefined {
    return this.#known.get(user);
  }

  /** What one watches, and how present one is, ends with a connection. */
  connected(): void {
    if (this.#own !== "online") this.set(this.#own);
    this.#ask([...this.#watched.keys()], []);
  }

  disconnected(): void {
    this.#known.clear();
  }

  #ask(add: UserId[], remove: UserId[]): void {
    if (add.length + remove.length === 0 || !this.#core.connection.live) return;
    this.#core.connection
      .request({ case: "watchPresence", value: { add: add.map(BigInt), remove: remove.map(BigInt) } })
      .then((reply) => {
        if (reply.case === "presences") this.presences(reply.value.presences);
      })
      .catch(() => {}); // asked again with the next connection
  }

  presences(presences: readonly WirePresence[]): void {
    for (const { userId, state, lastSeenMs } of presences) {
      const user = String(userId);
      if (!this.#watched.has(user)) continue;
      const presence: Presence = { user, state: kStates[state] ?? "hidden", ...(lastSeenMs > 0n ? { lastSeenAt: Number(lastSeenMs) } : {}) };
      this.#known.set(user, presence);
      this.#core.emitter.emit("presence", presence);
    }
  }

  typing({ from, chat: group, state, expiresMs }: TypingNotice): void {
    const chat = chatOf(from, group);
    if (this.#model.peek(chat) === undefined) return;
    const user = String(from);
    this.stopTyping(chat, user, state === TypingState.STOPPED);
    if (state === TypingState.STOPPED) return;
    const timer = setTimeout(() => this.stopTyping(chat, user), Math.min(expiresMs || 6000, 60_000));
    (timer as { unref?: () => void }).unref?.();
    this.#typing.set(`${chat}/${user}`, timer);
    this.#core.emitter.emit("typing", { chat, user, state: state === TypingState.RECORDING ? "recording" : "typing" });
  }

  /** Also when a message of theirs has come. */
  stopTyping(chat: string, user: UserId, tell = true): void {
    const timer = this.#typing.get(`${chat}/${user}`);
    if (timer === undefined) return;
    clearTimeout(timer);
    this.#typing.delete(`${chat}/${user}`);
    if (tell) this.#core.emitter.emit("typing", { chat, user, state: "stopped" });
  }

}

// A double of the SDK for the tests of the screens: the same interface, everything in memory, and a peer who answers.
// The address chooses the scene: ?account=none, ?slow=300 (ms that messages take to load), ?mode=verified, ?chats=1000&messages=100000, ?state=connecting, ?call=in, ?call=in-group,
// ?keylog=rollback, ?keylog=proof, ?device=unknown.
import type { Account, Chat, Client, ConnectionState, Draft, Events, KeyLogFault, Message, OpenOptions, Presence, Privacy, RegistrationMode } from "../../../sdk/src/api";
import { GodwitError } from "../../../sdk/src/errors";
import { calls } from "./calls";
import { groups, statuses } from "./parts";
import { crowded, kHour, kMe, kNow, kPeople, makeChat, makeMessage, seeded, type World } from "./world";

export * from "../../../sdk/src/api";
export { GodwitError };

export class Double {
  readonly scene = new URLSearchParams(location.search);
  readonly world: World;
  account: Account | undefined;
  state: ConnectionState = "none";
  keyLogFault: KeyLogFault | undefined;
  #listeners = new Map<string, Set<(value: never) => void>>();

  constructor() {
    const chats = Number(this.scene.get("chats"));
    const none = this.scene.get("account") === "none";
    this.world = chats ? crowded(chats, Number(this.scene.get("messages") ?? 10)) : seeded();
    if (none) this.world = { chats: new Map(), messages: new Map() };
    else this.account = { userId: kMe, deviceId: 1, handle: "robin" };
    const fault = this.scene.get("keylog");
    if (fault) this.keyLogFault = { kind: `log_${fault}` as KeyLogFault["kind"], detail: "the key log has become shorter" };
  }

  on<K extends keyof Events>(event: K, listener: (value: Events[K]) => void): () => void {
    const all = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, all.add(listener as never));
    return () => all.delete(listener as never);
  }

  emit<K extends keyof Events>(event: K, value: Events[K]): void {
    for (const listener of this.#listeners.get(event) ?? []) (listener as unknown as (value: Events[K]) => void)(value);
  }

  go(state: ConnectionState): void {
    this.state = state;
    this.emit("connection", { state, retryAt: state === "connecting" ? Date.now() + 9_500 : undefined });
  }

  /** Connected, as the scene has it. */
  connect(): void {
    if (this.scene.has("device")) this.emit("security", { kind: "own_device_unknown", user: kMe, device: 2 });
    if (!this.keyLogFault) return this.go((this.scene.get("state") ?? "online") as ConnectionState);
    this.emit("security", this.keyLogFault);
    this.go("stopped");
  }

  change(id: string, change: Partial<Chat>): void {
    const chat = { ...this.world.chats.get(id)!, ...change };
    this.world.chats.set(id, chat);
    this.emit("chat", chat);
  }

  put(message: Message): void {
    const all = this.world.messages.get(message.chat)!;
    const at = all.findIndex((one) => one.id === message.id);
    if (at < 0) all.push(message);
    else all[at] = message;
    const { content } = message;
    const shown = content.kind === "text" ? { text: content.text } : { text: "", content };
    this.change(message.chat, { lastAt: message.at, draft: undefined, preview: { id: message.id, from: message.from, kind: content.kind, ...shown, at: message.at, state: message.state } });
    this.emit("messageChanged", message);
    if (!message.own && at < 0) this.emit("message", message);
  }

  find(chat: string, id: string): Message {
    const found = this.world.messages.get(chat)?.find((message) => message.id === id);
    if (!found) throw new GodwitError("not_found", "no such message");
    return found;
  }

  open(user: string): Chat {
    const id = `u${user}`;
    if (!this.world.chats.has(id)) {
      this.world.chats.set(id, makeChat(id, kPeople[user]?.name ?? kPeople[user]?.handle ?? user));
      this.world.messages.set(id, []);
    }
    return this.world.chats.get(id)!;
  }

  /** The peer writes. */
  hear(chat: string, text: string): void {
    const { peer } = this.world.chats.get(chat)!;
    this.put(makeMessage(chat, peer!, text, Date.now(), { seq: this.world.messages.get(chat)!.length + 1 }));
  }

  /** The peer receives, reads, types and answers. */
  answer(message: Message): void {
    const later = (ms: number, doing: () => void) => setTimeout(doing, ms);
    const seq = this.world.messages.get(message.chat)!.length;
    later(40, () => this.put({ ...message, seq, state: "sent" }));
    later(200, () => this.put({ ...message, seq, state: "read" }));
    const chat = this.world.chats.get(message.chat)!;
    if (!chat.peer) return;
    const user = chat.peer;
    later(300, () => this.emit("typing", { chat: chat.id, user, state: "typing" }));
    later(3000, () => this.put(makeMessage(chat.id, user, "I see!", Date.now(), { seq: seq + 1 })));
  }
}

const kPrivacy: Privacy = {
  lastSeen: { audience: "contacts", except: [] },
  online: { audience: "everyone", except: [] },
  profile: { audience: "everyone", except: [] },
  status: { audience: "contacts", except: [] },
  mayAddMe: { audience: "contacts", except: [] },
  hideReadReceipts: false,
  askFirst: true,
};

function chatsOf(double: Double): Client["chats"] {
  const list = () => [...double.world.chats.values()];
  const change = (id: string, what: Partial<Chat>) => Promise.resolve(double.change(id, what));
  return {
    list: async (options) => list().filter((chat) => chat.archived === !!options?.archived),
    get: async (id) => double.world.chats.get(id),
    openDirect: async (who) => double.open(/^\d+$/.test(who) ? who : await lookup(who)),
    markRead: (id) => change(id, { unread: 0, markedUnread: false }),
    markUnread: (id) => change(id, { markedUnread: true }),
    pin: (id, pinned) => change(id, { pinned }),
    archive: (id, archived) => change(id, { archived }),
    mute: (id, mutedUntil) => change(id, { mutedUntil }),
    setDraft: async (id, draft) => double.world.chats.get(id)?.draft !== draft && double.change(id, { draft: draft || undefined }),
    setTimer: (id, timerS) => change(id, { timerS }),
    answerRequest: (id, accept) => change(id, { request: false, blocked: !accept }),
    block: (user, blocked) => change(double.open(user).id, { blocked }),
    blocked: async () => list().flatMap((chat) => (chat.blocked ? [chat.peer!] : [])),
    clear: async (id) => {
      for (const { id: message } of double.world.messages.get(id)!.splice(0)) double.emit("messageRemoved", { chat: id, id: message });
      double.change(id, { preview: undefined, unread: 0 });
    },
    typing: () => {},
  } as Client["chats"];
}

async function lookup(handle: string): Promise<string> {
  const found = Object.entries(kPeople).find(([, person]) => person.handle === handle);
  if (!found) throw new GodwitError("user_not_found", "there is no such user");
  return found[0];
}

function messagesOf(double: Double): Client["messages"] {
  const all = (chat: string) => double.world.messages.get(chat) ?? [];
  const slice = (chat: string, from: number, to: number) => ({ messages: all(chat).slice(Math.max(0, from), to), more: from > 0 });
  const indexOf = (chat: string, id: string) => all(chat).indexOf(double.find(chat, id));
  const send = async (chat: string, draft: Draft) => {
    const answered = draft.replyTo && double.find(chat, draft.replyTo);
    const message = makeMessage(chat, kMe, draft.text, Date.now(), {
      state: "waiting",
      replyTo: answered ? { id: answered.id, from: answered.from, text: answered.content.kind === "text" ? answered.content.text : "" } : undefined,
    });
    double.put(message);
    double.answer(message);
    return message;
  };
  return {
    page: async (chat, options) => {
      await new Promise((resolve) => setTimeout(resolve, Number(double.scene.get("slow"))));
      const end = options?.before ? indexOf(chat, options.before) : all(chat).length;
      return slice(chat, end - (options?.limit ?? 50), end);
    },
    around: async (chat, id, limit = 50) => {
      const at = indexOf(chat, id);
      return slice(chat, at - limit / 2, at + limit / 2 + 1);
    },
    get: async (chat, id) => all(chat).find((message) => message.id === id),
    send,
    settled: async () => {},
    retry: async (chat, id) => double.answer(double.find(chat, id)),
    edit: async (chat, id, text) => double.put({ ...double.find(chat, id), content: { kind: "text", text }, editedAt: Date.now() }),
    react: async (chat, id, emoji) => {
      const message = double.find(chat, id);
      const others = message.reactions.filter((reaction) => reaction.user !== kMe);
      double.put({ ...message, reactions: emoji ? [...others, { user: kMe, emoji, at: Date.now() }] : others });
    },
    remove: async (chat, id, forEveryone) => {
      if (forEveryone) return double.put({ ...double.find(chat, id), content: { kind: "removed", by: kMe }, reactions: [] });
      all(chat).splice(indexOf(chat, id), 1);
      double.emit("messageRemoved", { chat, id });
    },
    receipts: async () => [
      { user: "1001", delivered: true, read: true },
      { user: "1002", delivered: true, read: true },
      { user: "1003", delivered: true, read: false },
      { user: "1005", delivered: false, read: false },
    ],
    calls: async () => [...double.world.messages.values()].flat().filter((message) => message.content.kind === "call").sort((a, b) => b.at - a.at),
    search: async (query, options) => {
      const wanted = query.toLowerCase();
      const found = [...double.world.messages.entries()].filter(([chat]) => !options?.chat || chat === options.chat).flatMap(([, list]) => list);
      return found
        .flatMap((message) => {
          const start = message.content.kind === "text" ? message.content.text.toLowerCase().indexOf(wanted) : -1;
          return start < 0 ? [] : [{ message, matches: [{ start, length: wanted.length }] }];
        })
        .sort((a, b) => b.message.at - a.message.at)
        .slice(0, options?.limit ?? 50);
    },
  };
}

const presenceOf = (user: string): Presence => (Number(user) % 2 ? { user, state: "online" } : { user, state: "offline", lastSeenAt: kNow - 3 * kHour });

export async function open(_: OpenOptions): Promise<Client> {
  const double = new Double();
  Object.assign(globalThis, { double }); // for tests that have something happen
  const register = async (handle: string) => {
    double.account = { userId: kMe, deviceId: 1, handle };
    double.emit("account", double.account);
    return double.account;
  };
  const text = `godwit-link:1:${"bGlua19pZF9hbmRfZGV2aWNlX2tleV9vZl80OF9ieXRlc19pbl9iYXNlNjR1cmw".slice(0, 64)}`;
  const client: Partial<Client> = {
    get account() {
      return double.account;
    },
    get state() {
      return double.state;
    },
    on: (event, listener) => double.on(event, listener),
    chats: chatsOf(double),
    messages: messagesOf(double),
    groups: groups(double),
    statuses: statuses(double),
    calls: calls(double),
    presence: {
      set: () => {},
      watch: (users) => (setTimeout(() => users.forEach((user) => double.emit("presence", presenceOf(user)))), () => {}),
      get: presenceOf,
    },
    devices: {
      list: async () => [
        { id: 1, name: "Chrome on Linux", addedAt: kNow - 900 * kHour, online: true, current: true },
        { id: 2, name: "Pixel 9", addedAt: kNow - 90 * kHour, lastSeenAt: kNow - 2 * kHour, online: false, current: false, approvedBy: 1 },
      ],
      rename: async () => {},
      revoke: async () => {},
      approve: async () => ({ deviceId: 3 }),
    },
    settings: {
      privacy: async () => kPrivacy,
      setPrivacy: async (change) => Object.assign(kPrivacy, change),
      profile: async () => ({ userId: kMe, ...kPeople[kMe] }),
      setProfile: async () => {},
      exportAccount: async () => new Blob(["{}\n"]),
      deleteAccount: async () => double.emit("account", undefined),
      signOut: async () => double.emit("account", undefined),
    },
    contacts: {
      list: async () => ["1001", "1002", "1003"].map((userId) => ({ userId, ...kPeople[userId] })),
      add: async () => {},
      remove: async () => {},
      find: async () => [],
    },
    safety: {
      number: async () => ({ digits: "314159265358979323846264338327950288419716939937510582097494", qr: "godwit-safety:1:31415926535897932384626433832795", verified: false }),
      compare: async (_, scanned) => scanned.startsWith("godwit-safety:1:3141"),
      setVerified: async () => {},
      auditKeyLog: async () => ({ entries: 42, ok: true }),
      keyLogFault: () => double.keyLogFault,
      acceptKeyLog: async () => {
        double.keyLogFault = undefined;
        double.connect();
      },
    },
    registrationMode: async () => (double.scene.get("mode") ?? "open") as RegistrationMode,
    requestCode: async () => ({ expiresS: 600, retryAfterS: 60 }),
    register: async ({ handle }) => {
      if (Object.values(kPeople).some((person) => person.handle === handle && handle !== "robin")) throw new GodwitError("handle_taken", "taken");
      return register(handle);
    },
    linkThisDevice: async () => ({ text, expiresAt: kNow + kHour, linked: new Promise<Account>(() => {}), cancel: () => {} }),
    connect: () => setTimeout(() => double.connect(), 10),
    disconnect: () => double.go("offline"),
    setOnline: (online) => double.go(online ? "online" : "offline"),
    close: async () => {},
    lookup,
    user: async (userId) => ({ userId, ...(kPeople[userId] ?? { handle: `person.${userId}` }) }),
  };
  return client as Client;
}

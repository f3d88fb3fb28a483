// People, chats and messages of the double. Everything is made from a counter, so that screenshots are the same each time.
import type { Chat, Content, Message } from "../../../sdk/src/api";

export const kMe = "1000";
export const kHour = 3_600_000;
export const kNow = Date.now();

export const kPeople: Record<string, { handle: string; name?: string }> = {
  [kMe]: { handle: "robin", name: "Robin Hale" },
  "1001": { handle: "amelie.durand", name: "Amélie Durand" },
  "1002": { handle: "jonas", name: "Jonas Weber" },
  "1003": { handle: "priya.n", name: "Priya Nair" },
  "1004": { handle: "tomas", name: "Tomás Ortega" },
  "1005": { handle: "mina.k", name: "Mina Kovač" },
  "1006": { handle: "+4915112345678" },
  "1007": { handle: "stranger.things" },
};

let next = 1;
export const makeId = (): string => (next++).toString(16).padStart(32, "0");

export function makeMessage(chat: string, from: string, content: Content | string, at: number, more: Partial<Message> = {}): Message {
  const own = from === kMe;
  return {
    id: makeId(),
    chat,
    from,
    fromDevice: 1,
    own,
    seq: 0,
    at,
    content: typeof content === "string" ? { kind: "text", text: content } : content,
    state: own ? "read" : undefined,
    reactions: [],
    ...more,
  };
}

export function makeChat(id: string, title: string, more: Partial<Chat> = {}): Chat {
  const direct = id.startsWith("u");
  return {
    id,
    kind: direct ? "direct" : "group",
    peer: direct ? id.slice(1) : undefined,
    title,
    unread: 0,
    markedUnread: false,
    lastAt: 0,
    pinned: false,
    archived: false,
    mutedUntil: 0,
    timerS: 0,
    request: false,
    blocked: false,
    left: false,
    ...(direct ? {} : { role: "owner" as const, memberCount: 5 }),
    ...more,
  };
}

export interface World {
  chats: Map<string, Chat>;
  messages: Map<string, Message[]>;
}

const kGroup = `g${"a".repeat(32)}`;

function talk(world: World, chat: Chat, lines: Message[]): void {
  lines.forEach((message, i) => (message.seq = message.state === "waiting" || message.state === "failed" ? 0 : i + 1));
  const last = lines.at(-1);
  if (last) {
    chat.lastAt = last.at;
    chat.preview = { id: last.id, from: last.from, kind: last.content.kind, ...(last.content.kind === "text" ? { text: last.content.text } : { text: "", content: last.content }), at: last.at, state: last.state };
  }
  world.chats.set(chat.id, chat);
  world.messages.set(chat.id, lines);
}

export function seeded(): World {
  const world: World = { chats: new Map(), messages: new Map() };
  const at = (hours: number, minutes = 0) => kNow - hours * kHour + minutes * 60_000;
  const say = (chat: string, from: string, text: Content | string, when: number, more: Partial<Message> = {}) => makeMessage(chat, from, text, when, more);

  const a = "u1001";
  const plan = say(a, "1001", "Are we still on for the mudflats on Saturday? The tide is out at 9:40, so we should be there by nine.", at(26));
  talk(world, makeChat(a, "Amélie Durand", { pinned: true, unread: 2 }), [
    say(a, "1001", { kind: "security", event: { kind: "device_added", user: "1001" } }, at(30)),
    say(a, "1001", "Morning! ☀️", at(26, -3)),
    plan,
    say(a, kMe, "Yes! I will bring the scope.", at(25, 10), { replyTo: { id: plan.id, from: "1001", text: "Are we still on for the mudflats on Saturday?" }, reactions: [{ user: "1001", emoji: "🎉", at: at(25) }] }),
    say(a, kMe, "And coffee, of course", at(25, 11)),
    say(a, "1001", { kind: "call", callId: "c", video: false, outcome: "missed", durationS: 0, participants: 0 }, at(5)),
    say(a, "1001", "Sorry, pocket call 🙈", at(5, 2), { reactions: [{ user: kMe, emoji: "😂", at: at(5) }] }),
    say(a, kMe, "No harm done. I was out with the dog.", at(4), { editedAt: at(4, 1) }),
    say(a, kMe, "Here is the map: https://www.openstreetmap.org/#map=14/53.7/7.2 (we park at the dyke).", at(3), { state: "delivered" }),
    say(a, "1001", "Perfect", at(1)),
    say(a, "1001", "Can you believe we have not seen a single bar-tailed godwit this year? They should be here by now, I heard somebody counted two hundred of them near the lighthouse last week.", at(1, 1)),
  ]);

  talk(world, makeChat(kGroup, "Wader watchers", { unread: 14, timerS: 604_800 }), [
    say(kGroup, kMe, { kind: "group", change: { created: true, name: "Wader watchers", added: ["1001", "1002", "1003", "1005"] } }, at(50)),
    say(kGroup, "1002", "I have put the list of last year's counts together. Who checks the numbers?", at(20)),
    say(kGroup, "1003", "I can do that tonight", at(20, 5)),
    say(kGroup, "1003", "👍", at(20, 5)),
    say(kGroup, kMe, "Thanks, both of you", at(19), { receipts: { delivered: 4, read: 3, of: 4 }, state: "delivered" }),
    say(kGroup, "1005", { kind: "removed", by: "1005" }, at(10)),
    say(kGroup, kMe, { kind: "group", change: { roles: [{ user: "1002", role: "admin" }] } }, at(9)),
    say(kGroup, "1005", "Is anybody going to the harbour tomorrow? I could take two more in the car.", at(2)),
    say(kGroup, kMe, { kind: "timer", timerS: 604_800 }, at(1.5)),
    say(kGroup, "1001", "I would love to come along", at(1.2), { reactions: [{ user: "1002", emoji: "❤️", at: at(1) }, { user: "1003", emoji: "❤️", at: at(1) }, { user: kMe, emoji: "👏", at: at(1) }] }),
  ]);

  const j = "u1002";
  talk(world, makeChat(j, "Jonas Weber", { draft: "About the rings: I think we" }), [
    say(j, "1002", "The new rings have arrived", at(30)),
    say(j, kMe, "Great, when do we start?", at(28), { state: "read" }),
  ]);
  const p = "u1003";
  talk(world, makeChat(p, "Priya Nair", { mutedUntil: Infinity }), [
    say(p, "1003", { kind: "unreadable", reason: "before_joining" }, at(80)),
    say(p, "1003", "See you at the station", at(52)),
    say(p, kMe, "On my way", at(51), { state: "failed", error: { code: "timeout", message: "no reply" } }),
  ]);
  talk(world, makeChat("u1004", "Tomás Ortega"), [say("u1004", kMe, "Happy birthday! 🎂", at(75), { state: "delivered" })]);
  talk(world, makeChat("u1005", "Mina Kovač", { unread: 1 }), [say("u1005", "1005", "Thank you for the photos!", at(100))]);
  talk(world, makeChat("u1006", "+4915112345678", { archived: true }), [say("u1006", "1006", "Your parcel is ready", at(400))]);
  talk(world, makeChat("u1007", "stranger.things", { request: true, unread: 1 }), [say("u1007", "1007", "Hello, I got your name from the bird fair. May I join the group?", at(8))]);
  return world;
}

/** Many chats, the first of which has many messages. */
export function crowded(chats: number, messages: number): World {
  const world: World = { chats: new Map(), messages: new Map() };
  const kWords = "tide mud scope rings flock count harbour dyke storm calm early late north south wader bill".split(" ");
  for (let c = 0; c < chats; ++c) {
    const id = `u${2000 + c}`;
    const count = c === 0 ? messages : 3;
    const lines = Array.from({ length: count }, (_, i) => {
      const text = Array.from({ length: 3 + ((i * 7 + c) % 30) }, (_, w) => kWords[(i * 31 + w * 17 + c) % kWords.length]).join(" ");
      return makeMessage(id, i % 3 ? String(2000 + c) : kMe, text, kNow - (count - i) * 60_000 - c * kHour);
    });
    talk(world, makeChat(id, `Person ${c}`), lines);
  }
  return world;
}

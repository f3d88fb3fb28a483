// Who is there and who types.
import type { ChatId, Presence, UserId } from "@godwit/client";
import { signal } from "@preact/signals";
import { client, connection, onClient, phase } from "./client";

const kTypingLasts = 8000; // ms without being told again
const kIdleAfter = 5 * 60_000;

const presences = signal<ReadonlyMap<UserId, Presence>>(new Map());
export const typing = signal<ReadonlyMap<ChatId, readonly UserId[]>>(new Map());

/** What is known of a user now: nothing while this device is not connected. */
export const presenceOf = (user: UserId): Presence | undefined => (connection.value.state === "online" ? presences.value.get(user) : undefined);
export const isOnline = (user: UserId): boolean => presenceOf(user)?.state === "online";

/** Watches users for as long as something on the screen shows them; what ends that is returned. */
export function watch(users: readonly UserId[]): () => void {
  if (!users.length) return () => {};
  const end = client().presence.watch([...users]);
  const known = new Map(presences.value);
  for (const user of users) {
    const presence = client().presence.get(user);
    if (presence) known.set(user, presence);
  }
  presences.value = known;
  return end;
}

function setTyping(chat: ChatId, user: UserId, on: boolean): void {
  const others = (typing.value.get(chat) ?? []).filter((other) => other !== user);
  const next = new Map(typing.value);
  if (on) next.set(chat, [...others, user]);
  else if (others.length) next.set(chat, others);
  else next.delete(chat);
  typing.value = next;
}

/** Tells the server whether the user is at this device: not while the page is hidden, idle when nothing moves. */
function follow(): void {
  let idle: ReturnType<typeof setTimeout> | undefined;
  let told: "online" | "idle" | undefined;
  const tell = (state: "online" | "idle") => {
    if (told === state || phase.value !== "ready") return;
    client().presence.set((told = state));
  };
  const active = () => {
    if (document.hidden) return;
    tell("online");
    clearTimeout(idle);
    idle = setTimeout(() => tell("idle"), kIdleAfter);
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? tell("idle") : active()));
  for (const event of ["pointerdown", "keydown"]) addEventListener(event, active, { passive: true });
}

let following = false;

onClient((client) => {
  presences.value = new Map();
  typing.value = new Map();
  client.on("presence", (presence) => (presences.value = new Map(presences.value).set(presence.user, presence)));
  const ends = new Map<string, ReturnType<typeof setTimeout>>();
  client.on("typing", ({ chat, user, state }) => {
    const key = `${chat} ${user}`;
    clearTimeout(ends.get(key));
    ends.delete(key);
    setTyping(chat, user, state !== "stopped");
    if (state !== "stopped") ends.set(key, setTimeout(() => setTyping(chat, user, false), kTypingLasts));
  });
  // Who has written does not type any more.
  client.on("message", (message) => setTyping(message.chat, message.from, false));
  if (!following) follow();
  following = true;
});

// Statuses of others, put together by author, and the user's own.
import type { StatusPost, UserId } from "@godwit/client";
import { computed, signal } from "@preact/signals";
import { batched } from "../lib/batch";
import { client, connection, onClient } from "./client";

const kAskAgain = 5000; // ms

export type OwnStatus = StatusPost & { viewers: number; views: number };

const posts = signal<readonly StatusPost[]>([]);
export const own = signal<readonly OwnStatus[]>([]);

export interface Author {
  user: UserId;
  /** Oldest first, as they are shown. */
  posts: readonly StatusPost[];
  unseen: number;
  muted: boolean;
}

/** Not seen ones first, then the newest; muted ones last. */
export const authors = computed<Author[]>(() => {
  const by = new Map<UserId, StatusPost[]>();
  for (const post of posts.value) by.set(post.author, [...(by.get(post.author) ?? []), post]);
  const list = [...by].map(([user, of]) => ({
    user,
    posts: of.sort((a, b) => a.at - b.at),
    unseen: of.filter((post) => !post.seen).length,
    muted: of.some((post) => post.muted),
  }));
  const rank = (author: Author) => (author.muted ? 2 : author.unseen ? 0 : 1);
  return list.sort((a, b) => rank(a) - rank(b) || b.posts.at(-1)!.at - a.posts.at(-1)!.at);
});

export function ringOf(user: UserId): "new" | "seen" | undefined {
  const author = authors.value.find((author) => author.user === user && !author.muted);
  return author && (author.unseen ? "new" : "seen");
}

let nextDrop: ReturnType<typeof setTimeout> | undefined;

/** Takes away those whose day is over, and does so again when the next one's is. */
function dropExpired(): void {
  const now = Date.now();
  posts.value = posts.value.filter((post) => post.expiresAt > now);
  own.value = own.value.filter((post) => post.expiresAt > now);
  clearTimeout(nextDrop);
  const next = Math.min(...[...posts.value, ...own.value].map((post) => post.expiresAt));
  if (next < Infinity) nextDrop = setTimeout(dropExpired, next - now);
}

/** Asks the server again. What fails is asked again with the next connection. */
export async function refresh(): Promise<void> {
  try {
    const [others, mine] = await Promise.all([client().statuses.list({ withMuted: true }), client().statuses.own()]);
    posts.value = others;
    own.value = mine.sort((a, b) => a.at - b.at);
    dropExpired();
  } catch (error) {
    console.info("statuses not read", error);
  }
}

export async function seen(post: StatusPost): Promise<void> {
  if (post.seen) return;
  posts.value = posts.value.map((other) => (other.id === post.id ? { ...other, seen: true } : other));
  await client().statuses.markSeen(post.author, post.id);
}

/** Nothing tells of the statuses of muted authors: they are asked for while somebody looks. What ends that is returned. */
export function lookAfterMuted(): () => void {
  const timer = setInterval(() => authors.value.some(({ muted }) => muted) && void refresh(), kAskAgain);
  return () => clearInterval(timer);
}

onClient((client) => {
  posts.value = [];
  own.value = [];
  client.on("statuses", batched(() => void refresh()));
});
connection.subscribe(({ state }) => {
  if (state === "online") void refresh();
});

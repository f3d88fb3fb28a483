// The list of chats, sorted as it is shown.
import type { Chat, ChatId } from "@godwit/client";
import { computed, signal } from "@preact/signals";
import { batched } from "../lib/batch";
import { onClient } from "./client";
import { nameOf } from "./profiles";
import { failed } from "./toasts";

const all = signal<ReadonlyMap<ChatId, Chat>>(new Map());
export const loaded = signal(false);

const order = (a: Chat, b: Chat) => Number(b.pinned) - Number(a.pinned) || b.lastAt - a.lastAt;
const sorted = computed(() => [...all.value.values()].sort(order));

export const chats = computed(() => sorted.value.filter((chat) => !chat.archived && !chat.request));
export const archived = computed(() => sorted.value.filter((chat) => chat.archived && !chat.request));
export const requests = computed(() => sorted.value.filter((chat) => chat.request && !chat.blocked));
export const everyChat = sorted;

/** How many chats have something new that the user wants to know of. */
export const unreadChats = computed(
  () => chats.value.filter((chat) => (chat.unread || chat.markedUnread) && !isMuted(chat)).length,
);

export const chatOf = (id: ChatId): Chat | undefined => all.value.get(id);
/** What a chat is called: its group's name, or what the peer is called now. */
export const titleOf = (chat: Chat): string => (chat.peer ? nameOf(chat.peer) : chat.title || "Group");
export const titleOfId = (id: ChatId): string | undefined => all.value.has(id) ? titleOf(all.value.get(id)!) : undefined;
export const isMuted = (chat: Chat): boolean => chat.mutedUntil > Date.now();

function put(changed: readonly Chat[]): void {
  const next = new Map(all.value);
  for (const chat of changed) next.set(chat.id, chat);
  all.value = next;
}

/** Shows a chat that a request of ours returned, without waiting for the event. */
export const putChat = (chat: Chat): void => put([chat]);

onClient((client) => {
  all.value = new Map();
  loaded.value = false;
  client.on("chat", batched(put));
  client.on("chatRemoved", ({ chat }) => {
    const next = new Map(all.value);
    next.delete(chat);
    all.value = next;
  });
  const load = async () => {
    put((await Promise.all([client.chats.list(), client.chats.list({ archived: true })])).flat());
    loaded.value = true;
  };
  client.on("account", (account) => (account ? void load().catch(failed) : (all.value = new Map())));
  if (client.account) void load().catch(failed);
});

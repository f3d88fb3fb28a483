// Notifications while the application is open and not looked at, the number in the title, and the badge of the icon.
import type { Message } from "@godwit/client";
import { effect } from "@preact/signals";
import { previewText } from "../lib/content";
import { pathTo, route } from "../lib/route";
import { rings } from "./calls";
import { chatOf, isMuted, titleOf, titleOfId, unreadChats } from "./chats";
import { onClient } from "./client";
import { preferences, prefer } from "./preferences";
import { nameOf } from "./profiles";

/** A message that is old already, because this device catches up, is not announced. */
const kNews = 2 * 60_000; // ms

export const supported = "Notification" in globalThis;

export async function turnOn(): Promise<boolean> {
  const allowed = supported && (await Notification.requestPermission()) === "granted";
  prefer({ notify: allowed });
  return allowed;
}

async function show(title: string, body: string, place: string, tag: string): Promise<void> {
  if (!preferences.value.notify || !supported || Notification.permission !== "granted") return;
  const options = { body, tag, icon: "./icon-192.png", data: { route: place } };
  const worker = await navigator.serviceWorker?.getRegistration();
  if (worker) return worker.showNotification(title, options);
  const shown = new Notification(title, options);
  shown.onclick = () => {
    window.focus();
    location.hash = place;
    shown.close();
  };
}

const looking = (chat: string) => document.hasFocus() && route.value[0] === "chat" && route.value[1] === chat;

function announce(message: Message): void {
  const chat = chatOf(message.chat);
  if (looking(message.chat) || message.at < Date.now() - kNews || !chat || isMuted(chat) || chat.blocked) return;
  if (message.content.kind !== "text") return;
  const writer = nameOf(message.from);
  const title = chat.kind === "group" ? `${writer} in ${titleOf(chat)}` : writer;
  const text = preferences.value.notifyText ? previewText(message.content, nameOf) : "New message";
  void show(title, text, pathTo("chat", message.chat), message.chat);
}

onClient((client) => {
  client.on("message", announce);
  client.on("call", (call) => {
    if (!rings(call)) return;
    const kind = call.video ? "Video call" : "Voice call";
    void show(kind, titleOfId(call.chat) ?? "", pathTo("chat", call.chat), call.id);
  });
});

effect(() => {
  const count = unreadChats.value;
  document.title = count ? `(${count}) Godwit` : "Godwit";
  if ("setAppBadge" in navigator) void navigator.setAppBadge(count).catch(() => {});
});

navigator.serviceWorker?.addEventListener("message", ({ data }) => {
  if (typeof data?.route === "string") location.hash = data.route;
});

// The head of a chat: who it is, whether they are there, and the calls.
import type { Chat } from "@godwit/client";
import { useEffect } from "preact/hooks";
import { momentText } from "../lib/format";
import { go, pathTo } from "../lib/route";
import { begin } from "../state/calls";
import { titleOf } from "../state/chats";
import { presenceOf, typing, watch } from "../state/presence";
import { nameOf } from "../state/profiles";
import { Avatar } from "./Avatar";
import { Icon, IconButton } from "./Icon";
import { OngoingCall } from "./OngoingCall";

function presenceText(chat: Chat): string {
  const typers = typing.value.get(chat.id);
  if (typers) return chat.kind === "group" ? `${typers.map(nameOf).join(", ")} typing…` : "typing…";
  if (chat.kind === "group") return chat.memberCount && !chat.left ? `${chat.memberCount} members` : "Group";
  const presence = chat.peer && presenceOf(chat.peer);
  if (!presence || presence.state === "hidden") return "";
  if (presence.state === "online") return "online";
  return presence.lastSeenAt ? `last seen ${momentText(presence.lastSeenAt)}` : "";
}

export function ChatHeader({ chat, onSearch }: { chat: Chat; onSearch: () => void }) {
  useEffect(() => watch(chat.peer ? [chat.peer] : []), [chat.peer]);
  const canCall = !chat.left && !chat.blocked && !chat.request;
  const presence = presenceText(chat);
  return (
    <>
      <header class="flex h-16 shrink-0 items-center gap-1 border-b border-base-300 bg-base-100 pr-2 pl-1 md:pl-4">
        <IconButton icon="back" label="Back to chats" class="md:hidden" onClick={() => go()} />
        <a href={pathTo("chat", chat.id, "info")} class="flex min-w-0 grow items-center gap-3 rounded-field py-1 pr-2 hover:bg-base-200" aria-label={`About ${titleOf(chat)}`}>
          <Avatar id={chat.id} name={titleOf(chat)} group={chat.kind === "group"} size="sm" online={presence === "online"} />
          <span class="min-w-0">
            <h1 class="truncate leading-tight font-semibold">{titleOf(chat)}</h1>
            <span class={`block truncate text-sm ${typing.value.has(chat.id) ? "text-primary" : "text-soft"}`}>
              {chat.timerS > 0 && <Icon name="timer" class="mr-1 inline size-3.5 align-[-0.15em]" />}
              {presence}
            </span>
          </span>
        </a>
        {canCall && <IconButton icon="video" label="Video call" onClick={() => void begin(chat.id, true)} />}
        {canCall && <IconButton icon="phone" label="Voice call" onClick={() => void begin(chat.id, false)} />}
        <IconButton icon="search" label="Search in this chat" onClick={onSearch} />
      </header>
      <OngoingCall chat={chat} />
    </>
  );
}

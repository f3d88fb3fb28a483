// The head of a chat: who it is, whether they are there, and the calls.
import type { Chat } from "@godwit/client";
import { useEffect, useState } from "preact/hooks";
import { momentText } from "../lib/format";
import { go, pathTo } from "../lib/route";
import { begin, call } from "../state/calls";
import { titleOf } from "../state/chats";
import { client } from "../state/client";
import { presences, typing, watch } from "../state/presence";
import { nameOf } from "../state/profiles";
import { Avatar } from "./Avatar";
import { Icon, IconButton } from "./Icon";

function presenceText(chat: Chat): string {
  const typers = typing.value.get(chat.id);
  if (typers) return chat.kind === "group" ? `${typers.map(nameOf).join(", ")} typing…` : "typing…";
  if (chat.kind === "group") return chat.memberCount && !chat.left ? `${chat.memberCount} members` : "Group";
  const presence = chat.peer && presences.value.get(chat.peer);
  if (!presence || presence.state === "hidden") return "";
  if (presence.state === "online") return "online";
  return presence.lastSeenAt ? `last seen ${momentText(presence.lastSeenAt)}` : "";
}

/** A call of the group that one can join. */
function OngoingCall({ chat }: { chat: Chat }) {
  const [ongoing, setOngoing] = useState<{ video: boolean; participants: string[] }>();
  const last = chat.preview?.id;
  useEffect(() => {
    if (chat.kind !== "group" || chat.left) return;
    let ended = false;
    client().calls.ongoing(chat.id).then((found) => ended || setOngoing(found), () => {});
    return () => void (ended = true);
  }, [chat.id, last, call.value?.phase]);
  if (!ongoing || call.value?.chat === chat.id) return null;
  return (
    <button class="flex items-center gap-3 bg-primary px-4 py-2 text-sm text-primary-content" onClick={() => void begin(chat.id, ongoing.video)}>
      <Icon name={ongoing.video ? "video" : "phone"} class="size-4" />
      <span class="grow text-left">A call goes on with {ongoing.participants.map(nameOf).join(", ")}</span>
      <b>Join</b>
    </button>
  );
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

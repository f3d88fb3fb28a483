// A chat in the list.
import type { Chat } from "@godwit/client";
import { previewText } from "../lib/content";
import { countText, whenText } from "../lib/format";
import { pathTo } from "../lib/route";
import { isMuted, titleOf } from "../state/chats";
import { account } from "../state/client";
import { isOnline, typing } from "../state/presence";
import { nameOf, nameOrYou } from "../state/profiles";
import { ringOf } from "../state/statuses";
import { Avatar } from "./Avatar";
import { Icon } from "./Icon";
import { Ticks } from "./Ticks";

function Preview({ chat }: { chat: Chat }) {
  const typers = typing.value.get(chat.id);
  if (typers) return <span class="text-primary">{chat.kind === "group" ? `${nameOf(typers[0]!)} is typing…` : "typing…"}</span>;
  if (chat.draft) {
    return (
      <>
        <span class="text-secondary">Draft: </span>
        {chat.draft}
      </>
    );
  }
  const { preview } = chat;
  if (!preview) return <>{chat.left ? "You left" : "No messages yet"}</>;
  const own = preview.from === account.value?.userId;
  if (preview.content) return <i>{previewText(preview.content, nameOrYou, preview.from, own)}</i>;
  return (
    <>
      {own && preview.state && (
        <span class="mr-1 inline-block align-[-0.2em]">
          <Ticks state={preview.state} />
        </span>
      )}
      {chat.kind === "group" && !own && `${nameOf(preview.from)}: `}
      {preview.text}
    </>
  );
}

export function ChatRow(props: { chat: Chat; selected: boolean; onMenu: (at: { x: number; y: number }) => void }) {
  const { chat } = props;
  const unread = chat.unread > 0 || chat.markedUnread;
  return (
    <a
      href={pathTo("chat", chat.id)}
      aria-current={props.selected ? "page" : undefined}
      class={`mx-2 flex items-center gap-3 rounded-box px-3 py-2.5 ${props.selected ? "bg-accent text-accent-content" : "hover:bg-base-200"}`}
      onContextMenu={(event) => {
        event.preventDefault();
        props.onMenu({ x: event.clientX, y: event.clientY });
      }}
    >
      <Avatar id={chat.id} name={titleOf(chat)} group={chat.kind === "group"} online={!!chat.peer && isOnline(chat.peer)} ring={chat.peer ? ringOf(chat.peer) : undefined} />
      <span class="flex min-w-0 grow flex-col gap-0.5">
        <span class="flex items-baseline gap-2">
          <span data-testid="chat-title" class={`grow truncate ${unread ? "font-semibold" : "font-medium"}`}>{titleOf(chat)}</span>
          <span class={`shrink-0 text-xs ${unread ? "font-semibold text-primary" : "text-soft"}`}>{chat.lastAt ? whenText(chat.lastAt) : ""}</span>
        </span>
        <span class="flex items-center gap-2">
          <span class={`grow truncate text-sm ${unread ? "" : "text-soft"}`}>
            <Preview chat={chat} />
          </span>
          {chat.pinned && <Icon name="pin" class="size-4 text-soft" />}
          {isMuted(chat) && <Icon name="bellOff" class="size-4 text-soft" />}
          {chat.blocked && <Icon name="block" class="size-4 text-soft" />}
          {unread && (
            <span class={`badge badge-sm shrink-0 font-semibold ${isMuted(chat) ? "badge-neutral" : "badge-primary"}`} aria-label={chat.unread ? `${chat.unread} unread` : "marked as unread"}>
              {chat.unread ? countText(chat.unread) : ""}
            </span>
          )}
        </span>
      </span>
    </a>
  );
}

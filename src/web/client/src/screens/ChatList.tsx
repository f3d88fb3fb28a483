// The list of chats, the search over them and their messages, and the row of statuses.
import type { Chat, Client } from "@godwit/client";
import { useEffect, useMemo, useState } from "preact/hooks";
import { Header } from "../components/Header";
import { ChatRow } from "../components/ChatRow";
import { Icon, IconButton } from "../components/Icon";
import { Menu, type MenuItem } from "../components/Menu";
import { StatusRow } from "../components/StatusRow";
import { VirtualList } from "../components/VirtualList";
import { SearchResults } from "../components/SearchResults";
import { go, pathTo, route } from "../lib/route";
import { archived, chats, isMuted, loaded, requests, titleOf } from "../state/chats";
import { attempt } from "../state/client";
import { watch } from "../state/presence";

const kWatched = 200; // of the first chats: who is there

export function chatActions(chat: Chat): MenuItem[] {
  const act = (icon: MenuItem["icon"], label: string, doing: (client: Client) => Promise<void>): MenuItem => ({ icon, label, onClick: () => void attempt(doing) });
  const muted = isMuted(chat);
  return [
    chat.unread || chat.markedUnread
      ? act("check", "Mark as read", (client) => client.chats.markRead(chat.id))
      : act("chats", "Mark as unread", (client) => client.chats.markUnread(chat.id)),
    act("pin", chat.pinned ? "Unpin" : "Pin", (client) => client.chats.pin(chat.id, !chat.pinned)),
    act(muted ? "bell" : "bellOff", muted ? "Unmute" : "Mute", (client) => client.chats.mute(chat.id, muted ? 0 : Infinity)),
    act(chat.archived ? "unarchive" : "archive", chat.archived ? "Move out of archive" : "Archive", (client) => client.chats.archive(chat.id, !chat.archived)),
  ];
}

function Nothing({ which }: { which: "chats" | "archived" | "requests" }) {
  if (!loaded.value) return <span class="loading loading-dots m-auto" role="status" aria-label="Loading" />;
  if (which !== "chats") return <p class="m-auto p-8 text-center text-soft">Nothing here.</p>;
  return (
    <div class="m-auto flex flex-col items-center gap-4 p-8 text-center">
      <Icon name="chats" class="size-12 text-primary" />
      <p class="text-soft">No chats yet. Find somebody by their user name.</p>
      <a class="btn btn-primary" href={pathTo("new")}>
        New chat
      </a>
    </div>
  );
}

export function ChatList({ which }: { which: "chats" | "archived" | "requests" }) {
  const [query, setQuery] = useState("");
  const [menu, setMenu] = useState<{ chat: Chat; at: { x: number; y: number } }>();
  const list = { chats, archived, requests }[which].value;
  const rows = useMemo(() => list.map((chat) => ({ key: chat.id, chat })), [list]);
  const peers = list.slice(0, kWatched).flatMap((chat) => chat.peer ?? []).sort().join();
  useEffect(() => watch(peers.split(",").filter(Boolean)), [peers]);
  useEffect(() => setQuery(""), [which]);

  return (
    <div class="flex min-h-0 grow flex-col">
      <Header title={{ chats: "Chats", archived: "Archive", requests: "Requests" }[which]} onBack={which === "chats" ? undefined : () => go()}>
        {which === "chats" && (
          <>
            <IconButton icon="group" label="New group" onClick={() => go("new-group")} />
            <IconButton icon="edit" label="New chat" onClick={() => go("new")} />
          </>
        )}
      </Header>
      <label class="input mx-4 mb-2 flex w-auto shrink-0 items-center gap-2 bg-base-200">
        <Icon name="search" class="size-4 text-soft" />
        <input type="search" class="grow" placeholder="Search" aria-label="Search chats and messages" value={query} onInput={(event) => setQuery(event.currentTarget.value)} />
      </label>
      {query.trim() ? (
        <SearchResults query={query.trim()} onOpen={() => setQuery("")} />
      ) : (
        <>
          {which === "chats" && <StatusRow />}
          {which === "chats" && requests.value.length > 0 && (
            <a href={pathTo("requests")} class="mx-2 flex items-center gap-3 rounded-box px-3 py-2.5 hover:bg-base-200">
              <span class="grid size-12 place-items-center rounded-full bg-accent text-accent-content">
                <Icon name="userAdd" />
              </span>
              <span class="grow font-medium">Message requests</span>
              <span class="badge badge-sm badge-primary font-semibold">{requests.value.length}</span>
            </a>
          )}
          {rows.length ? (
            <VirtualList
              class="grow pb-2"
              label="Chats"
              rows={rows}
              estimate={() => 68}
              render={({ chat }) => <ChatRow chat={chat} selected={route.value[0] === "chat" && route.value[1] === chat.id} onMenu={(at) => setMenu({ chat, at })} />}
            />
          ) : (
            <Nothing which={which} />
          )}
        </>
      )}
      {menu && <Menu label={titleOf(menu.chat)} at={menu.at} items={chatActions(menu.chat)} onClose={() => setMenu(undefined)} />}
    </div>
  );
}

// Sends the text of a message to another chat.
import type { Chat } from "@godwit/client";
import { useState } from "preact/hooks";
import { go } from "../lib/route";
import { everyChat, titleOf } from "../state/chats";
import { attempt } from "../state/client";
import { Avatar } from "./Avatar";
import { Sheet } from "./Sheet";

const kShown = 50; // chats; who wants another types its name

export function ForwardSheet({ text, onClose }: { text: string; onClose: () => void }) {
  const [query, setQuery] = useState("");
  const wanted = query.trim().toLocaleLowerCase();
  const open = everyChat.value.filter((chat) => !chat.request && !chat.blocked && !chat.left && titleOf(chat).toLocaleLowerCase().includes(wanted));
  const send = async (chat: Chat) => {
    onClose();
    if (await attempt((client) => client.messages.send(chat.id, { text }))) go("chat", chat.id);
  };
  return (
    <Sheet title="Forward to" onClose={onClose}>
      <input type="search" class="input w-full" placeholder="Search" aria-label="Find a chat" value={query} onInput={(event) => setQuery(event.currentTarget.value)} />
      <ul class="flex flex-col">
        {open.slice(0, kShown).map((chat) => (
          <li key={chat.id}>
            <button class="flex w-full items-center gap-3 rounded-field px-2 py-2 text-left hover:bg-base-200" onClick={() => void send(chat)}>
              <Avatar id={chat.id} name={titleOf(chat)} group={chat.kind === "group"} size="sm" />
              <span class="truncate">{titleOf(chat)}</span>
            </button>
          </li>
        ))}
      </ul>
      {!open.length && <p class="text-soft">There is no such chat.</p>}
    </Sheet>
  );
}

// The calls of all chats, newest first.
import type { Message } from "@godwit/client";
import { useEffect, useState } from "preact/hooks";
import { Avatar } from "../components/Avatar";
import { Header } from "../components/Header";
import { Icon, IconButton } from "../components/Icon";
import { callText } from "../lib/content";
import { whenText } from "../lib/format";
import { pathTo } from "../lib/route";
import { begin } from "../state/calls";
import { chatOf, titleOfId } from "../state/chats";
import { client } from "../state/client";
import { failed } from "../state/toasts";

const kPage = 100;

function CallRow({ message }: { message: Message }) {
  const { content } = message;
  const chat = chatOf(message.chat);
  if (content.kind !== "call" || !chat) return null;
  const title = titleOfId(message.chat)!;
  const missed = !message.own && (content.outcome === "missed" || content.outcome === "cancelled");
  return (
    <li class="mx-2 flex items-center gap-1 rounded-box px-3 py-2.5 hover:bg-base-200">
      <a href={pathTo("chat", chat.id)} class="flex min-w-0 grow items-center gap-3">
        <Avatar id={chat.id} name={title} group={chat.kind === "group"} />
        <span class="min-w-0">
          <span class="block truncate font-medium">{title}</span>
          <span class={`flex items-center gap-1.5 truncate text-sm ${missed ? "text-error" : "text-soft"}`}>
            <Icon name={content.video ? "video" : "phone"} class="size-4" /> {callText(content, message.own)} · {whenText(message.at)}
          </span>
        </span>
      </a>
      {!chat.left && !chat.blocked && <IconButton icon={content.video ? "video" : "phone"} label={`Call ${title}`} onClick={() => void begin(chat.id, content.video)} />}
    </li>
  );
}

export function CallList() {
  const [calls, setCalls] = useState<Message[]>();
  const [more, setMore] = useState(false);
  const load = async (before?: Message) => {
    const page = await client().messages.calls({ before: before?.id, limit: kPage });
    setCalls((known = []) => (before ? [...known, ...page] : page));
    setMore(page.length === kPage);
  };
  useEffect(() => {
    load().catch(failed);
    return client().on("messageChanged", ({ content }) => content.kind === "call" && void load().catch(failed));
  }, []);
  // A group's call has two lines in its chat, one when it begins and one when it is over: here the later one stands for both.
  const over = new Set(calls?.flatMap(({ content }) => (content.kind === "call" && content.outcome !== "ongoing" ? [content.callId] : [])));
  const shown = calls?.filter(({ content }) => content.kind === "call" && (content.outcome !== "ongoing" || !over.has(content.callId)));
  return (
    <div class="flex min-h-0 grow flex-col">
      <Header title="Calls" />
      <ul class="flex min-h-0 grow flex-col overflow-y-auto pb-4" aria-label="Calls">
        {shown?.map((message) => <CallRow key={message.id} message={message} />)}
        {calls?.length === 0 && <li class="p-8 text-center text-soft">No calls yet.</li>}
        {more && (
          <li class="p-4 text-center">
            <button class="btn btn-sm" onClick={() => void load(calls?.at(-1)).catch(failed)}>
              Older ones
            </button>
          </li>
        )}
      </ul>
    </div>
  );
}

// What was found: chats by their names at once, messages by their words as the index of this device gives them.
import type { SearchResult } from "@godwit/client";
import { useEffect, useState } from "preact/hooks";
import { whenText } from "../lib/format";
import { excerpt } from "../lib/excerpt";
import { go } from "../lib/route";
import { chatOf, everyChat, titleOf } from "../state/chats";
import { client } from "../state/client";
import { nameOf } from "../state/profiles";
import { failed } from "../state/toasts";
import { Avatar } from "./Avatar";

const kPause = 150; // ms after a key stroke
const kLimit = 50;

/** Searches while the user types; the last search ends the one before. */
export function useSearch(query: string, chat?: string): { results: SearchResult[]; progress: number } {
  const [found, setFound] = useState<{ results: SearchResult[]; progress: number }>({ results: [], progress: 0 });
  useEffect(() => {
    const abort = new AbortController();
    const run = async () => {
      const onPartial = (results: SearchResult[], progress: number) => !abort.signal.aborted && setFound({ results, progress });
      const results = await client().messages.search(query, { chat, limit: kLimit, signal: abort.signal, onPartial });
      if (!abort.signal.aborted) setFound({ results, progress: 1 });
    };
    const timer = setTimeout(() => run().catch((error) => abort.signal.aborted || failed(error)), kPause);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [query, chat]);
  return found;
}

export function Found({ result, withChat, onOpen }: { result: SearchResult; withChat: boolean; onOpen: () => void }) {
  const { message } = result;
  const chat = chatOf(message.chat);
  return (
    <button class="mx-2 flex flex-col gap-0.5 rounded-box px-3 py-2 text-left hover:bg-base-200" onClick={onOpen}>
      <span class="flex w-full items-baseline gap-2">
        <span class="grow truncate font-medium">{withChat ? ((chat && titleOf(chat)) ?? "Chat") : message.own ? "You" : nameOf(message.from)}</span>
        <span class="text-xs text-soft">{whenText(message.at)}</span>
      </span>
      <span class="line-clamp-2 text-sm text-soft">
        {withChat && (message.own ? "You: " : chat?.kind === "group" ? `${nameOf(message.from)}: ` : "")}
        {excerpt(result).map(({ text, match }, i) => (match ? <mark key={i} class="rounded bg-accent text-accent-content">{text}</mark> : text))}
      </span>
    </button>
  );
}

export function SearchResults({ query, onOpen }: { query: string; onOpen: () => void }) {
  const { results, progress } = useSearch(query);
  const wanted = query.toLocaleLowerCase();
  const matching = everyChat.value.filter((chat) => titleOf(chat).toLocaleLowerCase().includes(wanted)).slice(0, kLimit);
  const title = "px-5 pt-3 pb-1 text-sm font-semibold text-primary";
  return (
    <div class="flex min-h-0 grow flex-col overflow-y-auto pb-4" aria-busy={progress < 1}>
      {matching.length > 0 && <h2 class={title}>Chats</h2>}
      {matching.map((chat) => (
        <button key={chat.id} class="mx-2 flex items-center gap-3 rounded-box px-3 py-2 text-left hover:bg-base-200" onClick={() => (onOpen(), go("chat", chat.id))}>
          <Avatar id={chat.id} name={titleOf(chat)} group={chat.kind === "group"} size="sm" />
          <span class="truncate font-medium">{titleOf(chat)}</span>
        </button>
      ))}
      {results.length > 0 && <h2 class={title}>Messages</h2>}
      {results.map((result) => (
        <Found key={result.message.id} result={result} withChat onOpen={() => go("chat", result.message.chat, "at", result.message.id)} />
      ))}
      <p class="p-6 text-center text-sm text-soft" role="status">
        {progress < 1 ? "Searching…" : !matching.length && !results.length ? `Nothing found for “${query}”` : `${results.length} message${results.length === 1 ? "" : "s"}`}
      </p>
    </div>
  );
}

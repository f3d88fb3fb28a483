// The search within a chat.
import type { ChatId, MessageId } from "@godwit/client";
import { useState } from "preact/hooks";
import { takeFocus, useFocusBack } from "../lib/focus";
import { IconButton } from "./Icon";
import { Found, useSearch } from "./SearchResults";

export function ChatSearch(props: { chat: ChatId; onOpen: (id: MessageId) => void; onClose: () => void }) {
  const [query, setQuery] = useState("");
  const wanted = query.trim();
  useFocusBack();
  return (
    <section class="flex max-h-[50%] shrink-0 flex-col border-b border-base-300 bg-base-100" aria-label="Search in this chat">
      <div class="flex items-center gap-2 px-3 py-2">
        <input type="search" class="input grow bg-base-200" placeholder="Search in this chat" aria-label="Search in this chat" ref={takeFocus} value={query} onInput={(event) => setQuery(event.currentTarget.value)} onKeyDown={(event) => event.key === "Escape" && props.onClose()} />
        <IconButton icon="close" label="Close search" onClick={props.onClose} />
      </div>
      {wanted && <Results query={wanted} chat={props.chat} onOpen={props.onOpen} />}
    </section>
  );
}

function Results({ query, chat, onOpen }: { query: string; chat: ChatId; onOpen: (id: MessageId) => void }) {
  const { results, progress } = useSearch(query, chat);
  return (
    <div class="flex min-h-0 flex-col overflow-y-auto pb-2">
      {results.map((result) => (
        <Found key={result.message.id} result={result} withChat={false} onOpen={() => onOpen(result.message.id)} />
      ))}
      <p class="px-5 py-2 text-sm text-soft" role="status">
        {progress < 1 ? "Searching…" : results.length ? `${results.length} messages` : `Nothing found for “${query}”`}
      </p>
    </div>
  );
}

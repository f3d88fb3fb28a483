// Chooses an emoji, by looking or by a word.
import { useState } from "preact/hooks";
import { findEmoji, kGroups, type Emoji } from "../lib/emoji";

export default function EmojiPicker({ onPick }: { onPick: (emoji: string) => void }) {
  const [query, setQuery] = useState("");
  const grid = (emoji: readonly Emoji[]) => (
    <div class="grid grid-cols-8 gap-1">
      {emoji.map(({ emoji, words }) => (
        <button key={emoji} type="button" class="btn btn-ghost btn-square btn-sm text-xl" aria-label={words} title={words} onClick={() => onPick(emoji)}>
          {emoji}
        </button>
      ))}
    </div>
  );
  const found = query.trim() ? findEmoji(query) : undefined;
  return (
    <div class="flex min-h-0 flex-col gap-3">
      <input class="input w-full" type="search" placeholder="Search emoji" aria-label="Search emoji" value={query} onInput={(event) => setQuery(event.currentTarget.value)} />
      <div class="flex h-72 flex-col gap-3 overflow-y-auto" tabIndex={0} role="group" aria-label="Emoji">
        {found
          ? found.length
            ? grid(found)
            : <p class="p-4 text-center text-soft">No emoji for “{query}”</p>
          : kGroups.map((group) => (
              <section key={group.name} aria-label={group.name}>
                <h3 class="py-1 text-xs font-semibold text-soft">{group.name}</h3>
                {grid(group.emoji)}
              </section>
            ))}
      </div>
    </div>
  );
}

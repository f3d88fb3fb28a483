// Chooses an emoji, by looking or by a word.
import { useState } from "preact/hooks";
import { takeFocus } from "../lib/focus";
import { findEmoji, kGroups, type Emoji } from "../lib/emoji";

/** Where a keyboard on the screen would cover the emoji, one looks first. */
const kTyped = matchMedia("(pointer: fine)").matches;

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
  const pickFirst = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !found?.[0]) return;
    event.preventDefault();
    onPick(found[0].emoji);
  };
  return (
    <div class="flex min-h-0 flex-col gap-3">
      <input class="input w-full" type="search" placeholder="Search emoji" aria-label="Search emoji" ref={kTyped ? takeFocus : undefined} value={query} onKeyDown={pickFirst} onInput={(event) => setQuery(event.currentTarget.value)} />
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

// The row of statuses above the chats: the user's own, then whose is new.
import { pathTo } from "../lib/route";
import { account } from "../state/client";
import { nameOf } from "../state/profiles";
import { authors, own } from "../state/statuses";
import { Avatar } from "./Avatar";
import { Icon } from "./Icon";

export function StatusRow() {
  const me = account.value!;
  const shown = authors.value.filter((author) => !author.muted);
  if (!shown.length && !own.value.length) return null;
  const item = "flex w-16 shrink-0 flex-col items-center gap-1.5 rounded-field py-1 text-xs hover:bg-base-200";
  return (
    <nav aria-label="Statuses" class="flex shrink-0 gap-1 overflow-x-auto px-3 pt-1 pb-2">
      <a href={own.value.length ? pathTo("status", me.userId) : pathTo("status")} class={item}>
        <span class="relative">
          <Avatar id={`u${me.userId}`} name={nameOf(me.userId)} ring={own.value.length ? "seen" : undefined} />
          {!own.value.length && (
            <span class="absolute -right-1 -bottom-1 rounded-full border-2 border-base-100 bg-primary p-0.5 text-primary-content">
              <Icon name="add" class="size-3" />
            </span>
          )}
        </span>
        <span class="w-full truncate text-center">You</span>
      </a>
      {shown.map((author) => (
        <a key={author.user} href={pathTo("status", author.user)} class={item} aria-label={`Status of ${nameOf(author.user)}, ${author.unseen ? `${author.unseen} new` : "seen"}`}>
          <Avatar id={`u${author.user}`} name={nameOf(author.user)} ring={author.unseen ? "new" : "seen"} />
          <span class="w-full truncate text-center">{nameOf(author.user)}</span>
        </a>
      ))}
    </nav>
  );
}

// Statuses: the user's own, and those of contacts.
import { useEffect, useState } from "preact/hooks";
import { Avatar } from "../components/Avatar";
import { Header } from "../components/Header";
import { IconButton } from "../components/Icon";
import { momentText } from "../lib/format";
import { go, pathTo, route } from "../lib/route";
import { account } from "../state/client";
import { nameOf } from "../state/profiles";
import { authors, lookAfterMuted, own, refresh } from "../state/statuses";
import { StatusPoster } from "./StatusPoster";

export function StatusList() {
  const [posting, setPosting] = useState(false);
  const me = account.value!.userId;
  useEffect(() => {
    void refresh();
    return lookAfterMuted();
  }, []);
  const row = (on: boolean) => `mx-2 flex items-center gap-3 rounded-box px-3 py-2.5 ${on ? "bg-accent text-accent-content" : "hover:bg-base-200"}`;
  const last = own.value.at(-1);
  return (
    <div class="flex min-h-0 grow flex-col">
      <Header title="Status">
        <IconButton icon="add" label="New status" onClick={() => setPosting(true)} />
      </Header>
      <div class="flex min-h-0 grow flex-col overflow-y-auto pb-4">
        <button class={`${row(route.value[1] === me)} text-left`} onClick={() => (last ? go("status", me) : setPosting(true))}>
          <Avatar id={`u${me}`} name={nameOf(me)} ring={last ? "seen" : undefined} />
          <span>
            <span class="block font-medium">My status</span>
            <span class="block text-sm text-soft">{last ? `${momentText(last.at)} · seen by ${last.views}` : "Tell your contacts something for a day"}</span>
          </span>
        </button>
        {authors.value.length > 0 && <h2 class="px-5 pt-4 pb-1 text-sm font-semibold text-primary">Contacts</h2>}
        {authors.value.map((author) => (
          <a key={author.user} href={pathTo("status", author.user)} class={`${row(route.value[1] === author.user)} ${author.muted ? "opacity-60" : ""}`}>
            <Avatar id={`u${author.user}`} name={nameOf(author.user)} ring={author.unseen && !author.muted ? "new" : "seen"} />
            <span class="min-w-0">
              <span class="block truncate font-medium">{nameOf(author.user)}</span>
              <span class="block truncate text-sm text-soft">
                {momentText(author.posts.at(-1)!.at)}
                {author.muted && ", muted"}
              </span>
            </span>
          </a>
        ))}
        {!authors.value.length && <p class="p-8 text-center text-soft">No statuses of your contacts now.</p>}
      </div>
      {posting && <StatusPoster onClose={() => setPosting(false)} />}
    </div>
  );
}

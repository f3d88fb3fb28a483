// Begins a chat with somebody, or comes into a group by a link.
import { useState } from "preact/hooks";
import { Avatar } from "../components/Avatar";
import { Header } from "../components/Header";
import { Icon } from "../components/Icon";
import { useKnownUsers } from "../components/UserPicker";
import { go, pathTo } from "../lib/route";
import { inviteIn } from "../lib/invite";
import { putChat } from "../state/chats";
import { attempt } from "../state/client";
import { nameOf } from "../state/profiles";

export function NewChat() {
  const [query, setQuery] = useState("");
  const [busy, setBusy] = useState(false);
  const wanted = query.trim();
  const users = useKnownUsers().filter((user) => nameOf(user).toLocaleLowerCase().includes(wanted.toLocaleLowerCase().replace(/^@/, "")));
  const open = async (user: string) => {
    setBusy(true);
    const chat = await attempt((client) => client.chats.openDirect(user));
    setBusy(false);
    if (!chat) return;
    putChat(chat);
    go("chat", chat.id);
  };
  const submit = (event: Event) => {
    event.preventDefault();
    const invite = inviteIn(wanted);
    if (invite) go("join", invite);
    else void open(wanted.toLowerCase().replace(/^@/, ""));
  };
  return (
    <div class="flex min-h-0 grow flex-col">
      <Header title="New chat" onBack={() => go()} />
      <form class="flex gap-2 px-4 pb-3" onSubmit={submit}>
        <input class="input grow bg-base-200" placeholder="User name or invite link" aria-label="User name or invite link" autoFocus autoCapitalize="none" spellcheck={false} value={query} onInput={(event) => setQuery(event.currentTarget.value)} />
        <button class="btn btn-primary" disabled={!wanted || busy}>
          {inviteIn(wanted) ? "Join" : "Chat"}
        </button>
      </form>
      <div class="flex min-h-0 grow flex-col overflow-y-auto pb-4">
        <a class="mx-2 flex items-center gap-3 rounded-box px-3 py-2.5 hover:bg-base-200" href={pathTo("new-group")}>
          <span class="grid size-12 place-items-center rounded-full bg-accent text-accent-content">
            <Icon name="group" />
          </span>
          <span class="font-medium">New group</span>
        </a>
        {users.map((user) => (
          <button key={user} class="mx-2 flex items-center gap-3 rounded-box px-3 py-2.5 text-left hover:bg-base-200" onClick={() => void open(user)}>
            <Avatar id={`u${user}`} name={nameOf(user)} />
            <span class="truncate font-medium">{nameOf(user)}</span>
          </button>
        ))}
      </div>
    </div>
  );
}

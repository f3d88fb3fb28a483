// Begins a chat with somebody, or comes into a group by a link.
import { useState } from "preact/hooks";
import { Avatar } from "../components/Avatar";
import { Header } from "../components/Header";
import { Icon } from "../components/Icon";
import { useKnownUsers } from "../components/UserPicker";
import { errorText } from "../lib/errors";
import { takeFocus } from "../lib/focus";
import { go, pathTo } from "../lib/route";
import { inviteIn } from "../lib/invite";
import { putChat } from "../state/chats";
import { client } from "../state/client";
import { nameOf } from "../state/profiles";

export function NewChat() {
  const [query, setQuery] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const wanted = query.trim();
  const users = useKnownUsers().filter((user) => nameOf(user).toLocaleLowerCase().includes(wanted.toLocaleLowerCase().replace(/^@/, "")));
  const open = async (user: string) => {
    setBusy(true);
    setProblem("");
    try {
      const chat = await client().chats.openDirect(user);
      putChat(chat);
      go("chat", chat.id);
    } catch (error) {
      setProblem(errorText(error));
    } finally {
      setBusy(false);
    }
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
        <input class="input grow bg-base-200" placeholder="User name or invite link" aria-label="User name or invite link" ref={takeFocus} autoCapitalize="none" spellcheck={false} value={query} onInput={(event) => (setQuery(event.currentTarget.value), setProblem(""))} />
        <button class="btn btn-primary" disabled={!wanted || busy}>
          {inviteIn(wanted) ? "Join" : "Chat"}
        </button>
      </form>
      {problem && (
        <p role="alert" class="flex items-center gap-2 px-5 pb-3 text-sm text-error">
          <Icon name="warning" class="size-4" /> {problem}
        </p>
      )}
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

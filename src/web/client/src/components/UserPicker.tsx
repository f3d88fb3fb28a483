// Chooses users: from contacts and chats, or by their user name.
import { useEffect, useState } from "preact/hooks";
import { everyChat } from "../state/chats";
import { account, attempt, client } from "../state/client";
import { nameOf } from "../state/profiles";
import { Avatar } from "./Avatar";
import { Icon } from "./Icon";

export function useContacts(): string[] {
  const [contacts, setContacts] = useState<string[]>([]);
  useEffect(() => void client().contacts.list().then((list) => setContacts(list.map((contact) => contact.userId)), () => {}), []);
  return contacts;
}

export function useKnownUsers(): string[] {
  const contacts = useContacts();
  const peers = everyChat.value.flatMap((chat) => (chat.peer && !chat.blocked && !chat.request ? [chat.peer] : []));
  return [...new Set([...contacts, ...peers])].filter((user) => user !== account.value?.userId);
}

/** Users with a box to check each, as items of a list. */
export function UserChecks({ users, chosen, onChange }: { users: string[]; chosen: string[]; onChange: (users: string[]) => void }) {
  const toggle = (user: string) => onChange(chosen.includes(user) ? chosen.filter((other) => other !== user) : [...chosen, user]);
  return (
    <>
      {users.map((user) => (
        <li key={user}>
          <label class="flex cursor-pointer items-center gap-3 rounded-field px-2 py-2 hover:bg-base-200">
            <Avatar id={`u${user}`} name={nameOf(user)} size="sm" />
            <span class="grow truncate">{nameOf(user)}</span>
            <input type="checkbox" class="checkbox checkbox-primary" checked={chosen.includes(user)} onChange={() => toggle(user)} />
          </label>
        </li>
      ))}
    </>
  );
}

export function UserPicker(props: { chosen: string[]; onChange: (users: string[]) => void; without?: string[] }) {
  const { chosen, onChange } = props;
  const [query, setQuery] = useState("");
  const known = useKnownUsers();
  const wanted = query.trim().toLocaleLowerCase().replace(/^@/, "");
  const users = [...new Set([...chosen, ...known])].filter((user) => !props.without?.includes(user) && (!wanted || nameOf(user).toLocaleLowerCase().includes(wanted)));
  const find = async (event: Event) => {
    event.preventDefault();
    const user = await attempt((client) => client.lookup(wanted));
    if (!user || props.without?.includes(user)) return;
    if (!chosen.includes(user)) onChange([...chosen, user]);
    setQuery("");
  };
  return (
    <div class="flex min-h-0 flex-col gap-2">
      <form class="flex gap-2" onSubmit={find}>
        <input class="input grow" placeholder="Name, or exact user name" aria-label="Find somebody" autoCapitalize="none" spellcheck={false} value={query} onInput={(event) => setQuery(event.currentTarget.value)} />
        <button class="btn" disabled={!wanted}>
          Find
        </button>
      </form>
      <ul class="flex max-h-80 flex-col overflow-y-auto" tabIndex={-1}>
        <UserChecks users={users} chosen={chosen} onChange={onChange} />
        {!users.length && (
          <li class="flex items-center gap-2 p-3 text-sm text-soft">
            <Icon name="search" class="size-4" /> {wanted ? "Press Find to look for this user name." : "Type a user name."}
          </li>
        )}
      </ul>
    </div>
  );
}

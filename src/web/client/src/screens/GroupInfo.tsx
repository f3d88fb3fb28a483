// A group's members with their roles, its name and settings, and its doors: links and requests.
import type { Chat, Group, GroupMember, Role } from "@godwit/client";
import { useEffect, useState } from "preact/hooks";
import { Avatar } from "../components/Avatar";
import { Confirm } from "../components/Confirm";
import { Card, Choice } from "../components/Header";
import { Icon } from "../components/Icon";
import { Menu, type MenuItem } from "../components/Menu";
import { Sheet } from "../components/Sheet";
import { UserPicker } from "../components/UserPicker";
import { go } from "../lib/route";
import { titleOf } from "../state/chats";
import { account, attempt, client } from "../state/client";
import { nameOf } from "../state/profiles";
import { failed, toast } from "../state/toasts";
import { Action } from "./ChatInfo";
import { GroupDoors } from "./GroupDoors";

const kRanks: Record<Role, number> = { member: 0, admin: 1, owner: 2 };
const kRoles = [
  ["member", "All members"],
  ["admin", "Admins"],
  ["owner", "The owner"],
] as const;

const kQuestions = {
  owner: { title: (name: string) => `Make ${name} the owner?`, text: "The group is theirs then, and you are an admin of it. Only they can give it back.", action: "Make owner" },
  remove: { title: (name: string) => `Remove ${name}?`, text: "They read nothing that is written from then on. They can be added again, and come back by an invite link.", action: "Remove" },
  ban: { title: (name: string) => `Remove and ban ${name}?`, text: "They read nothing that is written from then on, and cannot come back until the ban is lifted.", action: "Remove and ban" },
};

export const atLeast = (role: Role | undefined, least: Role): boolean => !!role && kRanks[role] >= kRanks[least];

function Member(props: { member: GroupMember; mine: Role; chat: Chat; reload: () => void }) {
  const { member, chat } = props;
  const [at, setAt] = useState<{ x: number; y: number }>();
  const [asking, setAsking] = useState<keyof typeof kQuestions>();
  const name = nameOf(member.user);
  const me = account.value!.userId === member.user;
  const above = kRanks[props.mine] > kRanks[member.role] && props.mine !== "member";
  const act = (doing: () => Promise<unknown>) => () => void attempt(doing).then(props.reload);
  const role = (role: Role) => act(() => client().groups.setRole(chat.id, member.user, role));
  const items: (MenuItem | false)[] = [
    { icon: "chats", label: "Message", onClick: () => void attempt((client) => client.chats.openDirect(member.user)).then((opened) => opened && go("chat", opened.id)) },
    { icon: "shield", label: "Safety number", onClick: () => go("safety", member.user) },
    above && member.role === "member" && { icon: "userAdd", label: "Make admin", onClick: role("admin") },
    above && member.role === "admin" && { icon: "user", label: "Take admin rights", onClick: role("member") },
    props.mine === "owner" && { icon: "shield", label: "Make owner", onClick: () => setAsking("owner") },
    above && { icon: "leave", label: "Remove", danger: true, onClick: () => setAsking("remove") },
    above && { icon: "block", label: "Remove and ban", danger: true, onClick: () => setAsking("ban") },
  ];
  const doing = { owner: role("owner"), remove: act(() => client().groups.remove(chat.id, [member.user])), ban: act(() => client().groups.remove(chat.id, [member.user], { ban: true })) };
  const question = asking && kQuestions[asking];
  return (
    <li>
      <button
        class="flex w-full items-center gap-3 rounded-field px-1 py-2 text-left hover:bg-base-200"
        disabled={me}
        onClick={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          setAt({ x: box.right - 260, y: box.top + 24 });
        }}
      >
        <Avatar id={`u${member.user}`} name={nameOf(member.user)} size="sm" />
        <span class="grow truncate">{me ? "You" : nameOf(member.user)}</span>
        {member.role !== "member" && <span class="badge badge-sm">{member.role === "owner" ? "Owner" : "Admin"}</span>}
      </button>
      {at && <Menu label={nameOf(member.user)} at={at} items={items.filter((item) => !!item)} onClose={() => setAt(undefined)} />}
      {question && <Confirm title={question.title(name)} text={question.text} action={question.action} onConfirm={doing[asking]} onClose={() => setAsking(undefined)} />}
    </li>
  );
}

function Add({ chat, group, onDone }: { chat: Chat; group: Group; onDone: () => void }) {
  const [users, setUsers] = useState<string[]>([]);
  const add = async () => {
    const added = await attempt((client) => client.groups.add(chat.id, users));
    if (added?.notAdded.length) toast(`${added.notAdded.map(nameOf).join(", ")} could not be added.`, "error");
    onDone();
  };
  return (
    <Sheet title="Add members" onClose={onDone}>
      <UserPicker chosen={users} onChange={setUsers} without={group.members.map((member) => member.user)} />
      <button class="btn btn-primary" disabled={!users.length} onClick={() => void add()}>
        Add
      </button>
    </Sheet>
  );
}

function Name({ chat, reload }: { chat: Chat; reload: () => void }) {
  const [name, setName] = useState(titleOf(chat));
  return (
    <form
      class="flex items-end gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        void attempt((client) => client.groups.rename(chat.id, name.trim()), "Renamed").then(reload);
      }}
    >
      <label class="flex grow flex-col gap-1 text-sm">
        Name of the group
        <input class="input w-full" value={name} maxLength={100} onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <button class="btn btn-primary" disabled={!name.trim() || name.trim() === titleOf(chat)}>
        Save
      </button>
    </form>
  );
}

export function GroupInfo({ chat }: { chat: Chat }) {
  const [group, setGroup] = useState<Group>();
  const [adding, setAdding] = useState(false);
  const load = () => void client().groups.get(chat.id).then(setGroup, failed);
  useEffect(load, [chat.id, chat.memberCount, chat.role]);
  if (!group) return <span class="loading loading-dots self-center" role="status" aria-label="Loading" />;
  const mine = group.members.find((member) => member.user === account.value!.userId)?.role ?? "member";
  const { settings } = group;
  const set = (change: Partial<Group["settings"]>) => void attempt((client) => client.groups.setSettings(chat.id, change)).then(load);
  return (
    <>
      {atLeast(mine, settings.mayRename) && (
        <Card>
          <Name key={titleOf(chat)} chat={chat} reload={load} />
        </Card>
      )}
      <Card title={`${group.members.length} members`}>
        {atLeast(mine, settings.mayAdd) && <Action icon="userAdd" label="Add members" onClick={() => setAdding(true)} />}
        <ul>
          {[...group.members].sort((a, b) => kRanks[b.role] - kRanks[a.role]).map((member) => (
            <Member key={member.user} member={member} mine={mine} chat={chat} reload={load} />
          ))}
        </ul>
        {group.banned.length > 0 && (
          <details class="pt-2 text-sm">
            <summary class="cursor-pointer">{group.banned.length} banned</summary>
            {group.banned.map((user) => (
              <p key={user} class="flex items-center gap-3 py-1">
                <Icon name="block" class="size-4" /> <span class="grow">{nameOf(user)}</span>
                <button class="btn btn-sm" onClick={() => void attempt((client) => client.groups.unban(chat.id, [user])).then(load)}>
                  Lift
                </button>
              </p>
            ))}
          </details>
        )}
      </Card>
      {atLeast(mine, settings.mayAdd) && <GroupDoors chat={chat} admin={atLeast(mine, "admin")} />}
      {atLeast(mine, "admin") && (
        <Card title="What members may do">
          <Choice label="Write" value={settings.mayPost} options={kRoles} onChange={(mayPost) => set({ mayPost })} />
          <Choice label="Add members" value={settings.mayAdd} options={kRoles} onChange={(mayAdd) => set({ mayAdd })} />
          <Choice label="Change the name" value={settings.mayRename} options={kRoles} onChange={(mayRename) => set({ mayRename })} />
        </Card>
      )}
      {adding && <Add chat={chat} group={group} onDone={() => (setAdding(false), load())} />}
    </>
  );
}

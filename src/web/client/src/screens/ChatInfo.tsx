// About a chat: who is in it, and everything that can be set about it.
import type { Chat, ChatId } from "@godwit/client";
import { useEffect, useState } from "preact/hooks";
import { Avatar } from "../components/Avatar";
import { Confirm } from "../components/Confirm";
import { Card, Choice, Missing, Page, Switch } from "../components/Header";
import { Icon, type IconName } from "../components/Icon";
import { timerText, untilText } from "../lib/format";
import { go, pathTo } from "../lib/route";
import { begin } from "../state/calls";
import { chatOf, isMuted, loaded, titleOf } from "../state/chats";
import { attempt, client } from "../state/client";
import { profile } from "../state/profiles";
import { failed } from "../state/toasts";
import { GroupInfo } from "./GroupInfo";

export const kTimers = [0, 30, 300, 3600, 28_800, 86_400, 604_800, 2_419_200].map((seconds) => [seconds, timerText(seconds)] as const);

export function Action(props: { icon: IconName; label: string; onClick: () => void; danger?: boolean }) {
  return (
    <button class={`flex w-full items-center gap-3 rounded-field px-1 py-2.5 text-left hover:bg-base-200 ${props.danger ? "text-error" : ""}`} onClick={props.onClick}>
      <Icon name={props.icon} /> {props.label}
    </button>
  );
}

/** The user as a contact: in the list or not, and what they are called there. */
function ContactCard({ user }: { user: string }) {
  const [isContact, setContact] = useState<boolean>();
  const known = profile(user);
  const [alias, setAlias] = useState(known.alias ?? "");
  const load = () => client().contacts.list().then((list) => setContact(list.some((contact) => contact.userId === user)), failed);
  useEffect(() => void load(), [user]);
  const save = async (event: Event) => {
    event.preventDefault();
    await attempt((client) => client.contacts.add(user, alias.trim() || undefined), "Saved");
    void load();
  };
  return (
    <Card title="Contact">
      <form class="flex items-end gap-2" onSubmit={save}>
        <label class="flex grow flex-col gap-1 text-sm">
          Your name for them
          <input class="input w-full" value={alias} placeholder={known.name ?? known.handle} maxLength={64} onInput={(event) => setAlias(event.currentTarget.value)} />
        </label>
        <button class="btn btn-primary" disabled={isContact === undefined}>
          {isContact ? "Save" : "Add"}
        </button>
      </form>
      {isContact && <Action icon="user" label="Remove from contacts" onClick={() => void attempt((client) => client.contacts.remove(user)).then(load)} />}
    </Card>
  );
}

const kMutes = [
  [0, "Off"],
  [8 * 3_600_000, "For 8 hours"],
  [7 * 86_400_000, "For a week"],
  [Infinity, "Always"],
] as const;

function Mute({ chat }: { chat: Chat }) {
  const until = isMuted(chat) ? chat.mutedUntil : 0;
  const timed = until > 0 && until < Infinity;
  const options = timed ? [[until, `Until ${untilText(until)}`] as const, ...kMutes] : kMutes;
  const set = (ms: number) => ms !== until && void attempt((client) => client.chats.mute(chat.id, ms && Date.now() + ms));
  return <Choice label="Mute notifications" value={until} options={options} onChange={set} />;
}

function Danger({ chat }: { chat: Chat }) {
  const [asking, setAsking] = useState<"clear" | "block" | "leave">();
  const leave = async () => {
    await attempt((client) => client.groups.leave(chat.id));
    go();
  };
  return (
    <Card>
      <Action icon="trash" label="Clear this chat on this device" danger onClick={() => setAsking("clear")} />
      {chat.peer && <Action icon="block" label={chat.blocked ? "Unblock" : "Block"} danger onClick={() => (chat.blocked ? void attempt((client) => client.chats.block(chat.peer!, false)) : setAsking("block"))} />}
      {chat.kind === "group" && !chat.left && <Action icon="leave" label="Leave the group" danger onClick={() => setAsking("leave")} />}
      {asking === "clear" && <Confirm title="Clear this chat?" text="All its messages go from this device. Others keep theirs." action="Clear" onConfirm={() => void attempt((client) => client.chats.clear(chat.id))} onClose={() => setAsking(undefined)} />}
      {asking === "block" && <Confirm title={`Block ${titleOf(chat)}?`} text="Nothing of theirs reaches you any more. They are not told." action="Block" onConfirm={() => void attempt((client) => client.chats.block(chat.peer!, true))} onClose={() => setAsking(undefined)} />}
      {asking === "leave" && <Confirm title={`Leave ${titleOf(chat)}?`} text="You get nothing from it any more." action="Leave" onConfirm={() => void leave()} onClose={() => setAsking(undefined)} />}
    </Card>
  );
}

export function ChatInfo({ id }: { id: ChatId }) {
  const chat = chatOf(id);
  if (!chat) return <Missing text={loaded.value ? "This chat is not on this device." : ""} onBack={() => go()} />;
  const known = chat.peer ? profile(chat.peer) : undefined;
  return (
    <Page title={chat.kind === "group" ? "Group" : "Contact"} onBack={() => go("chat", id)}>
      <div class="flex flex-col items-center gap-3 py-2 text-center">
        <Avatar id={chat.id} name={titleOf(chat)} group={chat.kind === "group"} size="xl" />
        <h2 class="text-2xl font-semibold">{titleOf(chat)}</h2>
        {known?.handle && <p class="text-soft">@{known.handle}</p>}
        {!chat.left && !chat.blocked && (
          <div class="flex gap-2">
            <button class="btn bg-base-100" onClick={() => void begin(id, false)}>
              <Icon name="phone" /> Call
            </button>
            <button class="btn bg-base-100" onClick={() => void begin(id, true)}>
              <Icon name="video" /> Video
            </button>
          </div>
        )}
      </div>
      {chat.peer && <ContactCard user={chat.peer} />}
      {chat.kind === "group" && !chat.left && <GroupInfo chat={chat} />}
      <Card>
        <Mute chat={chat} />
        <Switch label="Pin to the top" on={chat.pinned} onChange={(on) => void attempt((client) => client.chats.pin(id, on))} />
        <Switch label="Archive" on={chat.archived} onChange={(on) => void attempt((client) => client.chats.archive(id, on))} />
        {(chat.kind === "direct" || (chat.role && chat.role !== "member")) && (
          <Choice label="Disappearing messages" value={chat.timerS} options={kTimers.some(([value]) => value === chat.timerS) ? kTimers : [[chat.timerS, timerText(chat.timerS)], ...kTimers]} onChange={(seconds) => void attempt((client) => client.chats.setTimer(id, seconds))} />
        )}
        {chat.peer && (
          <a class="flex items-center gap-3 rounded-field px-1 py-2.5 hover:bg-base-200" href={pathTo("safety", chat.peer)}>
            <Icon name="shield" /> Verify the safety number
          </a>
        )}
      </Card>
      <Danger chat={chat} />
    </Page>
  );
}

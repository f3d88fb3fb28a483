// Who sees what.
import type { Privacy, PrivacyRule } from "@godwit/client";
import { useEffect, useState } from "preact/hooks";
import { Avatar } from "../../components/Avatar";
import { Card, Choice, Page, Switch } from "../../components/Header";
import { everyChat } from "../../state/chats";
import { attempt, client, connection } from "../../state/client";
import { nameOf } from "../../state/profiles";
import { failed } from "../../state/toasts";

const kAudiences = [
  ["everyone", "Everyone"],
  ["contacts", "My contacts"],
  ["nobody", "Nobody"],
] as const;

const kRules = [
  ["lastSeen", "Last seen"],
  ["online", "Online"],
  ["profile", "Profile"],
  ["status", "Status"],
  ["mayAddMe", "Add me to groups"],
] as const;

function Blocked() {
  const [users, setUsers] = useState<string[]>([]);
  const load = () => void client().chats.blocked().then(setUsers, failed);
  // Asked for again when the block of a chat changes, here or on another device.
  const known = everyChat.value.flatMap((chat) => (chat.blocked ? [chat.id] : [])).join();
  useEffect(load, [known]);
  return (
    <Card title="Blocked people">
      {users.length ? (
        users.map((user) => (
          <div key={user} class="flex items-center gap-3 py-1.5">
            <Avatar id={`u${user}`} name={nameOf(user)} size="sm" />
            <span class="grow">{nameOf(user)}</span>
            <button class="btn btn-sm" onClick={() => void attempt((client) => client.chats.block(user, false)).then(load)}>
              Unblock
            </button>
          </div>
        ))
      ) : (
        <p class="text-soft">Nobody is blocked.</p>
      )}
    </Card>
  );
}

export function PrivacyPage() {
  const [privacy, setPrivacy] = useState<Privacy>();
  useEffect(() => {
    if (connection.value.state === "online") client().settings.privacy().then(setPrivacy, failed);
  }, [connection.value.state]);
  const set = async (change: Partial<Privacy>) => {
    const now = await attempt((client) => client.settings.setPrivacy(change));
    if (now) setPrivacy(now);
  };
  const rule = (name: (typeof kRules)[number][0], audience: PrivacyRule["audience"]) => void set({ [name]: { ...privacy![name], audience } });
  return (
    <Page title="Privacy">
      {privacy ? (
        <>
          <Card title="Who may see or do" note="You see of others what you let them see of yourself.">
            {kRules.map(([name, label]) => (
              <Choice key={name} label={label} value={privacy[name].audience} options={kAudiences} onChange={(audience) => rule(name, audience)} />
            ))}
          </Card>
          <Card>
            <Switch label="Read receipts" note="When off, you do not see those of others either." on={!privacy.hideReadReceipts} onChange={(on) => void set({ hideReadReceipts: !on })} />
            <Switch label="Message requests" note="One message of a stranger comes through, and waits until you accept." on={privacy.askFirst} onChange={(askFirst) => void set({ askFirst })} />
          </Card>
        </>
      ) : (
        <span class="loading loading-dots self-center" role="status" aria-label="Loading" />
      )}
      <Blocked />
    </Page>
  );
}

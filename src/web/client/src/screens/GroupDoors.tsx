// How people come into a group: invite links, and who waits to be let in.
import type { Chat, InviteLink } from "@godwit/client";
import { useEffect, useState } from "preact/hooks";
import { Avatar } from "../components/Avatar";
import { Card, Switch } from "../components/Header";
import { IconButton } from "../components/Icon";
import { Later, Qr } from "../components/lazy";
import { Sheet } from "../components/Sheet";
import { untilText } from "../lib/format";
import { pathTo } from "../lib/route";
import { attempt, client } from "../state/client";
import { nameOf } from "../state/profiles";
import { failed, toast } from "../state/toasts";
import { Action } from "./ChatInfo";

const kAskAgain = 5000; // ms

/** What is passed on: opens this application at the group. */
const address = (link: string): string => new URL(`./${pathTo("join", link)}`, location.href).href;

function NewLink({ chat, onDone }: { chat: Chat; onDone: () => void }) {
  const [approve, setApprove] = useState(true);
  const [made, setMade] = useState<InviteLink>();
  const make = async () => setMade(await attempt((client) => client.groups.makeInviteLink(chat.id, { approve })));
  return (
    <Sheet title="Invite link" onClose={onDone}>
      {made?.link ? (
        <>
          <div class="flex justify-center">
            <Later>
              <Qr text={address(made.link)} label="Invite link" />
            </Later>
          </div>
          <code class="rounded-field bg-base-200 p-2 text-xs break-all select-all" data-testid="invite-link">
            {address(made.link)}
          </code>
          <p class="text-sm text-soft">It is shown this once, and holds until {untilText(made.expiresAt)}.</p>
          <button class="btn btn-primary" onClick={() => void navigator.clipboard.writeText(address(made.link!)).then(() => toast("Copied"), failed)}>
            Copy
          </button>
        </>
      ) : (
        <>
          <Switch label="An admin lets people in" note="Who follows the link waits for approval." on={approve} onChange={setApprove} />
          <button class="btn btn-primary" onClick={() => void make()}>
            Make link
          </button>
        </>
      )}
    </Sheet>
  );
}

export function GroupDoors({ chat, admin }: { chat: Chat; admin: boolean }) {
  const [links, setLinks] = useState<InviteLink[]>([]);
  const [waiting, setWaiting] = useState<string[]>([]);
  const [making, setMaking] = useState(false);
  const load = () => {
    if (!admin) return;
    client().groups.inviteLinks(chat.id).then(setLinks, failed);
    client().groups.joinRequests(chat.id).then(setWaiting, failed);
  };
  // Nothing tells of requests: they are asked for while somebody looks.
  useEffect(() => {
    load();
    const timer = setInterval(load, kAskAgain);
    return () => clearInterval(timer);
  }, [chat.id, chat.memberCount, admin]);
  const answer = (user: string, accept: boolean) => void attempt((client) => client.groups.answerJoin(chat.id, user, accept)).then(load);
  return (
    <>
      {waiting.length > 0 && (
        <Card title="Ask to join">
          {waiting.map((user) => (
            <div key={user} class="flex items-center gap-3 py-1.5">
              <Avatar id={`u${user}`} name={nameOf(user)} size="sm" />
              <span class="grow truncate">{nameOf(user)}</span>
              <IconButton icon="close" label={`Refuse ${nameOf(user)}`} onClick={() => answer(user, false)} />
              <IconButton icon="check" label={`Let ${nameOf(user)} in`} class="btn-primary" onClick={() => answer(user, true)} />
            </div>
          ))}
        </Card>
      )}
      <Card title="Invite links">
        <Action icon="link" label="New invite link" onClick={() => setMaking(true)} />
        {links.map((link) => (
          <div key={link.id} class="flex items-center gap-3 py-1.5 text-sm">
            <span class="grow">
              By {nameOf(link.madeBy)}, until {untilText(link.expiresAt)}
              {link.approve && ", with approval"}
            </span>
            <IconButton icon="trash" label="Revoke this link" class="btn-sm" onClick={() => void attempt((client) => client.groups.revokeInviteLink(chat.id, link.id)).then(load)} />
          </div>
        ))}
      </Card>
      {making && <NewLink chat={chat} onDone={() => (setMaking(false), load())} />}
    </>
  );
}

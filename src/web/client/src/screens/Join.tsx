// Somebody has followed an invite link.
import { useState } from "preact/hooks";
import { Icon } from "../components/Icon";
import { go, replace } from "../lib/route";
import { attempt } from "../state/client";

export function Join({ link }: { link: string }) {
  const [busy, setBusy] = useState(false);
  const [waiting, setWaiting] = useState(false);
  const join = async () => {
    setBusy(true);
    const joined = await attempt((client) => client.groups.join(link));
    setBusy(false);
    if (joined?.waiting) setWaiting(true);
    else if (joined) replace("chat", joined.chat);
  };
  return (
    <div class="chat-ground grid h-full place-items-center p-6">
      <div class="flex max-w-sm flex-col items-center gap-4 rounded-box bg-base-100 p-8 text-center shadow-xl">
        <Icon name="group" class="size-14 text-primary" />
        <h1 class="text-xl font-semibold">{waiting ? "You asked to join" : "Join this group?"}</h1>
        <p class="text-soft">{waiting ? "The group appears among your chats when an admin lets you in." : "Its members see your user name, and you see what is written from now on."}</p>
        <div class="flex gap-3">
          <button class="btn" onClick={() => go()}>
            {waiting ? "To my chats" : "Cancel"}
          </button>
          {!waiting && (
            <button class="btn btn-primary" disabled={busy} onClick={() => void join()}>
              Join
            </button>
          )}
        </div>
      </div>
    </div>
  );
}

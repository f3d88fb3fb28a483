// Somebody calls, or a call of a group has begun. Whoever writes something at that moment answers nothing by accident: the
// focus is on the sheet and not on a button, and to close it is neither yes nor no.
import type { Call } from "@godwit/client";
import { Avatar } from "../components/Avatar";
import { kAnswer, kHangUp, Round } from "../components/CallButton";
import { useOngoing } from "../components/OngoingCall";
import { Sheet } from "../components/Sheet";
import { answer, call, decline, ignore } from "../state/calls";
import { chatOf, titleOfId } from "../state/chats";
import { nameOf } from "../state/profiles";

export function IncomingCall({ call: rings }: { call: Call }) {
  const group = chatOf(rings.chat)?.kind === "group";
  const title = titleOfId(rings.chat) ?? "Call";
  const ongoing = useOngoing(group ? rings.chat : undefined);
  const current = call.value && call.value.phase !== "ended" ? titleOfId(call.value.chat) : undefined;
  const verb = group ? "Join" : "Answer";
  return (
    <Sheet title={`Incoming ${group ? "group " : ""}${rings.video ? "video call" : "voice call"}`} calm onClose={() => ignore(rings)}>
      <div class="flex flex-col items-center gap-4 py-4 text-center">
        <Avatar id={rings.chat} name={title} group={group} size="xl" />
        <p class="text-2xl font-semibold">{title}</p>
        {group && <p class="text-soft">{ongoing ? `${ongoing.participants.map(nameOf).join(", ")} in the call` : " "}</p>}
        {current && <p class="text-sm text-soft">The call with {current} ends when you {verb.toLowerCase()}.</p>}
        <div class="flex gap-8 pt-2">
          {group ? (
            <Round icon="close" label="Ignore" look="bg-neutral text-neutral-content" onClick={() => void decline(rings)} />
          ) : (
            <Round icon="phone" turned label="Decline" look={kHangUp} onClick={() => void decline(rings)} />
          )}
          <Round icon="phone" label={`${verb} with voice`} look={kAnswer} onClick={() => void answer(rings, false)} />
          {rings.video && <Round icon="video" label={`${verb} with video`} look={kAnswer} onClick={() => void answer(rings, true)} />}
        </div>
      </div>
    </Sheet>
  );
}

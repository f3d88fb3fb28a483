// A call of the group that one can join.
import type { Chat, ChatId } from "@godwit/client";
import { useEffect, useState } from "preact/hooks";
import { begin, call } from "../state/calls";
import { chatOf } from "../state/chats";
import { client, connection } from "../state/client";
import { nameOf } from "../state/profiles";
import { Icon } from "./Icon";

/** Who is in the call of a group, asked for when that may have changed. */
export function useOngoing(chat: ChatId | undefined) {
  const [ongoing, setOngoing] = useState<{ video: boolean; participants: string[] }>();
  const last = chat && chatOf(chat)?.preview?.id;
  const online = connection.value.state === "online";
  useEffect(() => {
    if (!chat || !online) return;
    let ended = false;
    client().calls.ongoing(chat).then((found) => ended || setOngoing(found), () => {});
    return () => void (ended = true);
  }, [chat, last, call.value?.phase, online]);
  return ongoing;
}

export function OngoingCall({ chat }: { chat: Chat }) {
  const ongoing = useOngoing(chat.kind === "group" && !chat.left ? chat.id : undefined);
  if (!ongoing || call.value?.chat === chat.id) return null;
  return (
    <button class="flex items-center gap-3 bg-primary px-4 py-2 text-sm text-primary-content" onClick={() => void begin(chat.id, ongoing.video)}>
      <Icon name={ongoing.video ? "video" : "phone"} class="size-4" />
      <span class="grow text-left">A call goes on with {ongoing.participants.map(nameOf).join(", ")}</span>
      <b>Join</b>
    </button>
  );
}

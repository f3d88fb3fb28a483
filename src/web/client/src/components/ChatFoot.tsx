// What is at the foot of a chat: the composer, or why one cannot write.
import type { Chat } from "@godwit/client";
import type { ComponentChildren } from "preact";
import { go } from "../lib/route";
import { titleOf } from "../state/chats";
import { attempt } from "../state/client";

export function Foot({ chat, children }: { chat: Chat; children: ComponentChildren }) {
  const bar = "flex shrink-0 flex-col items-center gap-3 border-t border-base-300 bg-base-100 p-4 text-center text-sm";
  if (chat.request) {
    const answer = (accept: boolean) =>
      void attempt(async (client) => {
        await client.chats.answerRequest(chat.id, accept);
        if (!accept) go();
      });
    return (
      <div class={bar}>
        <p>
          <b>{titleOf(chat)}</b> is not among your contacts. They do not see that you have read this until you accept.
        </p>
        <div class="flex gap-3">
          <button class="btn btn-error btn-outline" onClick={() => answer(false)}>
            Block
          </button>
          <button class="btn btn-primary" onClick={() => answer(true)}>
            Accept
          </button>
        </div>
      </div>
    );
  }
  if (chat.blocked) {
    return (
      <div class={bar}>
        <p>You have blocked {titleOf(chat)}.</p>
        <button class="btn btn-sm" onClick={() => void attempt((client) => client.chats.block(chat.peer!, false))}>
          Unblock
        </button>
      </div>
    );
  }
  if (chat.left) return <p class={bar}>You are not in this group any more.</p>;
  return <>{children}</>;
}

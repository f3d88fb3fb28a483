import type { Chat } from "@godwit/client";
import { typing } from "../state/presence";
import { nameOf } from "../state/profiles";

export function TypingLine({ chat }: { chat: Chat }) {
  const users = typing.value.get(chat.id);
  if (!users) return null;
  return (
    <div class="rise absolute bottom-2 left-4 flex items-center gap-2 rounded-full bg-base-100 px-3 py-2 text-sm text-soft shadow-md sm:left-6" role="status">
      <span class="flex gap-1" aria-hidden="true">
        <span class="typing-dot size-2 rounded-full bg-primary" />
        <span class="typing-dot size-2 rounded-full bg-primary [animation-delay:150ms]" />
        <span class="typing-dot size-2 rounded-full bg-primary [animation-delay:300ms]" />
      </span>
      <span class={chat.kind === "group" ? "" : "sr-only"}>{users.map(nameOf).join(", ")} typing</span>
    </div>
  );
}

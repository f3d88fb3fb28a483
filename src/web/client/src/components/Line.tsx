// A line between messages: what changed in the chat, calls, and security.
import type { Message } from "@godwit/client";
import { previewText } from "../lib/content";
import { timeText } from "../lib/format";
import { go } from "../lib/route";
import { nameOrYou } from "../state/profiles";
import { Icon, type IconName } from "./Icon";

function iconOf({ content }: Message): IconName {
  switch (content.kind) {
    case "call":
      return content.video ? "video" : "phone";
    case "timer":
      return "timer";
    case "security":
      return content.event.kind === "device_added" || content.event.kind === "device_removed" ? "lock" : "warning";
    default:
      return "group";
  }
}

export function Line({ message }: { message: Message }) {
  const { content } = message;
  const text = previewText(content, nameOrYou, message.from, message.own);
  const about = content.kind === "security" ? content.event.user : undefined;
  const missed = content.kind === "call" && !message.own && (content.outcome === "missed" || content.outcome === "cancelled");
  const inside = (
    <>
      <Icon name={iconOf(message)} class="size-4" />
      <span>
        {text}
        {content.kind === "call" && <span class="opacity-80"> · {timeText(message.at)}</span>}
      </span>
    </>
  );
  const look = `inline-flex max-w-[90%] items-center gap-2 rounded-2xl px-3 py-1.5 text-left text-sm shadow-xs ${missed ? "bg-base-100 text-error" : "bg-base-100/90 text-soft"}`;
  return (
    <div class="flex justify-center px-4 pt-2" data-message={message.id}>
      {about ? (
        <button class={look} onClick={() => go("safety", about)}>
          {inside}
        </button>
      ) : (
        <p class={look}>{inside}</p>
      )}
    </div>
  );
}

export function DayLine({ text }: { text: string }) {
  return (
    <div class="flex justify-center pt-4 pb-1">
      <span class="rounded-full bg-base-100 px-3 py-1 text-xs font-medium text-soft shadow-xs">{text}</span>
    </div>
  );
}

export function UnreadLine() {
  return (
    <div class="flex items-center gap-3 px-6 pt-4 pb-1 text-xs font-semibold text-primary before:h-px before:grow before:bg-primary/40 after:h-px after:grow after:bg-primary/40">
      Unread messages
    </div>
  );
}

// How far an own message is: a clock, one tick, two, two in color; an exclamation mark when it failed.
import type { Message } from "@godwit/client";

const kTexts = { waiting: "Waiting to be sent", sent: "Sent", delivered: "Delivered", read: "Read", failed: "Not sent" };

export function Ticks({ state, receipts }: { state: NonNullable<Message["state"]>; receipts?: Message["receipts"] }) {
  const counts = receipts ? ` by ${state === "read" ? receipts.read : receipts.delivered} of ${receipts.of}` : "";
  const text = kTexts[state] + (state === "delivered" || state === "read" ? counts : "");
  const paths = { waiting: "M8 3.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M8 5.5V8l1.5 1", sent: "M4 8.5l3 3 6-7", delivered: "M1 8.5l3 3 6-7M8.5 11.5l6-7", read: "M1 8.5l3 3 6-7M8.5 11.5l6-7", failed: "M8 3v6M8 12v.1" };
  const color = state === "read" ? "text-[#0b74c4] dark-name:text-[#6cc1ff]" : state === "failed" ? "text-error" : "";
  return (
    <svg role="img" aria-label={text} viewBox="0 0 16 16" class={`size-4 shrink-0 ${color}`} fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">
      <title>{text}</title>
      <path d={paths[state]} />
    </svg>
  );
}

// A message, and what hangs on it: quote, reactions, time, ticks.
import type { Message, MessageId, Reaction } from "@godwit/client";
import { previewText } from "../lib/content";
import { nameColor } from "../lib/color";
import { codeText } from "../lib/errors";
import { timeText } from "../lib/format";
import { isFewEmoji, pieces } from "../lib/text";
import { account, attempt } from "../state/client";
import { nameOf } from "../state/profiles";
import { Icon, IconButton } from "./Icon";
import { Ticks } from "./Ticks";

const kLongPress = 450; // ms

export interface BubbleActions {
  menu: (message: Message, at: { x: number; y: number }) => void;
  reply: (message: Message) => void;
  jump: (id: MessageId) => void;
  reactions: (message: Message) => void;
}

function Text({ text }: { text: string }) {
  if (isFewEmoji(text)) return <span class="block text-4xl leading-tight">{text}</span>;
  return (
    <>
      {pieces(text).map((piece, i) =>
        piece.href ? (
          <a key={i} class="link break-all" href={piece.href} target="_blank" rel="noopener noreferrer">
            {piece.text}
          </a>
        ) : (
          piece.text
        ),
      )}
    </>
  );
}

function Quoted({ message, onJump }: { message: Message; onJump: (id: MessageId) => void }) {
  const quote = message.replyTo!;
  const who = quote.from === account.value?.userId ? "You" : quote.from ? nameOf(quote.from) : "A message";
  return (
    <button class="mb-1 block w-full min-w-0 rounded-lg border-l-4 border-primary bg-base-content/8 px-2.5 py-1.5 text-left text-sm" onClick={() => onJump(quote.id)}>
      <span class="block truncate font-semibold">{who}</span>
      <span class="line-clamp-2 opacity-85">{quote.text ?? "Not on this device"}</span>
    </button>
  );
}

function Reactions({ reactions, onOpen }: { reactions: readonly Reaction[]; onOpen: () => void }) {
  const emoji = [...new Set(reactions.map((reaction) => reaction.emoji))].slice(0, 4);
  const label = reactions.map(({ user, emoji }) => `${nameOf(user)} ${emoji}`).join(", ");
  return (
    <button class="relative z-10 -mt-2 flex items-center gap-0.5 rounded-full border border-base-300 bg-base-100 px-2 py-0.5 text-sm shadow-xs" aria-label={`Reactions: ${label}`} onClick={onOpen}>
      {emoji.join("")}
      {reactions.length > 1 && <span class="pl-0.5 text-xs text-soft">{reactions.length}</span>}
    </button>
  );
}

export function Bubble(props: { message: Message; group: boolean; first: boolean; last: boolean; marked: boolean; actions: BubbleActions }) {
  const { message, actions } = props;
  const { content, own } = message;
  const text = content.kind === "text" ? content.text : previewText(content, nameOf);
  const plain = content.kind === "text";
  let press: ReturnType<typeof setTimeout> | undefined;
  const menuAt = (event: MouseEvent | PointerEvent) => actions.menu(message, { x: event.clientX, y: event.clientY });

  const corner = own ? (props.last ? "rounded-br-md" : "") : props.last ? "rounded-bl-md" : "";
  const ground = own ? "bg-accent text-accent-content" : "bg-base-100";
  return (
    <article class={`group flex px-3 sm:px-6 ${own ? "flex-row-reverse" : ""} ${props.first ? "pt-2.5" : "pt-0.5"}`} aria-label={`${own ? "You" : nameOf(message.from)}, ${timeText(message.at)}`} data-message={message.id}>
      <div class={`flex max-w-[85%] min-w-0 flex-col sm:max-w-[70%] ${own ? "items-end" : "items-start"}`}>
        <div
          class={`max-w-full rounded-2xl px-3 py-1.5 shadow-xs ${corner} ${ground} ${props.marked ? "outline-2 outline-primary" : ""}`}
          onContextMenu={(event) => {
            if (getSelection()?.toString()) return; // a selected text has the browser's own menu
            event.preventDefault();
            menuAt(event);
          }}
          onPointerDown={(event) => {
            if (event.pointerType === "touch") press = setTimeout(() => menuAt(event), kLongPress);
          }}
          onPointerUp={() => clearTimeout(press)}
          onPointerCancel={() => clearTimeout(press)}
          onDblClick={() => actions.reply(message)}
        >
          {props.group && !own && props.first && <p class={`text-sm font-semibold ${nameColor(message.from)}`}>{nameOf(message.from)}</p>}
          {message.replyTo && <Quoted message={message} onJump={actions.jump} />}
          {message.replyToStatus && (
            <p class="mb-1 flex items-center gap-1.5 rounded-lg border-l-4 border-primary bg-base-content/8 px-2.5 py-1.5 text-sm">
              <Icon name="status" class="size-4" /> {own ? "Reply to their status" : "Reply to your status"}
            </p>
          )}
          <p class={`wrap-anywhere whitespace-pre-wrap ${plain ? "" : "flex items-center gap-1.5 italic opacity-80"}`} dir="auto">
            {plain ? <Text text={text} /> : <><Icon name={content.kind === "removed" ? "trash" : "lock"} class="size-4" /> {text}</>}
            {/* Room for what floats at the end of the last line. */}
            <span class="inline-block h-4 w-3" />
            <span class="float-right mt-1.5 ml-1 flex items-center gap-1 text-xs whitespace-nowrap not-italic opacity-80">
              {message.expiresAt && <Icon name="timer" class="size-3.5" />}
              {message.editedAt && "edited"} <time dateTime={new Date(message.at).toISOString()}>{timeText(message.at)}</time>
              {own && message.state && content.kind !== "removed" && <Ticks state={message.state} receipts={message.receipts} />}
            </span>
          </p>
        </div>
        {message.reactions.length > 0 && <Reactions reactions={message.reactions} onOpen={() => actions.reactions(message)} />}
        {message.state === "failed" && (
          <button class="flex items-center gap-1.5 pt-1 text-sm text-error" onClick={() => void attempt((client) => client.messages.retry(message.chat, message.id))}>
            <Icon name="retry" class="size-4" /> {message.error ? `Not sent: ${codeText(message.error)}` : "Not sent."} Try again
          </button>
        )}
      </div>
      <IconButton
        icon="more"
        label="Actions for this message"
        class="btn-sm mx-1 self-center opacity-0 group-focus-within:opacity-100 group-hover:opacity-100 focus:opacity-100"
        onClick={(event) => {
          const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
          actions.menu(message, { x: box.left, y: box.bottom });
        }}
      />
    </article>
  );
}

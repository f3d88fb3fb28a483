// Where messages are written. What is not sent yet is kept as a draft of the chat.
import type { Chat, Message } from "@godwit/client";
import { useEffect, useRef, useState } from "preact/hooks";
import { previewText } from "../lib/content";
import { titleOf } from "../state/chats";
import { attempt, client } from "../state/client";
import { preferences } from "../state/preferences";
import { nameOf } from "../state/profiles";
import { Icon, IconButton } from "./Icon";
import { EmojiPicker, Later } from "./lazy";

const kDraftPause = 800; // ms without a key stroke after which the draft is kept

/** Of the field, and of what is unseen behind it with the same text and makes room for it: were the field itself made small
 * to measure the text, the messages above would move each time. */
const kField = "textarea col-start-1 row-start-1 max-h-40 min-h-11 w-full rounded-3xl border-transparent px-4 py-2.25 text-base leading-6";

export type Target = { kind: "reply" | "edit"; message: Message } | undefined;

export function Composer(props: { chat: Chat; target: Target; onDone: () => void; onEditLast: () => void }) {
  const { chat, target } = props;
  const [text, setText] = useState(chat.draft ?? "");
  const [picking, setPicking] = useState(false);
  const input = useRef<HTMLTextAreaElement>(null);
  const beforeEdit = useRef("");
  const latest = useRef({ text, editing: false });
  latest.current = { text: target?.kind === "edit" ? beforeEdit.current : text, editing: target?.kind === "edit" };

  useEffect(() => {
    if (!matchMedia("(pointer: coarse)").matches) input.current?.focus();
  }, []);
  useEffect(() => {
    if (!target) return;
    input.current?.focus();
    if (target.kind !== "edit" || target.message.content.kind !== "text") return;
    beforeEdit.current = text;
    setText(target.message.content.text);
  }, [target]);

  // The draft, while one writes and when one goes.
  useEffect(() => {
    if (target?.kind === "edit" || text === (chat.draft ?? "")) return;
    const timer = setTimeout(() => void client().chats.setDraft(chat.id, text).catch(() => {}), kDraftPause);
    return () => clearTimeout(timer);
  }, [text, target]);
  useEffect(() => () => void client().chats.setDraft(chat.id, latest.current.text).catch(() => {}), []);

  const stop = () => {
    if (target?.kind === "edit") setText(beforeEdit.current);
    props.onDone();
  };
  const send = () => {
    const written = text.trim();
    if (!written) return;
    const typed = text;
    if (target?.kind === "edit") {
      stop();
      void attempt((client) => client.messages.edit(chat.id, target.message.id, written));
      return;
    }
    setText("");
    props.onDone();
    client().chats.typing(chat.id, "stopped");
    void attempt(async (client) => {
      await client.messages.send(chat.id, { text: written, replyTo: target?.message.id }).catch((error) => {
        setText(typed); // nothing was kept: it is not lost here
        throw error;
      });
    });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || (preferences.value.enterSends && !event.shiftKey))) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape" && (target || picking)) {
      event.preventDefault();
      setPicking(false);
      if (target) stop();
    } else if (event.key === "ArrowUp" && !text && !target) {
      event.preventDefault();
      props.onEditLast();
    }
  };
  const insert = (emoji: string) => {
    const box = input.current!;
    setText(text.slice(0, box.selectionStart) + emoji + text.slice(box.selectionEnd));
    setPicking(false);
    box.focus();
  };
  return (
    <div class="relative shrink-0 border-t border-base-300 bg-base-100 px-3 py-2 pb-[max(0.5rem,env(safe-area-inset-bottom))]">
      {picking && <div class="fixed inset-0 z-10" onClick={() => setPicking(false)} />}
      {picking && (
        <div
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            setPicking(false);
            input.current?.focus();
          }}
          class="rise absolute bottom-full left-3 z-20 mb-2 w-[min(24rem,calc(100%-1.5rem))] rounded-box border border-base-300 bg-base-100 p-3 shadow-lg"
        >
          <Later>
            <EmojiPicker onPick={insert} />
          </Later>
        </div>
      )}
      {target && (
        <div class="mb-2 flex items-center gap-3 rounded-field border-l-4 border-primary bg-base-200 py-1 pl-3">
          <Icon name={target.kind} class="size-4 text-primary" />
          <p class="min-w-0 grow text-sm">
            <b class="block text-primary">{target.kind === "edit" ? "Edit" : `Reply to ${target.message.own ? "yourself" : nameOf(target.message.from)}`}</b>
            <span class="block truncate text-soft">{previewText(target.message.content, nameOf)}</span>
          </p>
          <IconButton icon="close" label={`Do not ${target.kind}`} class="btn-sm" onClick={stop} />
        </div>
      )}
      <form
        class="flex items-end gap-1"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <IconButton icon="smile" label="Emoji" expanded={picking} onClick={() => setPicking(!picking)} />
        <div class="grid min-w-0 grow">
          <div aria-hidden="true" data-text={text} class={`${kField} invisible overflow-hidden wrap-break-word whitespace-pre-wrap after:content-[attr(data-text)_'_']`} />
          <textarea
            ref={input}
            rows={1}
            dir="auto"
            class={`${kField} resize-none bg-base-200 outline-offset-0!`}
            placeholder="Message"
            aria-label={`Message to ${titleOf(chat)}`}
            value={text}
            onInput={(event) => {
              setText(event.currentTarget.value);
              if (event.currentTarget.value && target?.kind !== "edit") client().chats.typing(chat.id);
            }}
            onKeyDown={onKeyDown}
          />
        </div>
        <button class="btn btn-primary btn-circle" aria-label={target?.kind === "edit" ? "Save" : "Send"} disabled={!text.trim()}>
          <Icon name={target?.kind === "edit" ? "check" : "send"} />
        </button>
      </form>
    </div>
  );
}

// What can be done with a message: the menu, and the sheets that it opens.
import type { Chat, Message } from "@godwit/client";
import { useEffect, useState } from "preact/hooks";
import { timeText } from "../lib/format";
import { account, attempt, client } from "../state/client";
import { nameOf } from "../state/profiles";
import { failed, toast } from "../state/toasts";
import { Avatar } from "./Avatar";
import { ForwardSheet } from "./ForwardSheet";
import { Icon } from "./Icon";
import { EmojiPicker, Later } from "./lazy";
import { Menu, type MenuItem } from "./Menu";
import { Sheet } from "./Sheet";

const kQuick = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

type Open = "menu" | "emoji" | "forward" | "delete" | "info" | "reactions";

function Receipts({ message }: { message: Message }) {
  const [list, setList] = useState<{ user: string; delivered: boolean; read: boolean }[]>();
  useEffect(() => {
    client().messages.receipts(message.chat, message.id).then(setList, failed);
  }, []);
  const part = (title: string, of: typeof list) =>
    of!.length > 0 && (
      <section>
        <h3 class="pb-1 text-sm font-semibold text-primary">{title}</h3>
        {of!.map(({ user }) => (
          <p key={user} class="flex items-center gap-3 py-1">
            <Avatar id={`u${user}`} name={nameOf(user)} size="sm" /> {nameOf(user)}
          </p>
        ))}
      </section>
    );
  if (!list) return <span class="loading loading-dots self-center" role="status" aria-label="Loading" />;
  return (
    <>
      {part("Read by", list.filter((one) => one.read))}
      {part("Delivered to", list.filter((one) => one.delivered && !one.read))}
      {part("Not delivered to", list.filter((one) => !one.delivered))}
    </>
  );
}

export function MessageMenu(props: {
  message: Message;
  chat: Chat;
  at: { x: number; y: number };
  begin?: "menu" | "reactions";
  onReply: () => void;
  onEdit: () => void;
  onClose: () => void;
}) {
  const { message, chat, onClose } = props;
  const [open, setOpen] = useState<Open>(props.begin ?? "menu");
  const me = account.value!.userId;
  const mine = message.reactions.find((reaction) => reaction.user === me)?.emoji;
  const isText = message.content.kind === "text";
  const accepted = message.seq > 0;
  const react = (emoji: string) => {
    onClose();
    void attempt((client) => client.messages.react(chat.id, message.id, emoji === mine ? "" : emoji));
  };
  const remove = (forEveryone: boolean) => {
    onClose();
    void attempt((client) => client.messages.remove(chat.id, message.id, forEveryone));
  };
  const show = (what: Open) => () => setOpen(what);

  const canWrite = !chat.left && !chat.blocked && !chat.request;
  const items: (MenuItem | false | undefined)[] = [
    isText && canWrite && { icon: "reply", label: "Reply", onClick: props.onReply },
    isText && { icon: "copy", label: "Copy", onClick: () => message.content.kind === "text" && void navigator.clipboard.writeText(message.content.text).then(() => toast("Copied"), failed) },
    isText && { icon: "forward", label: "Forward", stays: true, onClick: show("forward") },
    isText && message.own && accepted && canWrite && { icon: "edit", label: "Edit", onClick: props.onEdit },
    message.own && accepted && chat.kind === "group" && { icon: "info", label: "Message info", stays: true, onClick: show("info") },
    message.state === "failed" && { icon: "retry", label: "Try again", onClick: () => void attempt((client) => client.messages.retry(chat.id, message.id)) },
    { icon: "trash", label: "Delete", danger: true, stays: true, onClick: show("delete") },
  ];
  switch (open) {
    case "menu":
      return (
        <Menu label="Actions for this message" at={props.at} items={items.filter((item) => !!item)} onClose={onClose}>
          {isText && accepted && canWrite && (
            <li role="none" class="flex-row! flex-nowrap items-center border-b border-base-300 pb-1">
              {kQuick.map((emoji) => (
                <button key={emoji} role="menuitem" class={`px-1.5! text-xl ${emoji === mine ? "bg-accent" : ""}`} aria-label={`React with ${emoji}`} onClick={() => react(emoji)}>
                  {emoji}
                </button>
              ))}
              <button role="menuitem" class="px-1.5!" aria-label="React with another emoji" onClick={show("emoji")}>
                <Icon name="add" class="size-4" />
              </button>
            </li>
          )}
        </Menu>
      );
    case "emoji":
      return (
        <Sheet title="React" onClose={onClose}>
          <Later>
            <EmojiPicker onPick={react} />
          </Later>
        </Sheet>
      );
    case "forward":
      return message.content.kind === "text" ? <ForwardSheet text={message.content.text} onClose={onClose} /> : null;
    case "reactions":
      return (
        <Sheet title="Reactions" onClose={onClose}>
          {message.reactions.map(({ user, emoji, at }) => (
            <p key={user} class="flex items-center gap-3">
              <Avatar id={`u${user}`} name={nameOf(user)} size="sm" />
              <span class="grow">{user === me ? "You" : nameOf(user)}</span>
              <span class="text-xs text-soft">{timeText(at)}</span>
              <span class="text-2xl">{emoji}</span>
            </p>
          ))}
          {mine && (
            <button class="btn" onClick={() => react(mine)}>
              Take mine back
            </button>
          )}
        </Sheet>
      );
    case "info":
      return (
        <Sheet title="Message info" onClose={onClose}>
          <Receipts message={message} />
        </Sheet>
      );
    case "delete":
      return (
        <Sheet title="Delete this message?" onClose={onClose}>
          {accepted && message.content.kind !== "removed" && (message.own || (chat.kind === "group" && chat.role !== "member" && chat.role)) && (
            <button class="btn btn-error" onClick={() => remove(true)}>
              Delete for everyone
            </button>
          )}
          <button class="btn" onClick={() => remove(false)}>
            Delete for me
          </button>
        </Sheet>
      );
  }
}

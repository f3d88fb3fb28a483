// A chat: its head, its messages, and where one writes.
import type { Chat, ChatId, Message, MessageId } from "@godwit/client";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Bubble, type BubbleActions } from "../components/Bubble";
import { ChatHeader } from "../components/ChatHeader";
import { ChatSearch } from "../components/ChatSearch";
import { Composer, type Target } from "../components/Composer";
import { Missing } from "../components/Header";
import { Icon } from "../components/Icon";
import { DayLine, Line, UnreadLine } from "../components/Line";
import { MessageMenu } from "../components/MessageMenu";
import { TypingLine } from "../components/TypingLine";
import { VirtualList, type VirtualHandle } from "../components/VirtualList";
import { Foot } from "../components/ChatFoot";
import { previewText } from "../lib/content";
import { dayText } from "../lib/format";
import { go, replace, route } from "../lib/route";
import { estimate, firstUnread, rowsOf, type Row } from "../lib/rows";
import { chatOf, loaded, putChat, titleOf } from "../state/chats";
import { client } from "../state/client";
import { Conversation } from "../state/conversation";
import { nameOf, nameOrYou } from "../state/profiles";
import { toast } from "../state/toasts";

const kMarked = 2000; // ms that a message is marked which one has jumped to

/** Tells what has been read: what was in view, while the page is looked at. */
function useReading(chat: Chat | undefined) {
  const seen = useRef<Message | undefined>(undefined);
  const told = useRef(0);
  const tell = () => {
    const message = seen.current;
    if (!chat || chat.request || !message?.seq || message.seq <= told.current || document.hidden || !document.hasFocus()) return;
    if (!chat.unread && !chat.markedUnread) return;
    told.current = message.seq;
    void client().chats.markRead(chat.id, message.id).catch(() => (told.current = 0));
  };
  useEffect(() => {
    addEventListener("focus", tell);
    return () => removeEventListener("focus", tell);
  });
  useEffect(tell, [chat?.unread, chat?.markedUnread]);
  return (row: Row) => {
    if (row.kind !== "message" || (seen.current && seen.current.seq > row.message.seq)) return;
    seen.current = row.message;
    tell();
  };
}

/** Says the newest message of somebody else for those who listen to the screen. */
function Announcer({ message }: { message: Message | undefined }) {
  const first = useRef(message?.id);
  const text = message && !message.own && message.id !== first.current ? `${nameOf(message.from)}: ${previewText(message.content, nameOrYou, message.from)}` : "";
  return (
    <p class="sr-only" aria-live="polite">
      {text}
    </p>
  );
}

function Open({ chat, conversation }: { chat: Chat; conversation: Conversation }) {
  const [target, setTarget] = useState<Target>();
  const [menu, setMenu] = useState<{ message: Message; at: { x: number; y: number }; begin?: "menu" | "reactions" }>();
  const [marked, setMarked] = useState<MessageId>();
  const [searching, setSearching] = useState(false);
  const [away, setAway] = useState(false);
  const list = useRef<VirtualHandle>(null);
  const messages = conversation.messages.value;
  const unread = useRef<MessageId | undefined>(undefined);
  const began = useRef(false);
  if (!began.current && messages.length) {
    began.current = true;
    unread.current = firstUnread(messages, chat.unread);
  }
  const rows = useMemo(() => rowsOf(messages, unread.current), [messages]);
  const onSeen = useReading(chat);

  const jump = async (id: MessageId) => {
    if (!(await conversation.reach(id))) return toast("That message is not on this device.");
    setMarked(id);
    setTimeout(() => setMarked(undefined), kMarked);
    // After the list has taken the rows in.
    requestAnimationFrame(() => requestAnimationFrame(() => list.current?.show(id)));
  };
  // #/chat/ID/at/MESSAGE comes from a search.
  const at = route.value[2] === "at" ? route.value[3] : undefined;
  const ready = !conversation.loading.value;
  useEffect(() => {
    if (!at || !ready) return;
    replace("chat", chat.id);
    void jump(at);
  }, [at, ready]);
  // One begins to read where one has stopped.
  useEffect(() => {
    if (began.current && unread.current && !at) list.current?.show("unread");
  }, [began.current]);

  // Whatever brought one to the end of what is at hand: a scroll, a jump, or that something else was being loaded then.
  useEffect(() => {
    if (!away && !conversation.newest.value) void conversation.newer();
  }, [away, messages, conversation.newest.value]);

  const toEnd = async () => {
    if (!conversation.newest.value) await conversation.toNewest();
    list.current?.toEnd();
  };
  const actions = useMemo<BubbleActions>(
    () => ({
      menu: (message, at) => setMenu({ message, at }),
      reply: (message) => message.content.kind === "text" && setTarget({ kind: "reply", message }),
      jump: (id) => void jump(id),
      reactions: (message) => setMenu({ message, at: { x: 0, y: 0 }, begin: "reactions" }),
    }),
    [conversation],
  );
  const editLast = () => {
    const message = messages.findLast((one) => one.own && one.seq && one.content.kind === "text");
    if (message) setTarget({ kind: "edit", message });
  };
  const group = chat.kind === "group";
  const draw = (row: Row) => {
    if (row.kind === "day") return <DayLine text={dayText(row.at)} />;
    if (row.kind === "unread") return <UnreadLine />;
    const { message } = row;
    if (["group", "timer", "security", "call"].includes(message.content.kind)) return <Line message={message} />;
    return <Bubble message={message} group={group} first={row.first} last={row.last} marked={marked === message.id} actions={actions} />;
  };
  const render = useCallback(draw, [actions, group, marked]);
  return (
    <div class="flex h-full flex-col">
      <ChatHeader chat={chat} onSearch={() => setSearching(!searching)} />
      {searching && <ChatSearch chat={chat.id} onOpen={(id) => void jump(id)} onClose={() => setSearching(false)} />}
      <div class="chat-ground relative flex min-h-0 grow flex-col">
        {conversation.loading.value && !messages.length && <span class="loading loading-dots m-auto" role="status" aria-label="Loading" />}
        <VirtualList
          class="grow"
          label={`Messages with ${titleOf(chat)}`}
          role="log"
          end
          partial={!conversation.newest.value}
          rows={rows}
          estimate={estimate}
          render={render}
          handle={list}
          onStart={() => void conversation.older()}
          onEnd={(end) => setAway(!end)}
          onSeen={onSeen}
        />
        <TypingLine chat={chat} />
        {(away || !conversation.newest.value) && (
          <button class="btn btn-circle absolute right-5 bottom-4 border-base-300 bg-base-100 shadow-lg" aria-label="To the newest message" onClick={() => void toEnd()}>
            <Icon name="down" />
            {chat.unread > 0 && <span class="badge badge-primary badge-sm absolute -top-2">{chat.unread}</span>}
          </button>
        )}
      </div>
      <Announcer message={messages.at(-1)} />
      <Foot chat={chat}>
        <Composer chat={chat} target={target} onDone={() => setTarget(undefined)} onEditLast={editLast} />
      </Foot>
      {menu && (
        <MessageMenu
          {...menu}
          message={messages.find((message) => message.id === menu.message.id) ?? menu.message}
          chat={chat}
          onReply={() => setTarget({ kind: "reply", message: menu.message })}
          onEdit={() => setTarget({ kind: "edit", message: menu.message })}
          onClose={() => setMenu(undefined)}
        />
      )}
    </div>
  );
}

export function ChatScreen({ id }: { id: ChatId }) {
  const [conversation, setConversation] = useState<Conversation>();
  const chat = chatOf(id);
  useEffect(() => {
    const opened = new Conversation(id);
    setConversation(opened);
    // A link leads to a chat that is not in the list yet.
    if (!chatOf(id)) void client().chats.get(id).then((found) => found && putChat(found), () => {});
    return () => opened.close();
  }, [id]);
  if (!chat || !conversation) return <Missing text={loaded.value && !chat ? "This chat is not on this device." : ""} onBack={() => go()} />;
  return <Open chat={chat} conversation={conversation} />;
}

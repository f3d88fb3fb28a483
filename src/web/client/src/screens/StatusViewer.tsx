// Shows the statuses of somebody, one after another. Keys: left and right, Escape.
import { GodwitError, type StatusContent, type StatusPost, type UserId } from "@godwit/client";
import { useEffect, useState } from "preact/hooks";
import { Avatar } from "../components/Avatar";
import { Missing } from "../components/Header";
import { Icon, IconButton } from "../components/Icon";
import { Sheet } from "../components/Sheet";
import { errorText } from "../lib/errors";
import { momentText } from "../lib/format";
import { go } from "../lib/route";
import { groundOf } from "../lib/status-colors";
import { account, attempt, client } from "../state/client";
import { nameOf } from "../state/profiles";
import { authors, own, refresh, seen } from "../state/statuses";
import { failed } from "../state/toasts";

const kTryAgain = 1000; // ms

function Reply({ post }: { post: StatusPost }) {
  const [text, setText] = useState("");
  const send = (event: Event) => {
    event.preventDefault();
    void attempt((client) => client.statuses.reply(post.author, post.id, text.trim()), "Sent");
    setText("");
  };
  return (
    <form class="flex gap-2" onSubmit={send}>
      <input class="input grow border-white/40 bg-black/30 text-white placeholder:text-white/80" placeholder={`Reply to ${nameOf(post.author)}`} aria-label="Reply" value={text} onInput={(event) => setText(event.currentTarget.value)} />
      <button class="btn btn-circle" aria-label="Send" disabled={!text.trim()}>
        <Icon name="send" />
      </button>
    </form>
  );
}

function Views({ id, onClose }: { id: string; onClose: () => void }) {
  const [views, setViews] = useState<{ user: UserId; at: number }[]>();
  useEffect(() => void client().statuses.views(id).then(setViews, failed), [id]);
  return (
    <Sheet title="Seen by" onClose={onClose}>
      {views?.length === 0 && <p class="text-soft">Nobody yet.</p>}
      {views?.map(({ user, at }) => (
        <p key={user} class="flex items-center gap-3">
          <Avatar id={`u${user}`} name={nameOf(user)} size="sm" /> <span class="grow">{nameOf(user)}</span>
          <span class="text-sm text-soft">{momentText(at)}</span>
        </p>
      ))}
    </Sheet>
  );
}

export function StatusViewer({ author }: { author: UserId }) {
  const mine = author === account.value!.userId;
  const group = authors.value.find((one) => one.user === author);
  const posts: readonly StatusPost[] = mine ? own.value : (group?.posts ?? []);
  const [index, setIndex] = useState<number>();
  const [content, setContent] = useState<StatusContent>();
  const [problem, setProblem] = useState("");
  const [viewing, setViewing] = useState(false);

  // Begins with the first that was not seen.
  const at = Math.min(index ?? Math.max(0, posts.findIndex((post) => !post.seen)), posts.length - 1);
  const post = posts[at];
  useEffect(() => {
    setContent(undefined);
    setProblem("");
    if (!post) return;
    if (index === undefined) setIndex(at);
    let ended = false;
    let again: ReturnType<typeof setTimeout> | undefined;
    const open = async () => {
      try {
        const found = await client().statuses.open(post.author, post.id);
        if (ended) return;
        setContent(found);
        setProblem("");
        if (!mine) await seen(post).catch(failed);
      } catch (error) {
        if (ended) return;
        setProblem(errorText(error));
        if (error instanceof GodwitError && error.code === "status_not_found") void refresh();
        // Its key comes in a message of its own, which may be later.
        if (error instanceof GodwitError && error.code === "unreadable") again = setTimeout(() => void open(), kTryAgain);
      }
    };
    void open();
    return () => {
      ended = true;
      clearTimeout(again);
    };
  }, [post?.id]);
  const step = (by: number) => (at + by >= 0 && at + by < posts.length ? setIndex(at + by) : by > 0 && go("status"));
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.target instanceof HTMLInputElement) return;
      if (event.key === "ArrowRight") step(1);
      else if (event.key === "ArrowLeft") step(-1);
      else if (event.key === "Escape") go("status");
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });
  if (!post) return <Missing text="There is no status any more." onBack={() => go("status")} />;
  const remove = async () => {
    await attempt((client) => client.statuses.remove(post.id), "Removed");
    await refresh();
    if (!own.value.length) go("status");
  };
  return (
    <section class={`flex h-full flex-col gap-4 p-4 text-white ${groundOf(content?.background)}`} aria-label={`Status of ${mine ? "yourself" : nameOf(author)}`}>
      <div class="flex gap-1" aria-hidden="true">
        {posts.map((one, i) => (
          <span key={one.id} class={`h-1 grow rounded-full ${i <= at ? "bg-white" : "bg-white/30"}`} />
        ))}
      </div>
      <header class="flex items-center gap-3">
        <IconButton icon="back" label="Back" class="text-white hover:text-base-content" onClick={() => go("status")} />
        <Avatar id={`u${author}`} name={nameOf(author)} size="sm" />
        <h1 class="grow leading-tight font-semibold">
          {mine ? "My status" : nameOf(author)}
          <span class="block text-sm font-normal">{momentText(post.at)}</span>
        </h1>
        {mine ? (
          <IconButton icon="trash" label="Remove this status" class="text-white hover:text-base-content" onClick={() => void remove()} />
        ) : (
          <IconButton icon={group?.muted ? "bell" : "bellOff"} label={group?.muted ? "Unmute" : `Mute ${nameOf(author)}`} class="text-white hover:text-base-content" onClick={() => void attempt((client) => client.statuses.mute(author, !group?.muted)).then(refresh)} />
        )}
      </header>
      <div class="relative grid min-h-0 grow place-items-center overflow-y-auto px-12">
        <p class="max-w-xl text-center text-3xl font-medium wrap-anywhere whitespace-pre-wrap" aria-live="polite">
          {problem || content?.text || "…"}
        </p>
        {at > 0 && <IconButton icon="back" label="The one before" class="absolute top-1/2 left-0 text-white hover:text-base-content" onClick={() => step(-1)} />}
        {at < posts.length - 1 && <IconButton icon="back" label="The next" class="absolute top-1/2 right-0 rotate-180 text-white hover:text-base-content" onClick={() => step(1)} />}
      </div>
      {mine ? (
        <button class="btn self-center" onClick={() => setViewing(true)}>
          Seen by {own.value.find((one) => one.id === post.id)?.views ?? 0}
        </button>
      ) : (
        <Reply key={post.id} post={post} />
      )}
      {viewing && <Views id={post.id} onClose={() => setViewing(false)} />}
    </section>
  );
}

// The call that goes on: over everything, or a card while one looks at something else; and what rings.
import type { Call } from "@godwit/client";
import { useEffect, useState } from "preact/hooks";
import { CallTile } from "../components/CallTile";
import { kHangUp, kPlain, Round } from "../components/CallButton";
import { Icon } from "../components/Icon";
import { MediaChoice } from "../components/MediaChoice";
import { Sheet } from "../components/Sheet";
import { takeFocus, useFocusBack } from "../lib/focus";
import { durationText } from "../lib/format";
import { call, changeMedia, end, minimized, ringing } from "../state/calls";
import { chatOf, titleOfId } from "../state/chats";
import { client } from "../state/client";
import { nameOf } from "../state/profiles";
import { IncomingCall } from "./IncomingCall";

const kEnds: Record<string, string> = {
  busy: "Busy",
  cancelled: "No answer",
  elsewhere: "Answered on another device",
  ended: "Call ended",
  failed: "The call failed",
  lost: "The connection was lost",
  missed: "No answer",
  rejected: "Declined",
};

function useSeconds(since: number | undefined): number {
  const [, tick] = useState(0);
  useEffect(() => {
    if (!since) return;
    const timer = setInterval(() => tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, [since]);
  return since ? (Date.now() - since) / 1000 : 0;
}

const titleOf = (of: Call): string => titleOfId(of.chat) ?? (of.participants[0] ? nameOf(of.participants[0].user) : "Call");

const isGroup = (of: Call): boolean => chatOf(of.chat)?.kind === "group";

function PhaseText({ of }: { of: Call }) {
  const seconds = useSeconds(of.phase === "active" ? of.startedAt : undefined);
  switch (of.phase) {
    case "calling":
      return <>Calling…</>;
    case "ringing":
      return <>Ringing…</>;
    case "connecting":
      return <>Connecting…</>;
    case "active":
      return <>{of.participants.length || !isGroup(of) ? durationText(seconds) : "Waiting for others…"}</>;
    case "reconnecting":
      return <>Connecting again…</>;
    case "ended":
      return <>{kEnds[of.endReason ?? "ended"] ?? "Call ended"}</>;
  }
}

function Full({ of }: { of: Call }) {
  const [choosing, setChoosing] = useState(false);
  const { calls } = client();
  const over = of.phase === "ended";
  const count = of.participants.length;
  const columns = count > 4 ? "grid-cols-2 sm:grid-cols-3" : count > 2 ? "grid-cols-2" : count > 1 ? "sm:grid-cols-2" : "";
  useFocusBack();
  return (
    <section ref={takeFocus} tabIndex={-1} class="fixed inset-0 z-40 flex flex-col bg-[#101516] text-white" aria-label={`Call with ${titleOf(of)}`} data-phase={of.phase}>
      <header class="flex items-center gap-3 p-4">
        <button class={`btn btn-circle border-0 ${kPlain}`} aria-label="Make the call small" onClick={() => (minimized.value = true)}>
          <Icon name="down" />
        </button>
        <div>
          <h2 class="font-semibold">{titleOf(of)}</h2>
          <p class="text-sm" role="status">
            <PhaseText of={of} />
          </p>
        </div>
      </header>
      <div class={`relative grid min-h-0 grow gap-2 p-2 ${columns}`}>
        {count ? of.participants.map((one) => <CallTile key={`${one.user} ${one.device}`} id={`u${one.user}`} name={nameOf(one.user)} stream={one.stream} video={of.video} />) : <CallTile id={of.chat} name={titleOf(of)} group={isGroup(of)} video={false} />}
        {of.video && of.localStream && !over && (
          <div class="absolute right-4 bottom-4 aspect-[3/4] w-28 overflow-hidden rounded-box border-2 border-white/30 sm:w-40">
            <CallTile id="self" name="You" stream={of.localStream} video={!of.cameraOff} self />
          </div>
        )}
      </div>
      {!over && (
        <footer class="flex items-center justify-center gap-4 p-6 pb-[max(1.5rem,env(safe-area-inset-bottom))]">
          <Round icon={of.muted ? "micOff" : "mic"} label="Mute" pressed={of.muted} look={of.muted ? "bg-white text-black" : kPlain} onClick={() => calls.setMuted(of.id, !of.muted)} />
          {of.video && <Round icon={of.cameraOff ? "cameraOff" : "camera"} label="Camera off" pressed={of.cameraOff} look={of.cameraOff ? "bg-white text-black" : kPlain} onClick={() => calls.setCameraOff(of.id, !of.cameraOff)} />}
          <Round icon="settings" label="Camera and microphone" look={kPlain} onClick={() => setChoosing(true)} />
          <Round icon="phone" turned label="Hang up" look={kHangUp} onClick={() => void end(of)} />
        </footer>
      )}
      {choosing && (
        <Sheet title="Camera and microphone" onClose={() => setChoosing(false)}>
          <div class="text-base-content">
            <MediaChoice onChange={() => void changeMedia(of)} />
          </div>
        </Sheet>
      )}
    </section>
  );
}

function Small({ of }: { of: Call }) {
  return (
    <section class="fixed top-20 right-4 z-40 flex items-center gap-3 rounded-box bg-[#101516] p-3 pr-4 text-white shadow-2xl" aria-label={`Call with ${titleOf(of)}`}>
      {/* The sound goes on. */}
      <div class="size-12 overflow-hidden rounded-full">
        {of.participants.length ? of.participants.map((one) => <CallTile key={`${one.user} ${one.device}`} id={`u${one.user}`} name={nameOf(one.user)} stream={one.stream} video={of.video} small />) : <CallTile id={of.chat} name={titleOf(of)} group={isGroup(of)} video={false} small />}
      </div>
      <button class="text-left" onClick={() => (minimized.value = false)}>
        <b class="block">{titleOf(of)}</b>
        <span class="text-sm">
          <PhaseText of={of} />
        </span>
      </button>
      <button class={`btn btn-circle border-0 ${kHangUp}`} aria-label="Hang up" onClick={() => void end(of)}>
        <Icon name="phone" class="size-5 rotate-135" />
      </button>
    </section>
  );
}

export function CallOverlay() {
  const now = call.value;
  const [rings] = ringing.value;
  return (
    <>
      {now && (minimized.value ? <Small of={now} /> : <Full of={now} />)}
      {rings && <IncomingCall key={rings.id} call={rings} />}
    </>
  );
}

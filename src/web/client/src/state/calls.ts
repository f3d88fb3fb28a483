// Calls that ring or go on. One at a time is on the screen.
import type { Call, ChatId } from "@godwit/client";
import { signal } from "@preact/signals";
import { attempt, client, onClient } from "./client";
import { preferences } from "./preferences";

const kEndShown = 2500; // ms that a call is shown after its end

export const call = signal<Call | undefined>(undefined);
/** The call is a small card; the rest of the application can be used. */
export const minimized = signal(false);

/** The camera and the microphone that the user chose, or any when those are gone. */
export async function media(video: boolean): Promise<MediaStream> {
  const { camera, microphone } = preferences.value;
  return navigator.mediaDevices.getUserMedia({
    audio: microphone ? { deviceId: { ideal: microphone } } : true,
    video: video && (camera ? { deviceId: { ideal: camera } } : { facingMode: "user" }),
  });
}

const isFree = () => !call.value || call.value.phase === "ended";

function stop(stream: MediaStream | undefined): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

export async function begin(chat: ChatId, video: boolean): Promise<void> {
  if (!isFree()) return;
  await attempt(async (client) => {
    const stream = await media(video);
    try {
      call.value = await client.calls.start(chat, { video, stream });
      minimized.value = false;
    } catch (error) {
      stop(stream);
      throw error;
    }
  });
}

export async function answer(ringing: Call, video: boolean): Promise<void> {
  await attempt(async (client) => {
    const stream = await media(video);
    try {
      call.value = await client.calls.answer(ringing.id, { stream });
    } catch (error) {
      stop(stream);
      throw error;
    }
  });
}

/** Another camera or microphone in the middle of a call. */
export async function changeMedia(of: Call): Promise<void> {
  await attempt(async (client) => {
    const before = of.localStream;
    const stream = await media(of.video);
    await client.calls.setStream(of.id, stream);
    stop(before);
  });
}

export const incoming = (of: Call): boolean => !of.outgoing && of.phase === "ringing";

onClient((sdk) => {
  call.value = undefined;
  const show = (changed: Call) => {
    if (!isFree() && call.value?.id !== changed.id) return;
    // An end is told once; a late word about a call that is not on the screen is none of a new call.
    if (changed.phase === "ended" && call.value?.id !== changed.id) return;
    call.value = { ...changed };
    if (changed.phase !== "ended") return;
    stop(changed.localStream);
    setTimeout(() => {
      if (call.value?.id === changed.id) call.value = undefined;
    }, kEndShown);
  };
  sdk.on("call", (offered) => {
    minimized.value = false;
    show(offered);
  });
  sdk.on("callChanged", show);
});

/** Ends what is on the screen, whatever it is: refuses, cancels, leaves. */
export async function end(of: Call): Promise<void> {
  await attempt(() => (incoming(of) ? client().calls.reject(of.id) : client().calls.hangUp(of.id)));
}

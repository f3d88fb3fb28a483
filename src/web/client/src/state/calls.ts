// The call that the user takes part in, one at a time, and those that ring meanwhile.
import { GodwitError, type Call, type ChatId } from "@godwit/client";
import { computed, effect, signal } from "@preact/signals";
import { ring } from "../lib/ring";
import { chatOf, isMuted } from "./chats";
import { attempt, onClient } from "./client";
import { preferences } from "./preferences";

const kEndShown = 2500; // ms that a call is shown after its end

/** The call on the screen: going on, or over a moment ago. */
export const call = signal<Call | undefined>(undefined);
/** Calls of others that wait for an answer, the oldest first. */
export const ringing = signal<readonly Call[]>([]);
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

/** Calls, or joins the call of a group. */
export async function begin(chat: ChatId, video: boolean): Promise<void> {
  if (!isFree() && call.value!.chat === chat) return void (minimized.value = false);
  await attempt(async (client) => {
    if (!isFree()) throw new GodwitError("call_exists", "there is a call on the screen");
    await enter(await media(video), (stream) => client.calls.start(chat, { video, stream }));
  });
}

/** Answers a call that rings; one that goes on ends. */
export async function answer(rings: Call, video: boolean): Promise<void> {
  await attempt(async (client) => {
    const stream = await media(video);
    if (!isFree()) await client.calls.hangUp(call.value!.id);
    await enter(stream, (stream) => client.calls.answer(rings.id, { stream }));
  });
}

async function enter(stream: MediaStream, entering: (stream: MediaStream) => Promise<Call>): Promise<void> {
  try {
    call.value = await entering(stream);
    minimized.value = false;
  } catch (error) {
    stop(stream);
    throw error;
  }
}

export const decline = (rings: Call): Promise<void> => attempt((client) => client.calls.reject(rings.id)).then(() => ignore(rings));

/** It rings on, at the caller and at other devices, but not here. */
export function ignore(rings: Call): void {
  ringing.value = ringing.value.filter((other) => other.id !== rings.id);
}

/** Ends the call on the screen, or leaves it. */
export const end = (of: Call): Promise<void> => attempt((client) => client.calls.hangUp(of.id));

/** Another camera or microphone in the middle of a call. */
export async function changeMedia(of: Call): Promise<void> {
  await attempt(async (client) => {
    const before = of.localStream;
    const stream = await media(of.video);
    await client.calls.setStream(of.id, stream);
    stop(before);
  });
}

const incoming = (of: Call): boolean => !of.outgoing && of.phase === "ringing";

/** Whoever has muted a group is not rung for its calls. */
export function rings(offered: Call): boolean {
  const chat = chatOf(offered.chat);
  return chat?.kind !== "group" || !isMuted(chat);
}

onClient((sdk) => {
  call.value = undefined;
  ringing.value = [];
  sdk.on("call", (offered) => {
    if (rings(offered)) ringing.value = [...ringing.value, offered];
  });
  sdk.on("callChanged", (changed) => {
    if (incoming(changed)) return;
    ignore(changed); // answered, or over
    if (!isFree() && call.value?.id !== changed.id) return;
    // An end is told once; a late word about a call that is not on the screen is none of a new call.
    if (changed.phase === "ended" && call.value?.id !== changed.id) return;
    call.value = { ...changed };
    if (changed.phase !== "ended") return;
    stop(changed.localStream);
    setTimeout(() => {
      if (call.value?.id === changed.id) call.value = undefined;
    }, kEndShown);
  });
});

const sounds = computed(() => ringing.value.length > 0 && preferences.value.ringSound);
effect(() => (sounds.value ? ring() : undefined));

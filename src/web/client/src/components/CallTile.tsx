// One side of a call: its picture, or its avatar while there is none. The sound is played in any case.
import { useEffect, useRef } from "preact/hooks";
import { Avatar } from "./Avatar";

export function CallTile(props: { id: string; name: string; stream?: MediaStream; video: boolean; group?: boolean; self?: boolean; small?: boolean }) {
  const element = useRef<HTMLVideoElement>(null);
  const { stream } = props;
  useEffect(() => {
    const video = element.current!;
    if (video.srcObject === (stream ?? null)) return;
    video.srcObject = stream ?? null;
    // Refused until the user has clicked somewhere; answering or calling is a click.
    if (stream) void video.play().catch((error) => console.info("media waits", error));
  }, [stream]);
  const pictured = props.video && stream?.getVideoTracks().some((track) => track.readyState === "live");
  return (
    <div class="relative grid size-full min-h-0 place-items-center overflow-hidden rounded-box bg-[#1d2527]">
      <video ref={element} autoPlay playsInline muted={props.self} class={`absolute inset-0 size-full ${props.self ? "-scale-x-100 object-cover" : "object-contain"} ${pictured ? "" : "opacity-0"}`} aria-label={props.self ? "Your camera" : `Video of ${props.name}`} />
      {!pictured && <Avatar id={props.id} name={props.name} group={props.group} size={props.self || props.small ? "md" : "xl"} />}
      {!props.self && !props.small && <span class="absolute bottom-3 left-3 rounded-full bg-black/50 px-3 py-1 text-sm">{props.name}</span>}
    </div>
  );
}

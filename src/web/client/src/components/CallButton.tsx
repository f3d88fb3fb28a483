// The round buttons of calls.
import { Icon, type IconName } from "./Icon";

export const kHangUp = "bg-[#c4302b] text-white hover:bg-[#a82621]";
export const kAnswer = "bg-[#176b3a] text-white hover:bg-[#125a30]";
export const kPlain = "bg-white/15 text-white hover:bg-white/25";

export function Round(props: { icon: IconName; label: string; onClick: () => void; look: string; pressed?: boolean; turned?: boolean }) {
  return (
    <button class={`btn btn-circle size-16 border-0 ${props.look}`} aria-label={props.label} title={props.label} aria-pressed={props.pressed} onClick={props.onClick}>
      <Icon name={props.icon} class={`size-7 ${props.turned ? "rotate-135" : ""}`} />
    </button>
  );
}

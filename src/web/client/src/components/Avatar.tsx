// A person or a group as a picture, or as a colored circle with initials, a dot for who is there, and a ring for who has a status.
import { avatarColor } from "../lib/color";
import { initials } from "../lib/format";
import { pictureUrl } from "../lib/picture";
import { profile } from "../state/profiles";
import { Icon } from "./Icon";

const kSizes = { sm: "size-9 text-sm", md: "size-12 text-base", lg: "size-24 text-3xl", xl: "size-32 text-4xl" };

export function Avatar(props: {
  id: string;
  name: string;
  group?: boolean;
  size?: keyof typeof kSizes;
  online?: boolean;
  ring?: "new" | "seen";
}) {
  const size = kSizes[props.size ?? "md"];
  const ring =
    props.ring === "new"
      ? "ring-2 ring-primary ring-offset-2 ring-offset-base-100"
      : props.ring === "seen"
        ? "ring-2 ring-base-300 ring-offset-2 ring-offset-base-100"
        : "";
  const picture = props.id.startsWith("u") ? pictureUrl(profile(props.id.slice(1)).avatar) : undefined;
  const letters = initials(props.name);
  return (
    <span class="relative inline-flex shrink-0" aria-hidden="true">
      {picture ? (
        <img src={picture} alt="" class={`${size} ${ring} rounded-full object-cover`} />
      ) : (
        <span class={`${size} ${avatarColor(props.id)} ${ring} grid place-items-center rounded-full font-semibold select-none`}>
          {props.group || !/\p{L}/u.test(letters) ? <Icon name={props.group ? "group" : "user"} class="size-1/2" /> : letters}
        </span>
      )}
      {props.online && (
        <span class="absolute right-0 bottom-0 size-3.5 rounded-full border-2 border-base-100 bg-[#1d9a52]" />
      )}
    </span>
  );
}

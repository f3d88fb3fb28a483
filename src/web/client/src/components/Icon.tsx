// Line drawings on a grid of 24. They are decoration: what has an icon alone carries an aria-label.

const kPaths = {
  add: "M12 5v14M5 12h14",
  archive: "M4 5h16v4H4zM6 9v10h12V9M10 13h4",
  back: "M15 5l-7 7 7 7",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 21h4",
  bellOff: "M6 16V11a6 6 0 0 1 9-5M18 11v5l2 2H8M10 21h4M4 4l16 16",
  block: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M6 6l12 12",
  camera: "M3 7h11v10H3zM14 11l7-4v10l-7-4",
  cameraOff: "M3 7h5M11 7h3v10H3V7M14 11l7-4v10l-5-3M3 3l18 18",
  chats: "M4 5h16v11H10l-4 4v-4H4zM8 9h8M8 12h5",
  check: "M5 12l5 5L19 7",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 7v5l3 2",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  devices: "M3 5h14v9H3zM2 18h11M16 10h5v10h-5z",
  down: "M6 9l6 6 6-6",
  edit: "M5 19h3L19 8l-3-3L5 16zM14 7l3 3",
  export: "M12 4v11M8 11l4 4 4-4M5 19h14",
  forward: "M13 7l5 5-5 5M18 12H6",
  group: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M3 20c0-4 2.5-6 6-6s6 2 6 6M16 4.5a3 3 0 0 1 0 6M18 14.5c2 .8 3 2.6 3 5.5",
  info: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 11v6M12 7.5v.1",
  leave: "M14 4H5v16h9M10 12h11M17 8l4 4-4 4",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  lock: "M6 11h12v9H6zM9 11V8a3 3 0 0 1 6 0v3",
  mic: "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3M6 11a6 6 0 0 0 12 0M12 17v4",
  micOff: "M9 9v2a3 3 0 0 0 5 2M15 11V6a3 3 0 0 0-6-1M6 11a6 6 0 0 0 9 5M12 17v4M4 4l16 16",
  more: "M12 5.5v.1M12 12v.1M12 18.5v.1",
  palette: "M12 3a9 9 0 0 0 0 18c2 0 2-2 1-3s0-3 2-3h3c2 0 3-1 3-3 0-5-4-9-9-9M8 10v.1M12 7.5v.1M16 10v.1",
  phone: "M5 4h4l2 5-3 2a12 12 0 0 0 5 5l2-3 5 2v4a1 1 0 0 1-1 1C11 20 4 13 4 5a1 1 0 0 1 1-1",
  pin: "M9 4h6l-1 6 4 4H6l4-4zM12 14v7",
  qr: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2v2M20 14v6h-6v-2M18 18v.1",
  reply: "M10 7l-5 5 5 5M5 12h8a6 6 0 0 1 6 6v1",
  retry: "M19 8a8 8 0 1 0 1 6M20 4v5h-5",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M15.5 15.5L20 20",
  send: "M4 12l16-8-6 16-3-6z",
  settings: "M4 7h9M17 7h3M15 4.5v5M4 17h3M11 17h9M9 14.5v5M4 12h16",
  shield: "M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6zM8.5 12l2.5 2.5 4.5-5",
  smile: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M8.5 14.5a4.5 4.5 0 0 0 7 0M9 9.5v.1M15 9.5v.1",
  status: "M12 4a8 8 0 0 1 7 4M20 12a8 8 0 0 1-4 7M12 20a8 8 0 0 1-7.5-5M4 11a8 8 0 0 1 4-6M12 9v6M9 12h6",
  timer: "M12 6a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15M9.5 2.5h5M12 10v4",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  unarchive: "M4 5h16v4H4zM6 9v10h12V9M12 17v-5M9.5 14l2.5-2.5 2.5 2.5",
  user: "M12 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4 21c0-4.5 3.5-7 8-7s8 2.5 8 7",
  userAdd: "M10 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8M3 21c0-4.5 3-7 7-7 1.5 0 3 .3 4 1M18 14v6M15 17h6",
  video: "M3 7h11v10H3zM14 11l7-4v10l-7-4",
  warning: "M12 4l9 16H3zM12 10v4M12 17v.1",
} as const;

export type IconName = keyof typeof kPaths;

export function Icon({ name, class: className = "size-5" }: { name: IconName; class?: string }) {
  return (
    <svg
      aria-hidden="true"
      viewBox="0 0 24 24"
      class={`shrink-0 ${className}`}
      fill="none"
      stroke="currentColor"
      stroke-width="1.8"
      stroke-linecap="round"
      stroke-linejoin="round"
    >
      <path d={kPaths[name]} />
    </svg>
  );
}

/** A button that is an icon. */
export function IconButton(props: {
  icon: IconName;
  label: string;
  onClick?: (event: MouseEvent) => void;
  class?: string;
  disabled?: boolean;
  pressed?: boolean;
  expanded?: boolean;
}) {
  return (
    <button
      type="button"
      class={`btn btn-ghost btn-circle ${props.class ?? ""}`}
      aria-label={props.label}
      title={props.label}
      aria-pressed={props.pressed}
      aria-expanded={props.expanded}
      disabled={props.disabled}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  );
}

// A menu at a button or a point: arrow keys move, Escape closes and gives the focus back to what opened it.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { Icon, type IconName } from "./Icon";

export interface MenuItem {
  icon: IconName;
  label: string;
  onClick: () => void;
  danger?: boolean;
  /** What it does takes the place of the menu, which is not closed. */
  stays?: boolean;
}

export function Menu(props: {
  label: string;
  items: MenuItem[];
  at: { x: number; y: number };
  onClose: () => void;
  /** Goes before the items; a <li>. */
  children?: ComponentChildren;
}) {
  const list = useRef<HTMLUListElement>(null);
  // A finger that is still down from the long press that opened the menu chooses nothing when it is lifted.
  const pressed = useRef(false);
  const buttons = () => [...(list.current?.querySelectorAll("button") ?? [])];

  // Kept inside the window.
  useLayoutEffect(() => {
    const box = list.current!;
    box.style.left = `${Math.max(8, Math.min(props.at.x, innerWidth - box.offsetWidth - 8))}px`;
    box.style.top = `${Math.max(8, Math.min(props.at.y, innerHeight - box.offsetHeight - 8))}px`;
  });
  useEffect(() => {
    const before = document.activeElement;
    buttons()[0]?.focus();
    return () => before instanceof HTMLElement && before.isConnected && before.focus();
  }, []);

  const onKeyDown = (event: KeyboardEvent) => {
    const all = buttons();
    const now = all.indexOf(document.activeElement as HTMLButtonElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) all[(now + step + all.length) % all.length]?.focus();
    else if (event.key === "Home") all[0]?.focus();
    else if (event.key === "End") all.at(-1)?.focus();
    else if (event.key === "Escape" || event.key === "Tab") props.onClose();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div
      class="fixed inset-0 z-50"
      onPointerDown={() => (pressed.current = true)}
      onClickCapture={(event) => {
        if (event.detail > 0 && !pressed.current) event.stopPropagation(); // 0: by the keyboard
      }}
      onClick={props.onClose}
      onContextMenu={(event) => {
        event.preventDefault();
        if (pressed.current) props.onClose();
      }}
    >
      <ul
        ref={list}
        role="menu"
        aria-label={props.label}
        class="menu rise absolute w-64 rounded-box border border-base-300 bg-base-100 p-2 shadow-xl"
        onKeyDown={onKeyDown}
        onClick={(event) => event.stopPropagation()}
      >
        {props.children}
        {props.items.map((item) => (
          <li role="none" key={item.label}>
            <button
              type="button"
              role="menuitem"
              class={`py-2.5 ${item.danger ? "text-error" : ""}`}
              onClick={() => {
                if (!item.stays) props.onClose();
                item.onClick();
              }}
            >
              <Icon name={item.icon} />
              {item.label}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

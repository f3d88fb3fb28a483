import { useLayoutEffect, useRef } from "preact/hooks";
import { dismiss, toasts } from "../state/toasts";
import { Icon, IconButton } from "./Icon";

export function Toasts() {
  const box = useRef<HTMLDivElement>(null);
  // A popover, raised with every note: an open sheet is in front of everything else.
  useLayoutEffect(() => {
    box.current?.hidePopover?.();
    if (toasts.value.length) box.current?.showPopover?.();
  }, [toasts.value]);
  return (
    <div ref={box} popover="manual" class="toast toast-center inset-y-auto! bottom-20! m-0 w-full max-w-md overflow-visible bg-transparent" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, kind }) => (
        <div key={id} class={`alert rise grid-cols-[auto_1fr_auto] text-left shadow-lg whitespace-normal ${kind === "error" ? "alert-error" : "bg-neutral text-neutral-content"}`}>
          <Icon name={kind === "error" ? "warning" : "check"} />
          <span>{text}</span>
          <IconButton icon="close" label="Dismiss" class="btn-xs text-current hover:bg-black/20" onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  );
}

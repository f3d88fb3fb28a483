// A modal sheet: the browser's own <dialog>, which keeps the focus inside, closes by Escape and gives the focus back.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { IconButton } from "./Icon";

export function Sheet(props: {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  wide?: boolean;
  /** Comes by itself: the focus goes to the sheet as a whole, so that what is being typed presses none of its buttons. */
  calm?: boolean;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    if (props.calm) dialog.current?.focus();
    return () => before instanceof HTMLElement && before.focus();
  }, []);
  const onBackdrop = (event: MouseEvent) => event.target === dialog.current && props.onClose();
  return (
    <dialog
      ref={dialog}
      class="modal modal-bottom sm:modal-middle"
      aria-label={props.title}
      tabIndex={-1}
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
      onClick={onBackdrop}
    >
      <div class={`modal-box flex max-h-[90dvh] flex-col gap-4 p-5 ${props.wide ? "sm:max-w-2xl" : "sm:max-w-md"}`}>
        <div class="flex items-center justify-between gap-2">
          <h2 class="text-lg font-semibold">{props.title}</h2>
          <IconButton icon="close" label="Close" class="btn-sm" onClick={props.onClose} />
        </div>
        <div class="-mx-5 flex min-h-0 flex-col gap-4 overflow-y-auto px-5 pb-1">{props.children}</div>
      </div>
    </dialog>
  );
}

import { dismiss, toasts } from "../state/toasts";
import { Icon, IconButton } from "./Icon";

export function Toasts() {
  return (
    <div class="toast toast-center toast-top z-[60] w-full max-w-md" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, kind }) => (
        <div key={id} class={`alert rise grid-cols-[auto_1fr_auto] text-left shadow-lg whitespace-normal ${kind === "error" ? "alert-error" : "bg-neutral text-neutral-content"}`}>
          <Icon name={kind === "error" ? "warning" : "check"} />
          <span>{text}</span>
          <IconButton icon="close" label="Dismiss" class="btn-xs" onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  );
}

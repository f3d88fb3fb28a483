import { Sheet } from "./Sheet";

/** Asks before something that cannot be taken back. */
export function Confirm(props: { title: string; text: string; action: string; onConfirm: () => void; onClose: () => void }) {
  return (
    <Sheet title={props.title} onClose={props.onClose}>
      <p>{props.text}</p>
      <div class="flex justify-end gap-3">
        <button class="btn" onClick={props.onClose}>
          Cancel
        </button>
        <button
          class="btn btn-error"
          onClick={() => {
            props.onClose();
            props.onConfirm();
          }}
        >
          {props.action}
        </button>
      </div>
    </Sheet>
  );
}

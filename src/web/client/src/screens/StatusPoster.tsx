// Writes a status.
import { useState } from "preact/hooks";
import { Sheet } from "../components/Sheet";
import { groundOf, kFirstGround, kGrounds } from "../lib/status-colors";
import { attempt } from "../state/client";
import { refresh } from "../state/statuses";

const kMax = 500; // characters

export function StatusPoster({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [background, setBackground] = useState(kFirstGround);
  const [busy, setBusy] = useState(false);
  const post = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    const posted = await attempt((client) => client.statuses.post({ text: text.trim(), background }), "Posted for a day");
    setBusy(false);
    if (!posted) return;
    void refresh();
    onClose();
  };
  return (
    <Sheet title="New status" onClose={onClose}>
      <form class="flex flex-col gap-4" onSubmit={post}>
        <textarea
          class={`aspect-square w-full resize-none rounded-box p-6 text-center text-2xl font-medium text-white placeholder:text-white/80 ${groundOf(background)}`}
          placeholder="What is new?"
          aria-label="Text of the status"
          maxLength={kMax}
          autoFocus
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <div class="flex justify-center gap-2" role="radiogroup" aria-label="Color">
          {Object.entries(kGrounds).map(([color, look], i) => (
            <button key={color} type="button" role="radio" aria-checked={color === background} aria-label={`Color ${i + 1}`} class={`size-9 rounded-full ${look} ${color === background ? "ring-2 ring-base-content ring-offset-2 ring-offset-base-100" : ""}`} onClick={() => setBackground(color)} />
          ))}
        </div>
        <button class="btn btn-primary" disabled={!text.trim() || busy}>
          Post to my contacts
        </button>
      </form>
    </Sheet>
  );
}

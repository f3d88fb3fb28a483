// Writes a status, for all contacts or some.
import { useState } from "preact/hooks";
import { Choice } from "../components/Header";
import { Sheet } from "../components/Sheet";
import { UserChecks, useContacts } from "../components/UserPicker";
import { groundOf, kFirstGround, kGrounds } from "../lib/status-colors";
import { attempt } from "../state/client";
import { refresh } from "../state/statuses";

const kMax = 500; // characters
const kAudiences = [
  ["settings", "As in Privacy"],
  ["except", "All but some"],
  ["only", "Only some"],
] as const;

export function StatusPoster({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [background, setBackground] = useState(kFirstGround);
  const [audience, setAudience] = useState<(typeof kAudiences)[number][0]>("settings");
  const [users, setUsers] = useState<string[]>([]);
  const contacts = useContacts();
  const [busy, setBusy] = useState(false);
  const audienceOf = () => (audience === "except" ? { except: users } : audience === "only" ? { only: users } : undefined);
  const post = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    const posted = await attempt((client) => client.statuses.post({ text: text.trim(), background }, audienceOf()), "Posted for a day");
    setBusy(false);
    if (!posted) return;
    void refresh();
    onClose();
  };
  return (
    <Sheet title="New status" onClose={onClose}>
      <form class="flex flex-col gap-4" onSubmit={post}>
        <textarea
          class={`aspect-3/2 w-full resize-none rounded-box p-6 text-center text-2xl font-medium text-white placeholder:text-white/80 ${groundOf(background)}`}
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
        <div>
          <Choice label="Which contacts see it" value={audience} options={kAudiences} onChange={setAudience} />
          {audience !== "settings" && (
            <ul class="flex max-h-48 flex-col overflow-y-auto" tabIndex={-1} aria-label={audience === "only" ? "Who sees it" : "Who does not see it"}>
              <UserChecks users={contacts} chosen={users} onChange={setUsers} />
              {!contacts.length && <li class="p-3 text-sm text-soft">You have no contacts yet.</li>}
            </ul>
          )}
        </div>
        <button class="btn btn-primary" disabled={!text.trim() || busy || (audience === "only" && !users.length)}>
          {audience === "settings" ? "Post to my contacts" : "Post"}
        </button>
      </form>
    </Sheet>
  );
}

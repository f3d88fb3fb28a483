// Makes a group.
import { useState } from "preact/hooks";
import { Header } from "../components/Header";
import { UserPicker } from "../components/UserPicker";
import { takeFocus } from "../lib/focus";
import { go } from "../lib/route";
import { attempt } from "../state/client";
import { nameOf } from "../state/profiles";
import { toast } from "../state/toasts";

export function NewGroup() {
  const [name, setName] = useState("");
  const [members, setMembers] = useState<string[]>([]);
  const [busy, setBusy] = useState(false);
  const make = async () => {
    setBusy(true);
    const made = await attempt((client) => client.groups.create({ name: name.trim(), members }));
    setBusy(false);
    if (!made) return;
    if (made.notAdded.length) toast(`${made.notAdded.map(nameOf).join(", ")} could not be added.`, "error");
    go("chat", made.chat);
  };
  return (
    <div class="flex min-h-0 grow flex-col">
      <Header title="New group" onBack={() => go()} />
      <div class="flex min-h-0 grow flex-col gap-4 overflow-y-auto px-4 pb-4">
        <label class="flex flex-col gap-1.5 text-sm font-medium">
          Name of the group
          <input class="input w-full" maxLength={100} value={name} ref={takeFocus} onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <UserPicker chosen={members} onChange={setMembers} />
        <button class="btn btn-primary" disabled={!name.trim() || busy} onClick={() => void make()}>
          {busy && <span class="loading loading-spinner loading-sm" />}
          {members.length ? `Make a group of ${members.length + 1}` : "Make group"}
        </button>
      </div>
    </div>
  );
}

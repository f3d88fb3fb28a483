// What concerns the whole account: its data, the audit of the server's keys, and its end.
import { useState } from "preact/hooks";
import { Confirm } from "../../components/Confirm";
import { Card, Page } from "../../components/Header";
import { Icon } from "../../components/Icon";
import { Sheet } from "../../components/Sheet";
import { account, attempt } from "../../state/client";
import { Action } from "../ChatInfo";

function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function Export() {
  const [bytes, setBytes] = useState<number>();
  const run = async () => {
    setBytes(0);
    const blob = await attempt((client) => client.settings.exportAccount(setBytes));
    if (blob) save(blob, `godwit-${account.value?.handle}.jsonl`);
    setBytes(undefined);
  };
  return (
    <Card title="Your data" note="Everything that the server holds of you, and everything on this device, as JSON lines.">
      <button class="btn" disabled={bytes !== undefined} onClick={() => void run()}>
        <Icon name="export" /> {bytes === undefined ? "Export" : `${Math.ceil(bytes / 1024)} KiB…`}
      </button>
    </Card>
  );
}

function Audit() {
  const [state, setState] = useState("");
  const run = async () => {
    setState("Reading the key log…");
    const result = await attempt((client) => client.safety.auditKeyLog((done, of) => setState(`${done} of ${of} entries…`)));
    setState(!result ? "" : result.ok ? `${result.entries} entries are consistent.` : `The log is not consistent: ${result.detail}`);
  };
  return (
    <Card title="Key log" note="The server keeps every change of keys in a log that it cannot rewrite unnoticed. Your device checks what it needs by itself; this reads all of it.">
      <div class="flex items-center gap-4">
        <button class="btn" onClick={() => void run()}>
          <Icon name="shield" /> Audit
        </button>
        <span role="status">{state}</span>
      </div>
    </Card>
  );
}

function DeleteAccount({ onClose }: { onClose: () => void }) {
  const [typed, setTyped] = useState("");
  const { handle } = account.value!;
  const remove = (event: Event) => {
    event.preventDefault();
    onClose();
    void attempt((client) => client.settings.deleteAccount());
  };
  return (
    <Sheet title="Delete the account?" onClose={onClose}>
      <p>All your devices are signed out, and everything on this one is removed. Others keep what you wrote to them. This cannot be taken back.</p>
      <form class="flex flex-col gap-3" onSubmit={remove}>
        <label class="flex flex-col gap-1 text-sm">
          Type your user name, {handle}
          <input class="input w-full" autoComplete="off" autoCapitalize="none" value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
        </label>
        <button class="btn btn-error" disabled={typed.trim() !== handle}>
          Delete for good
        </button>
      </form>
    </Sheet>
  );
}

export function AccountPage() {
  const [asking, setAsking] = useState<"signOut" | "delete">();
  return (
    <Page title="Account and data">
      <Export />
      <Audit />
      <Card>
        <Action icon="leave" label="Sign out on this device" danger onClick={() => setAsking("signOut")} />
        <Action icon="trash" label="Delete the account" danger onClick={() => setAsking("delete")} />
      </Card>
      {asking === "signOut" && <Confirm title="Sign out?" text="Everything on this device is removed. If it is your only device, you cannot come back into the account." action="Sign out" onConfirm={() => void attempt((client) => client.settings.signOut())} onClose={() => setAsking(undefined)} />}
      {asking === "delete" && <DeleteAccount onClose={() => setAsking(undefined)} />}
    </Page>
  );
}

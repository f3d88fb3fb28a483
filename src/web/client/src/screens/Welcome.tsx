// The first screen of a device: a new account, or an account that there is already.
import type { RegistrationMode } from "@godwit/client";
import { useEffect, useState } from "preact/hooks";
import { StorageNotice } from "../components/ConnectionBar";
import { Icon } from "../components/Icon";
import { deviceName } from "../lib/device";
import { errorText } from "../lib/errors";
import { takeFocus } from "../lib/focus";
import { client, connection } from "../state/client";
import { LinkThisDevice } from "./LinkThisDevice";

function Field(props: { label: string; hint?: string; value: string; onInput: (value: string) => void; first?: boolean; name: string; numeric?: boolean }) {
  return (
    <label class="flex flex-col gap-1.5 text-sm font-medium">
      {props.label}
      <input
        class="input input-lg w-full"
        name={props.name}
        value={props.value}
        required
        ref={props.first ? takeFocus : undefined}
        autoComplete={props.name === "code" ? "one-time-code" : props.name === "handle" ? "username" : "off"}
        autoCapitalize="none"
        spellcheck={false}
        inputMode={props.numeric ? "numeric" : undefined}
        onInput={(event) => props.onInput(event.currentTarget.value)}
      />
      {props.hint && <span class="text-sm font-normal text-soft">{props.hint}</span>}
    </label>
  );
}

function Register({ mode }: { mode: RegistrationMode }) {
  const [handle, setHandle] = useState("");
  const [invite, setInvite] = useState(new URLSearchParams(location.search).get("invite") ?? "");
  const [code, setCode] = useState("");
  const [codeSent, setCodeSent] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const asksCode = mode === "verified" && !codeSent;

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      const name = handle.trim().toLowerCase().replace(/^@/, "");
      if (asksCode) {
        await client().requestCode(name);
        setCodeSent(true);
      } else {
        await client().register({ handle: name, deviceName: deviceName(), invite: invite.trim() || undefined, code: code.trim() || undefined });
        await navigator.storage?.persist?.();
      }
    } catch (error) {
      setProblem(errorText(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="flex flex-col gap-4" onSubmit={submit}>
      <Field name="handle" label={mode === "verified" ? "Phone number or user name" : "User name"} hint="This is how others find you." value={handle} onInput={setHandle} first />
      {mode === "invite" && <Field name="invite" label="Invite code" hint="From the operator of this server, or a friend." value={invite} onInput={setInvite} />}
      {codeSent && <Field name="code" label="Verification code" hint={`It was sent to ${handle}.`} value={code} onInput={setCode} numeric first />}
      {problem && (
        <p role="alert" class="flex items-center gap-2 text-sm text-error">
          <Icon name="warning" /> {problem}
        </p>
      )}
      <button class="btn btn-primary btn-lg" disabled={busy}>
        {busy && <span class="loading loading-spinner loading-sm" />}
        {asksCode ? "Send me a code" : "Create account"}
      </button>
    </form>
  );
}

export function Welcome() {
  const [mode, setMode] = useState<RegistrationMode>();
  const [linking, setLinking] = useState(false);
  const { state } = connection.value;
  useEffect(() => {
    client().registrationMode().then(setMode, () => {});
  }, [state]);
  return (
    <main class="chat-ground grid h-full place-items-center overflow-y-auto p-4">
      <div class="flex w-full max-w-md flex-col gap-6 rounded-box bg-base-100 p-8 shadow-xl">
        <header class="flex flex-col items-center gap-3 text-center">
          <img src="./favicon.svg" alt="" class="size-20" />
          <h1 class="text-2xl font-semibold">Welcome to Godwit</h1>
          <p class="text-soft">Private messages, groups and calls. What you write can be read by those you write to, and by nobody between.</p>
        </header>
        <div role="status" class="-mx-8 empty:hidden">
          <StorageNotice />
        </div>
        {linking ? (
          <LinkThisDevice onBack={() => setLinking(false)} />
        ) : !mode ? (
          <p class="flex items-center justify-center gap-2 text-soft" role="status">
            <span class="loading loading-spinner loading-sm" /> Connecting to the server…
          </p>
        ) : (
          <>
            {mode === "closed" ? <p class="text-center text-soft">This server takes no new accounts.</p> : <Register mode={mode} />}
            <div class="flex items-center gap-3 text-sm text-soft before:h-px before:grow before:bg-base-300 after:h-px after:grow after:bg-base-300">or</div>
            <button class="btn btn-lg" onClick={() => setLinking(true)}>
              <Icon name="qr" /> Link to my account
            </button>
          </>
        )}
      </div>
    </main>
  );
}

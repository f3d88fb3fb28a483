// Which of the large states the application is in.
import { Icon } from "./components/Icon";
import { Toasts } from "./components/Toasts";
import { CallOverlay } from "./screens/CallOverlay";
import { Shell } from "./screens/Shell";
import { Welcome } from "./screens/Welcome";
import { call, minimized } from "./state/calls";
import { account, attempt, brokenBy, connection, phase, start } from "./state/client";
import { keyLogFault } from "./state/trust";

function Notice(props: { title: string; text: string; action?: string; onAction?: () => void }) {
  return (
    <main class="grid h-full place-items-center bg-base-200 p-6">
      <div class="flex max-w-sm flex-col items-center gap-4 text-center">
        <img src="./favicon.svg" alt="" class="size-20" />
        <h1 class="text-xl font-semibold">{props.title}</h1>
        <p class="text-soft">{props.text}</p>
        {props.action && (
          <button class="btn btn-primary" onClick={props.onAction}>
            {props.action}
          </button>
        )}
      </div>
    </main>
  );
}

/** After these the device cannot come back: what it has stored can be looked at by nobody, and is only in the way. */
const kGone: Record<string, string> = {
  account_deleted: "The account was deleted.",
  device_revoked: "This device was signed out by another of your devices.",
  revoked: "This device was signed out by another of your devices.",
  user_not_found: "The account was deleted.",
};
const kStopped: Record<string, string> = {
  encryption: "The keys of this device and those at the server do not fit.",
  replaced: "This device is connected from another place.",
};

function Stopped({ reason }: { reason: string }) {
  const gone = kGone[reason];
  if (gone) return <Notice title="Signed out" text={`${gone} What it has kept of your chats is removed when you start anew.`} action="Start anew" onAction={() => void attempt((client) => client.settings.signOut())} />;
  return <Notice title="Not connected" text={kStopped[reason] ?? `The server refuses this device (${reason}).`} action="Try again" onAction={() => location.reload()} />;
}

function Current() {
  if (phase.value === "opening") {
    return (
      <main class="grid h-full place-items-center bg-base-200" aria-busy="true" aria-label="Opening">
        <Icon name="lock" class="size-10 animate-pulse text-primary" />
      </main>
    );
  }
  if (phase.value === "elsewhere") {
    return <Notice title="Open in another tab" text="Godwit runs in one tab at a time." action="Use it here" onAction={() => start(true)} />;
  }
  if (phase.value === "broken") {
    return <Notice title="The store of this browser cannot be opened" text={brokenBy.value} action="Try again" onAction={() => start()} />;
  }
  if (!account.value) return <Welcome />;
  // With a fault of the key log the chats can be read all the same, and the notice above them tells.
  if (connection.value.state === "stopped" && !keyLogFault.value) return <Stopped reason={connection.value.reason ?? ""} />;
  const covered = !!call.value && call.value.phase !== "ended" && !minimized.value;
  return (
    <>
      <div class="h-full" inert={covered}>
        <Shell />
      </div>
      <CallOverlay />
    </>
  );
}

export function App() {
  return (
    <>
      <Current />
      <Toasts />
    </>
  );
}

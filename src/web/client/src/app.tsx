// Which of the large states the application is in.
import { Icon } from "./components/Icon";
import { Toasts } from "./components/Toasts";
import { CallOverlay } from "./screens/CallOverlay";
import { Shell } from "./screens/Shell";
import { Welcome } from "./screens/Welcome";
import { account, brokenBy, connection, phase, start } from "./state/client";

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

const kStopped: Record<string, string> = {
  account_deleted: "The account was deleted.",
  replaced: "This device is connected from another place.",
  revoked: "This device was signed out by another of your devices.",
};

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
  if (connection.value.state === "stopped") {
    const reason = connection.value.reason ?? "";
    return <Notice title="Signed out" text={kStopped[reason] ?? `The server refuses this device (${reason}).`} action="Try again" onAction={() => location.reload()} />;
  }
  return (
    <>
      <Shell />
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

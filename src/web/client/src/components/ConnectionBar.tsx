// Tells when the application is not connected, what that means, and when it tries again.
import type { ConnectionState } from "@godwit/client";
import { useEffect, useState } from "preact/hooks";
import { client, connection, storage } from "../state/client";
import { Icon } from "./Icon";

function Waiting({ until }: { until: number }) {
  const left = () => Math.max(0, Math.ceil((until - Date.now()) / 1000));
  const [seconds, setSeconds] = useState(left());
  useEffect(() => {
    const timer = setInterval(() => setSeconds(left()), 1000);
    return () => clearInterval(timer);
  }, [until]);
  return <span aria-hidden="true">{seconds ? `Trying again in ${seconds} s` : "Trying again…"}</span>;
}

const kPatience = 700; // ms

const kNote = "flex items-center gap-3 px-4 py-2 text-sm";

/** What is wrong with the store of this browser, if anything is. */
export function StorageNotice() {
  switch (storage.value) {
    case "ok":
      return null;
    case "memory":
      return <p class={`${kNote} bg-warning text-warning-content`}>This browser keeps nothing: when you close this tab, the account is gone from it.</p>;
    case "full":
      return <p class={`${kNote} bg-error text-error-content`}>No room left on this device. Free some, and receiving goes on.</p>;
    case "failed":
      return <p class={`${kNote} bg-error text-error-content`}>The store of this browser failed. Reload the page.</p>;
  }
}

/** The state once it has lasted a while: without that everything would jump whenever the page is opened. */
function useLasting(state: ConnectionState): ConnectionState {
  const [lasting, setLasting] = useState<ConnectionState>("online");
  useEffect(() => {
    const timer = setTimeout(() => setLasting(state), state === "online" ? 0 : kPatience);
    return () => clearTimeout(timer);
  }, [state]);
  return lasting;
}

export function ConnectionBar() {
  const { state, retryAt } = connection.value;
  const shown = useLasting(state);
  return (
    <div role="status" data-connection={state}>
      {shown === "offline" && (
        <p class={`${kNote} bg-neutral text-neutral-content`}>
          <Icon name="warning" class="size-4" /> Offline. Messages are sent when there is a network.
        </p>
      )}
      {shown === "connecting" && (
        <p class={`${kNote} bg-base-200`}>
          <span class="loading loading-spinner loading-xs" />
          {retryAt ? <Waiting until={retryAt} /> : "Connecting…"}
          {retryAt && (
            <button class="link ml-auto" onClick={() => client().setOnline(true)}>
              Now
            </button>
          )}
        </p>
      )}
      {shown === "catching_up" && (
        <p class={`${kNote} bg-base-200`}>
          <span class="loading loading-spinner loading-xs" /> Receiving messages…
        </p>
      )}
      <StorageNotice />
    </div>
  );
}

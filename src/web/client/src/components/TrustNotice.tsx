// Tells that the server's key log cannot be trusted, what that means, and lets the user go on where that is for them to say.
import { useState } from "preact/hooks";
import { pathTo } from "../lib/route";
import { acceptKeyLog, keyLogFault, unknownDevice } from "../state/trust";
import { Icon, IconButton } from "./Icon";
import { Sheet } from "./Sheet";

const kNotice = "flex items-start gap-3 bg-error px-4 py-2 text-sm text-error-content";

/** Why a server may have another directory than before, and what to do about it. */
function WentBack({ detail, onClose }: { detail: string; onClose: () => void }) {
  const [confirmed, setConfirmed] = useState(false);
  return (
    <Sheet title="The server's key directory went back in time" wide onClose={onClose}>
      <p>
        The server keeps a directory of everybody's keys. It may only ever grow, and this device remembers what it was shown. What the
        server shows now is not that any more. Until you have dealt with it nothing is sent; what you have received stays here.
      </p>
      <p>
        <b>It can be harmless:</b> the operator had to restore the server from a backup, and what came after the backup is gone.
      </p>
      <p>
        <b>It can be an attack:</b> whoever controls the server, or the way to it, may want to put their own keys in place of other
        people's, and read what you write to them.
      </p>
      <p>
        Ask the operator whether the server was restored, and when: by another way, such as by phone or in person. If nobody can tell you,
        do not go on.
      </p>
      <h3 class="font-semibold">If you go on</h3>
      <ul class="list-disc space-y-1 pl-5">
        <li>People with the same keys as before stay as they are, and stay verified. In the chats you are told who has other keys.</li>
        <li>Compare safety numbers again with everybody who matters to you, most of all with those whose keys have changed.</li>
        <li>Devices that you have signed out since the backup are signed in again. Look at your devices, and sign them out once more.</li>
      </ul>
      <p class="text-sm text-soft">What this device has found: {detail}.</p>
      <label class="flex cursor-pointer items-center gap-3">
        <input type="checkbox" class="checkbox checkbox-primary" checked={confirmed} onChange={(event) => setConfirmed(event.currentTarget.checked)} />
        The operator has told me by another way that the server was restored.
      </label>
      <div class="flex justify-end gap-3">
        <button class="btn" onClick={onClose}>
          Not now
        </button>
        <button
          class="btn btn-error"
          disabled={!confirmed}
          onClick={() => {
            onClose();
            void acceptKeyLog();
          }}
        >
          Go on with it
        </button>
      </div>
    </Sheet>
  );
}

function CannotProve({ detail, onClose }: { detail: string; onClose: () => void }) {
  return (
    <Sheet title="The server contradicts itself about keys" onClose={onClose}>
      <p>
        What the server says of other people's keys does not fit what it has signed. No restore from a backup explains that: either the
        server is broken, or somebody tries to read along. Nothing is sent, so that nobody can.
      </p>
      <p>Tell the operator, by another way than this. Once they have repaired it, open this page again.</p>
      <p class="text-sm text-soft">What this device has found: {detail}.</p>
      <div class="flex justify-end">
        <button class="btn" onClick={() => location.reload()}>
          Try again
        </button>
      </div>
    </Sheet>
  );
}

/** Stays for as long as there is something to be dealt with. */
export function TrustNotice() {
  const [explaining, setExplaining] = useState(false);
  const fault = keyLogFault.value;
  const Explanation = fault?.kind === "log_rollback" ? WentBack : CannotProve;
  return (
    <>
      <div role="alert">
        {fault && (
          <p class={kNotice} data-key-log={fault.kind}>
            <Icon name="warning" class="size-5" />
            <span class="grow">
              {fault.kind === "log_rollback"
                ? "The server's key directory went back in time. Nothing is sent until you have looked at that. "
                : "The server contradicts itself about keys. Nothing is sent. "}
              <button class="link font-semibold" onClick={() => setExplaining(true)}>
                What does that mean?
              </button>
            </span>
          </p>
        )}
        {unknownDevice.value && (
          <p class={kNotice}>
            <Icon name="warning" class="size-5" />
            <span class="grow">
              Your account has a device that none of yours approved, or that you had signed out.{" "}
              <a class="link font-semibold" href={pathTo("settings", "devices")}>
                Look at your devices
              </a>
            </span>
            <IconButton icon="close" label="Dismiss" class="btn-xs" onClick={() => (unknownDevice.value = false)} />
          </p>
        )}
      </div>
      {fault && explaining && <Explanation detail={fault.detail} onClose={() => setExplaining(false)} />}
    </>
  );
}

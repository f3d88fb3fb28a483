// Shows the QR code by which another device lets this one into the account.
import type { LinkOffer } from "@godwit/client";
import { useEffect, useState } from "preact/hooks";
import { Icon } from "../components/Icon";
import { Later, Qr } from "../components/lazy";
import { deviceName } from "../lib/device";
import { errorText } from "../lib/errors";
import { client } from "../state/client";
import { toast } from "../state/toasts";

export function LinkThisDevice({ onBack }: { onBack: () => void }) {
  const [offer, setOffer] = useState<LinkOffer>();
  const [problem, setProblem] = useState("");
  const [round, setRound] = useState(0);

  useEffect(() => {
    let made: LinkOffer | undefined;
    let ended = false;
    setProblem("");
    setOffer(undefined);
    const run = async () => {
      made = await client().linkThisDevice({ deviceName: deviceName() });
      if (ended) {
        made.linked.catch(() => {});
        return made.cancel();
      }
      setOffer(made);
      await made.linked;
      await navigator.storage?.persist?.();
    };
    run().catch((error) => !ended && setProblem(errorText(error)));
    return () => {
      ended = true;
      made?.cancel();
    };
  }, [round]);

  const copy = async () => {
    await navigator.clipboard.writeText(offer!.text);
    toast("Copied");
  };
  return (
    <section class="flex flex-col items-center gap-4" aria-label="Link this device">
      <ol class="w-full list-inside list-decimal space-y-1 text-sm">
        <li>Open Godwit on a device that has your account.</li>
        <li>
          Go to <b>Settings</b>, then <b>Devices</b>, then <b>Link a device</b>.
        </li>
        <li>Scan this code, or enter its text.</li>
      </ol>
      {problem ? (
        <div role="alert" class="flex flex-col items-center gap-3 p-6 text-center">
          <p>{problem}</p>
          <button class="btn btn-primary" onClick={() => setRound(round + 1)}>
            Show a new code
          </button>
        </div>
      ) : offer ? (
        <>
          <Later>
            <Qr text={offer.text} label="Code for linking" />
          </Later>
          <code class="w-full rounded-field bg-base-200 p-2 text-xs break-all select-all" data-testid="link-text">
            {offer.text}
          </code>
          <button class="btn btn-sm" onClick={copy}>
            <Icon name="copy" class="size-4" /> Copy
          </button>
        </>
      ) : (
        <span class="loading loading-spinner m-12" role="status" aria-label="Loading" />
      )}
      <p class="text-center text-sm text-soft">This device shows messages from now on. Earlier ones were not encrypted for it.</p>
      <button class="btn btn-ghost w-full" onClick={onBack}>
        Back
      </button>
    </section>
  );
}

// What is wrong with the server's key log, and with the account's own devices, until the user has dealt with it.
import type { KeyLogFault } from "@godwit/client";
import { signal } from "@preact/signals";
import { attempt, onClient } from "./client";

/** While it is set nothing is encrypted. */
export const keyLogFault = signal<KeyLogFault | undefined>(undefined);
/** The account has a device that is not the user's, by what its own devices know. */
export const unknownDevice = signal(false);

onClient((client) => {
  const look = () => (keyLogFault.value = client.account && client.safety.keyLogFault());
  keyLogFault.value = undefined;
  unknownDevice.value = false;
  client.on("connection", look);
  client.on("security", ({ kind }) => {
    if (kind === "own_device_unknown") unknownDevice.value = true;
    look();
  });
});

/** Goes on with the key log that the server has now. */
export async function acceptKeyLog(): Promise<void> {
  await attempt(async (client) => {
    await client.safety.acceptKeyLog();
    keyLogFault.value = client.safety.keyLogFault();
  });
}

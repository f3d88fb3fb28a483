// One tab at a time may have the store open: two would both move the state of the encryption on. A tab that is asked to
// gives it up in order: it closes the store, and then the lock goes to the one that asks.

const kLock = "godwit-store";
const kAnswer = 5000; // ms that a tab may take to close; one that does not answer, as when it is frozen, loses the lock

export interface Tab {
  /** Opens the store; the lock is held. */
  begin: () => Promise<void>;
  /** Closes it, for another tab that wants it. */
  end: () => Promise<void>;
  /** Another tab has the lock. */
  refused: () => void;
}

export function whileAlone(tab: Tab, takeOver: boolean): void {
  // Browsers without locks cannot tell.
  if (!navigator.locks) return void tab.begin();
  const channel = new BroadcastChannel(kLock);
  const hold = async (lock: Lock | null) => {
    if (!lock) return tab.refused();
    const asked = new Promise((resolve) => (channel.onmessage = resolve));
    await tab.begin();
    await asked;
    await tab.end();
  };
  const request = async () => {
    if (!takeOver) return navigator.locks.request(kLock, { ifAvailable: true }, hold);
    channel.postMessage("give");
    const patience = AbortSignal.timeout(kAnswer);
    try {
      return await navigator.locks.request(kLock, { signal: patience }, hold);
    } catch (error) {
      if (!patience.aborted) throw error;
      return navigator.locks.request(kLock, { steal: true }, hold);
    }
  };
  // Rejects when the lock is taken by force.
  request()
    .catch(tab.end)
    .finally(() => channel.close());
}

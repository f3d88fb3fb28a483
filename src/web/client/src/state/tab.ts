// One tab at a time may have the store open: two would both move the state of the encryption on.

const kLock = "godwit-store";

export function whileAlone(tab: {
  takeOver: boolean;
  begin: () => Promise<void>;
  end: () => Promise<void>;
  refused: () => void;
}): void {
  // Browsers without locks cannot tell.
  if (!navigator.locks) return void tab.begin();
  const options = tab.takeOver ? { steal: true } : { ifAvailable: true };
  const held = async (lock: Lock | null) => {
    if (!lock) return tab.refused();
    await tab.begin();
    await new Promise(() => {}); // until the page goes, or another tab takes the lock, which rejects the request
  };
  navigator.locks.request(kLock, options, held).catch(() => tab.end());
}

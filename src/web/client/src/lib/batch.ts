// Puts together what comes in quick succession, as when a device catches up: one change of the screen for many events.
// What comes by itself is not kept waiting: those told in one turn are put together, the next ones with a pause.

const kPause = 16; // ms; also runs while the page is hidden, unlike animation frames

export function batched<T>(handle: (values: T[]) => void): (value: T) => void {
  let waiting: T[] = [];
  let last = -Infinity;
  const tell = () => {
    last = performance.now();
    const values = waiting;
    waiting = [];
    handle(values);
  };
  return (value) => {
    waiting.push(value);
    if (waiting.length > 1) return;
    const pause = last + kPause - performance.now();
    if (pause > 0) setTimeout(tell, pause);
    else queueMicrotask(tell);
  };
}

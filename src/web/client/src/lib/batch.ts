// Puts together what comes in quick succession, as when a device catches up: one change of the screen for many events.

const kPause = 16; // ms; also runs while the page is hidden, unlike animation frames

export function batched<T>(handle: (values: T[]) => void): (value: T) => void {
  let waiting: T[] = [];
  return (value) => {
    waiting.push(value);
    if (waiting.length > 1) return;
    setTimeout(() => {
      const values = waiting;
      waiting = [];
      handle(values);
    }, kPause);
  };
}

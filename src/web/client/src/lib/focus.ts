// Where the keyboard is.
import { useEffect, useRef } from "preact/hooks";

/**
 * For `ref`: has the focus when it appears. The attribute autofocus does that only on a page where nothing has the focus yet,
 * and in a sheet that opens.
 */
export const takeFocus = (element: HTMLElement | null): void => element?.focus();

/** What had the focus when the component came has it again when that goes, unless somebody has gone elsewhere meanwhile. */
export function useFocusBack(): void {
  const before = useRef(document.activeElement);
  useEffect(
    () => () => {
      // Once what was inert meanwhile is not any more.
      setTimeout(() => document.activeElement === document.body && before.current instanceof HTMLElement && before.current.focus());
    },
    [],
  );
}

// The place in the application is the fragment of the address: #/chat/ID. Going back works as people expect.
import { computed, signal } from "@preact/signals";

const fragment = signal(location.hash);
addEventListener("hashchange", () => (fragment.value = location.hash));

/** The parts of the place, as ["chat", ID]. */
export const route = computed(() => fragment.value.replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent));

/** Whether somebody came here from another place of the application, so that there is one to go back to. */
let depth = 0;

export function pathTo(...parts: string[]): string {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

export function go(...parts: string[]): void {
  const path = pathTo(...parts);
  if (path === location.hash) return;
  ++depth;
  location.hash = path;
}

/** Takes the place of the present entry of the browser's history. */
export function replace(...parts: string[]): void {
  history.replaceState(null, "", pathTo(...parts));
  fragment.value = location.hash;
}

export function back(): void {
  if (depth > 0) {
    --depth;
    history.back();
  } else {
    replace();
  }
}

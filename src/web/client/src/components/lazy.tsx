// Parts that are loaded when they are first shown, so that the first load stays small.
import { lazy, Suspense } from "preact/compat";
import type { ComponentChildren } from "preact";

export const Qr = lazy(() => import("./Qr"));
export const EmojiPicker = lazy(() => import("./EmojiPicker"));

export function Later({ children }: { children: ComponentChildren }) {
  return <Suspense fallback={<span class="loading loading-dots m-6 self-center" role="status" aria-label="Loading" />}>{children}</Suspense>;
}

// Short notes at the edge of the window: what was done, and what failed.
import { signal } from "@preact/signals";
import { errorText } from "../lib/errors";

const kShown = 4;
const kDuration = 6000; // ms

export interface Toast {
  id: number;
  text: string;
  kind: "info" | "error";
}

export const toasts = signal<readonly Toast[]>([]);
let next = 1;

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

export function toast(text: string, kind: Toast["kind"] = "info"): void {
  const id = next++;
  toasts.value = [...toasts.value.filter((shown) => shown.text !== text), { id, text, kind }].slice(-kShown);
  setTimeout(() => dismiss(id), kDuration);
}

export function failed(error: unknown): void {
  console.error(error);
  toast(errorText(error), "error");
}

// What is set for this browser, kept in it. Nothing here is secret.
import { effect, signal } from "@preact/signals";

interface Preferences {
  theme: "system" | "light" | "dark";
  enterSends: boolean;
  notify: boolean;
  notifyText: boolean;
  ringSound: boolean;
  camera?: string;
  microphone?: string;
}

const kKey = "godwit-preferences";
const kDefaults: Preferences = {
  theme: "system",
  enterSends: !matchMedia("(pointer: coarse)").matches,
  notify: false,
  notifyText: true,
  ringSound: true,
};

function load(): Preferences {
  try {
    return { ...kDefaults, ...JSON.parse(localStorage.getItem(kKey) ?? "{}") };
  } catch {
    return kDefaults;
  }
}

export const preferences = signal(load());

export function prefer(change: Partial<Preferences>): void {
  preferences.value = { ...preferences.value, ...change };
  try {
    localStorage.setItem(kKey, JSON.stringify(preferences.value));
  } catch {
    // Refused in private mode: it holds until the page goes.
  }
}

effect(() => {
  const { theme } = preferences.value;
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme === "dark" ? "godwit-dark" : "godwit";
});

// The client of the SDK, and how far it is: the one place from which everything else in the application gets it.
import { open, type Account, type Client, type ConnectionState } from "@godwit/client";
import { signal } from "@preact/signals";
import { whileAlone } from "./tab";
import { failed, toast } from "./toasts";

const kClientName = "godwit-web/0.1.0";

/**
 * - `opening`: the store is being opened.
 * - `ready`: there is a client, with an account or without.
 * - `elsewhere`: another tab has the store open; one at a time may.
 * - `broken`: the store cannot be opened.
 */
export const phase = signal<"opening" | "ready" | "elsewhere" | "broken">("opening");
export const brokenBy = signal("");
export const account = signal<Account | undefined>(undefined);
export const connection = signal<{ state: ConnectionState; retryAt?: number; reason?: string }>({ state: "none" });
export const storage = signal<"ok" | "memory" | "full" | "failed">("ok");

let current: Client | undefined;
const starters: ((client: Client) => void)[] = [];

/** The client. Screens exist only while there is one. */
export function client(): Client {
  if (!current) throw new Error("there is no client yet");
  return current;
}

/** Has `begin` called with each client that is opened, before it connects. */
export function onClient(begin: (client: Client) => void): void {
  starters.push(begin);
}

function serverUrl(): string {
  return new URL("/v1/ws", location.href.replace(/^http/, "ws")).href;
}

async function openClient(): Promise<void> {
  phase.value = "opening";
  try {
    const opened = await open({ url: serverUrl(), clientName: kClientName, offline: true });
    current = opened;
    account.value = opened.account;
    connection.value = { state: opened.state };
    opened.on("connection", (now) => (connection.value = now));
    opened.on("account", (now) => {
      account.value = now;
      // Deleted or signed out: the store is empty, and this client of no use any more.
      if (!now) setTimeout(() => void reopen());
    });
    opened.on("storage", (now) => (storage.value = now.state));
    opened.on("error", failed);
    for (const begin of starters) begin(opened);
    phase.value = "ready";
    opened.connect();
    // Asks the browser not to clear the store by itself when space is short.
    if (opened.account) void navigator.storage?.persist?.();
  } catch (error) {
    brokenBy.value = error instanceof Error ? error.message : String(error);
    phase.value = "broken";
  }
}

/** The screens that go may still have something to say to the client: closed, it refuses that. */
async function closeClient(next: "opening" | "elsewhere"): Promise<void> {
  phase.value = next;
  await current?.close();
}

async function reopen(): Promise<void> {
  await closeClient("opening").catch(failed);
  location.hash = "";
  await openClient();
}

/** Opens the client in this tab; with `takeOver` in place of another tab that has it. */
export function start(takeOver = false): void {
  const tab = { begin: openClient, end: () => closeClient("elsewhere"), refused: () => (phase.value = "elsewhere") };
  whileAlone(tab, takeOver);
}

/** Does something that may fail, and tells the user when it does. */
export async function attempt<T>(doing: (client: Client) => Promise<T>, done?: string): Promise<T | undefined> {
  try {
    const result = await doing(client());
    if (done) toast(done);
    return result;
  } catch (error) {
    failed(error);
    return undefined;
  }
}

// The head of a pane: its title, a way back, and what can be done.
import type { ComponentChildren } from "preact";
import { back } from "../lib/route";
import { IconButton } from "./Icon";

export function Header(props: { title: string; onBack?: (() => void) | "phone" | true; children?: ComponentChildren }) {
  const { onBack } = props;
  return (
    <header class="flex h-16 shrink-0 items-center gap-2 px-4">
      {onBack && <IconButton icon="back" label="Back" class={`-ml-2 ${onBack === "phone" ? "md:hidden" : ""}`} onClick={typeof onBack === "function" ? onBack : back} />}
      <h1 class="grow truncate text-xl font-semibold">{props.title}</h1>
      {props.children}
    </header>
  );
}

/** In place of what is not there, or not any more. */
export function Missing(props: { text: string; onBack: () => void }) {
  return (
    <div class="flex h-full flex-col">
      <header class="flex h-16 shrink-0 items-center px-4 md:hidden">
        <IconButton icon="back" label="Back" class="-ml-2" onClick={props.onBack} />
      </header>
      <p class="m-auto p-6 text-center text-soft">{props.text}</p>
    </div>
  );
}

/** A page of settings: a head and cards below one another. */
export function Page(props: { title: string; children: ComponentChildren; onBack?: (() => void) | "phone" | true }) {
  return (
    <div class="flex h-full flex-col bg-base-200">
      <div class="border-b border-base-300 bg-base-100">
        <Header title={props.title} onBack={props.onBack ?? "phone"} />
      </div>
      <div class="min-h-0 grow overflow-y-auto">
        <div class="mx-auto flex max-w-2xl flex-col gap-4 p-4">{props.children}</div>
      </div>
    </div>
  );
}

export function Card(props: { title?: string; children: ComponentChildren; note?: string }) {
  return (
    <section class="rounded-box bg-base-100 p-4" aria-label={props.title}>
      {props.title && <h2 class="pb-2 text-sm font-semibold text-primary">{props.title}</h2>}
      {props.children}
      {props.note && <p class="pt-2 text-sm text-soft">{props.note}</p>}
    </section>
  );
}

/** A setting that is on or off. */
export function Switch(props: { label: string; note?: string; on: boolean; onChange: (on: boolean) => void; disabled?: boolean }) {
  return (
    <label class="flex cursor-pointer items-center gap-4 py-2">
      <span class="grow">
        {props.label}
        {props.note && <span class="block text-sm text-soft">{props.note}</span>}
      </span>
      <input type="checkbox" role="switch" class="toggle toggle-primary" checked={props.on} disabled={props.disabled} onChange={(event) => props.onChange(event.currentTarget.checked)} />
    </label>
  );
}

/** A setting with a few values. */
export function Choice<T extends string | number>(props: { label: string; value: T; options: readonly (readonly [T, string])[]; onChange: (value: T) => void }) {
  return (
    <label class="flex items-center gap-4 py-2">
      <span class="grow">{props.label}</span>
      <select
        class="select w-44"
        value={String(props.value)}
        onChange={(event) => props.onChange(props.options.find(([value]) => String(value) === event.currentTarget.value)![0])}
      >
        {props.options.map(([value, text]) => (
          <option key={String(value)} value={String(value)}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

// How times, sizes and names are written. The language is that of the browser.

const kDay = 86_400_000;
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long" });
const shortDate = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "numeric", year: "2-digit" });
const longDate = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });

/** The local day that a time is in, as a number that differs between days. */
export function dayOf(ms: number): number {
  const date = new Date(ms);
  return Math.floor(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / kDay);
}

export const timeText = (ms: number): string => clock.format(ms);

/** As in the list of chats: the time today, then "Yesterday", the weekday, the date. */
export function whenText(ms: number, now = Date.now()): string {
  const days = dayOf(now) - dayOf(ms);
  if (days <= 0) return clock.format(ms);
  if (days === 1) return "Yesterday";
  return days < 7 ? weekday.format(ms) : shortDate.format(ms);
}

/** As between the messages of two days. */
export function dayText(ms: number, now = Date.now()): string {
  const days = dayOf(now) - dayOf(ms);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  if (days === -1) return "Tomorrow";
  return days > 0 && days < 7 ? weekday.format(ms) : longDate.format(ms);
}

const kNear = new Set(["Today", "Yesterday", "Tomorrow"]);

/** A day and its time, as "Yesterday at 10:21". */
export function momentText(ms: number, now = Date.now()): string {
  const day = dayText(ms, now);
  return `${kNear.has(day) ? day.toLowerCase() : `on ${day}`} at ${clock.format(ms)}`;
}

/** The same after "until". */
export const untilText = (ms: number, now?: number): string => momentText(ms, now).replace(/^on /, "");

/** The length of a call, as 3:07 or 1:00:12. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  const rest = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** What a timer of disappearing messages is called. */
export function timerText(seconds: number): string {
  if (!seconds) return "Off";
  const units: [number, string][] = [
    [604_800, "week"],
    [86_400, "day"],
    [3_600, "hour"],
    [60, "minute"],
    [1, "second"],
  ];
  const [size, name] = units.find(([size]) => seconds % size === 0)!;
  const count = seconds / size;
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}

/** At most two letters that stand for a name. */
export function initials(name: string): string {
  const words = name.replace(/^\+/, "").split(/[\s._-]+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0]!, words.at(-1)!] : words;
  return letters.map((word) => [...word][0]!.toLocaleUpperCase()).join("");
}

/** Rounds counts for badges. */
export const countText = (count: number): string => (count > 999 ? "999+" : String(count));

// What a command is.

import type { Context } from "./context.js";

export type Values = Record<string, string | boolean | undefined>;

export interface Option {
  type: "string" | "boolean";
  help: string;
}

export interface Command {
  /** One word, or two. */
  name: string;
  /** What follows: "CHAT TEXT...", "[FILE]". How many arguments are taken follows from it. */
  args: string;
  help: string;
  options?: Record<string, Option>;
  run(context: Context, args: string[], options: Values): Promise<void>;
}

/** The least and the most arguments. */
export function arity({ args }: Command): [number, number] {
  const words = args.split(" ").filter((word) => word !== "");
  const least = words.filter((word) => !word.startsWith("[")).length;
  return [least, args.includes("...") ? Number.POSITIVE_INFINITY : words.length];
}

/** A whole number of at least 1. */
export function count(value: string | boolean | undefined, fallback: number): number {
  const n = value === undefined ? fallback : Number(value);
  return Number.isInteger(n) && n > 0 ? n : Number.NaN;
}

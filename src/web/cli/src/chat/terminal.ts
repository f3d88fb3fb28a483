// Lines in and out: what comes is printed above the line that is being typed.

import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from "node:readline";
import { sanitize } from "../sanitize.js";

export class Terminal {
  readonly #lines: Interface;
  /** Made at once: lines that come before somebody reads are kept. */
  readonly #typed: AsyncIterableIterator<string>;
  readonly #isTty: boolean;
  #prompt = "> ";
  #open = true;

  /** `onTyping` is called with every key that leaves text in the line. */
  constructor(onTyping: () => void) {
    this.#isTty = process.stdin.isTTY === true && process.stdout.isTTY === true;
    this.#lines = createInterface({ input: process.stdin, ...(this.#isTty ? { output: process.stdout } : {}), terminal: this.#isTty });
    this.#typed = this.#lines[Symbol.asyncIterator]();
    this.#lines.on("SIGINT", () => this.close());
    if (this.#isTty) {
      process.stdin.on("keypress", () => {
        if (this.#lines.line !== "" && !this.#lines.line.startsWith("/")) onTyping();
      });
    }
  }

  get isTty(): boolean {
    return this.#isTty;
  }

  /** Until the end of the input. */
  async *read(): AsyncGenerator<string> {
    for await (const line of this.#typed) {
      if (this.#isTty) this.#eraseTyped(line);
      yield line;
      this.#draw();
    }
  }

  print(text: string): void {
    if (!this.#isTty || !this.#open) {
      process.stdout.write(`${sanitize(text)}\n`);
      return;
    }
    moveCursor(process.stdout, 0, -this.#lines.getCursorPos().rows);
    cursorTo(process.stdout, 0);
    clearScreenDown(process.stdout);
    process.stdout.write(`${sanitize(text)}\n`);
    this.#draw();
  }

  /** Who is at the other end, and what they do. */
  prompt(text: string): void {
    if (this.#prompt === text) return;
    this.#prompt = text;
    this.#draw();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#lines.close();
    if (this.#isTty) process.stdout.write("\n");
  }

  /** What was typed comes again as a message, with time and ticks. */
  #eraseTyped(line: string): void {
    const rows = Math.ceil((this.#prompt.length + line.length + 1) / (process.stdout.columns || 80));
    moveCursor(process.stdout, 0, -rows);
    cursorTo(process.stdout, 0);
    clearScreenDown(process.stdout);
  }

  #draw(): void {
    if (!this.#isTty || !this.#open) return;
    this.#lines.setPrompt(this.#prompt);
    this.#lines.prompt(true);
  }
}

// Finds messages of this device by words. The index is made in memory from the stored messages, at the first search, and
// follows every change from then on: words on disk would tell what the messages say.

import type { ChatId, MessageId, SearchOptions, SearchResult } from "../api.js";
import type { Core } from "../core.js";
import { GodwitError } from "../errors.js";
import { afterPrefix } from "../store/store.js";
import { decodeRecord } from "../store/units.js";
import type { Model } from "./model.js";
import type { MessageRecord } from "./records.js";

const kLimit = 50;
/** Messages in the index. Older ones beyond it are not found. */
const kMaxIndexed = 1_000_000;
const kMaxWords = 16;
const kScan = 2000;

interface Row {
  chat: ChatId;
  id: MessageId;
  at: number;
  /** Which text the words are of. */
  editedAt: number | undefined;
}

/** Lower case, without accents, in words of letters and digits. */
export function words(text: string): string[] {
  const folded = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return folded.match(/[\p{L}\p{N}]+/gu) ?? [];
}

export class Search {
  readonly #core: Core;
  readonly #model: Model;
  readonly #rows: (Row | undefined)[] = [];
  readonly #rowOf = new Map<string, number>();
  readonly #postings = new Map<string, number[]>();
  /** All words in order, for beginnings of words; made anew when there are new ones. */
  #sorted: string[] | undefined;
  #building: Promise<void> | undefined;
  #progress = 0;

  constructor(core: Core, model: Model) {
    this.#core = core;
    this.#model = model;
  }

  /** A message was stored, changed or (undefined) removed. */
  stored(chat: ChatId, id: MessageId, message: MessageRecord | undefined): void {
    if (this.#building === undefined) return; // the index is made from the store, once somebody searches
    const row = this.#rows[this.#rowOf.get(`${chat}/${id}`) ?? -1];
    if (row !== undefined && message?.content.kind === "text" && row.editedAt === message.editedAt) {
      row.at = message.at; // ticks and reactions change no words
      return;
    }
    this.#drop(chat, id);
    if (message?.content.kind === "text") this.#add(message);
  }

  async find(query: string, { chat, limit = kLimit, onPartial, signal }: SearchOptions): Promise<SearchResult[]> {
    const wanted = words(query).slice(0, kMaxWords);
    if (wanted.length === 0) return [];
    this.#building ??= this.#build();
    if (this.#progress < 1) {
      let told = 0;
      while (this.#progress < 1) {
        await Promise.race([this.#building, new Promise((resolve) => setTimeout(resolve, 250))]);
        if (signal?.aborted) throw new GodwitError("closed", "the search was ended");
        if (onPartial !== undefined && this.#progress < 1 && this.#progress > told) {
          told = this.#progress;
          onPartial(await this.#results(wanted, chat, limit), told);
        }
      }
    }
    return this.#results(wanted, chat, limit);
  }

  async #results(wanted: string[], chat: ChatId | undefined, limit: number): Promise<SearchResult[]> {
    const rows = this.#match(wanted)
      .map((n) => this.#rows[n])
      .filter((row): row is Row => row !== undefined && (chat === undefined || row.chat === chat))
      .sort((a, b) => b.at - a.at)
      .slice(0, limit);
    const results: SearchResult[] = [];
    for (const row of rows) {
      const found = await this.#model.find(row.chat, row.id);
      if (found === undefined) continue;
      const message = this.#model.showMessage(this.#model.peek(row.chat)!, found);
      if (message.content.kind === "text") results.push({ message, matches: matches(message.content.text, wanted) });
    }
    return results;
  }

  /** Rows that have a word beginning with each of the wanted. */
  #match(wanted: string[]): number[] {
    this.#sorted ??= [...this.#postings.keys()].sort();
    let found: Set<number> | undefined;
    for (const prefix of wanted) {
      const rows = new Set<number>();
      for (let i = lowerBound(this.#sorted, prefix); i < this.#sorted.length && this.#sorted[i]!.startsWith(prefix); i++) {
        for (const row of this.#postings.get(this.#sorted[i]!) ?? []) if (found === undefined || found.has(row)) rows.add(row);
      }
      found = rows;
    }
    return [...(found ?? [])];
  }

  async #build(): Promise<void> {
    const chats = this.#model.chats().sort((a, b) => b.lastAt - a.lastAt);
    for (const [i, chat] of chats.entries()) {
      let end = afterPrefix(`m/${chat.id}/`);
      while (this.#rows.length < kMaxIndexed) {
        const entries = await this.#core.store.range(`m/${chat.id}/`, end, { reverse: true, limit: kScan });
        for (const [, bytes] of entries) {
          const message = decodeRecord<MessageRecord>(bytes);
          if (message.content.kind === "text" && !this.#rowOf.has(`${message.chat}/${message.id}`)) this.#add(message);
        }
        if (entries.length < kScan) break;
        end = entries.at(-1)![0];
        this.#progress = Math.max(this.#progress, Math.min(0.99, (i + 0.5) / chats.length));
      }
      this.#progress = Math.min(0.99, (i + 1) / chats.length);
    }
    this.#progress = 1;
  }

  #add(message: MessageRecord): void {
    if (message.content.kind !== "text") return;
    const row = this.#rows.push({ chat: message.chat, id: message.id, at: message.at, editedAt: message.editedAt }) - 1;
    this.#rowOf.set(`${message.chat}/${message.id}`, row);
    for (const word of new Set(words(message.content.text))) {
      const rows = this.#postings.get(word);
      if (rows !== undefined) rows.push(row);
      else {
        this.#postings.set(word, [row]);
        this.#sorted = undefined;
      }
    }
  }

  /** Its row stays empty; what the postings still say of it leads nowhere. */
  #drop(chat: ChatId, id: MessageId): void {
    const row = this.#rowOf.get(`${chat}/${id}`);
    if (row === undefined) return;
    this.#rows[row] = undefined;
    this.#rowOf.delete(`${chat}/${id}`);
  }
}

function lowerBound(sorted: string[], word: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < word) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where words that begin with the wanted stand in the text. */
export function matches(text: string, wanted: string[]): { start: number; length: number }[] {
  const out: { start: number; length: number }[] = [];
  for (const found of text.matchAll(/[\p{L}\p{N}\p{M}]+/gu)) {
    const folded = words(found[0]).join("");
    const hit = wanted.filter((word) => folded.startsWith(word)).sort((a, b) => b.length - a.length)[0];
    if (hit !== undefined) out.push({ start: found.index, length: Math.min(hit.length, found[0].length) });
  }
  return out;
}

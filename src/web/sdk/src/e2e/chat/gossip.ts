/** Heads of the key log in messages: what this device tells, and what it does with those it hears. */
import type { Directory } from "../transparency/directory.js";
import { encodeHead, type Head } from "../transparency/heads.js";
import { hex } from "../bytes.js";

/** Heads that wait to be compared; more are not looked at: the next message brings another. */
const kMaxWaiting = 16;
/** Heads that were compared lately. */
const kMaxCompared = 256;

export class Gossip {
  private waiting = 0;
  private readonly compared = new Set<string>();

  constructor(private readonly directory: Directory) {}

  /** The head to tell in a chat where the one of size `told` was told last; undefined: nothing new. */
  tell(told: bigint): Head | undefined {
    const head = this.directory.heads.known;
    return head.size > told ? head : undefined;
  }

  /** Compares a head that `from` knows, in the background: what it proves is told by events. */
  heard(from: bigint, head: Head): void {
    const key = hex(encodeHead(head));
    if (this.compared.has(key) || this.waiting >= kMaxWaiting) return;
    this.waiting++;
    this.directory.compareHead(from, head).then(
      () => {
        this.compared.add(key);
        if (this.compared.size > kMaxCompared) this.compared.delete(this.compared.values().next().value!);
      },
      () => undefined,  // The connection was lost, or the server lied, which the directory has told.
    ).finally(() => this.waiting--);
  }
}

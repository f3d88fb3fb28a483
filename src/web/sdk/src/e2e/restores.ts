/**
 * Restores of the server from an older backup, as far as this device noticed them. The chats of the server are then in
 * earlier epochs than those of the clients, or in epochs of the same number that others made since, and the key packages that
 * it gives out may be used up. They are counted: the state of a chat says up to which of them it is known to fit what the
 * server has (ChatState.era), so that each chat is compared once, when there is something to read or to write in it.
 */
import type { E2eHost } from "./api.js";
import { be32, concat, readBe32 } from "./bytes.js";

const kRow = "e2e/restores";
/** A message that anybody can make has a chat compared no more often than this, milliseconds. */
const kDoubtMs = 60_000;
const kMaxDoubted = 100;

export class Restores {
  /** Told when one was noticed and is stored. */
  onNoticed: () => void = () => {};
  private noticedHere = false;
  private readonly doubted = new Map<string, number>();

  private constructor(
    private readonly host: E2eHost,
    private count: number,
    private published: number,
  ) {}

  static async load(host: E2eHost): Promise<Restores> {
    const row = await host.get(kRow);
    return new Restores(host, row ? readBe32(row, 0) : 0, row ? readBe32(row, 4) : 0);
  }

  /** How many there were. */
  get era(): number {
    return this.count;
  }

  /** The server's key packages of this device are those of a backup. */
  get packagesOld(): boolean {
    return this.published < this.count;
  }

  /** A connection begins. */
  connected(): void {
    this.noticedHere = false;
  }

  /** The server has gone back. It does so only while nobody is connected: once in a connection is enough. */
  async noticed(): Promise<void> {
    if (this.noticedHere) return;
    this.noticedHere = true;
    this.count++;
    await this.store();
    this.host.emit({ kind: "went_back" });
    this.onNoticed();
  }

  /** Key packages were made and published after restore number `era`. */
  async replaced(era: number): Promise<void> {
    this.published = era;
    await this.store();
  }

  /** Whether a chat in which something does not fit is to be compared now; else before it is written to. */
  compares(name: string): boolean {
    const now = this.host.now();
    if ((this.doubted.get(name) ?? -Infinity) + kDoubtMs > now) return false;
    this.doubted.delete(name);
    this.doubted.set(name, now);
    if (this.doubted.size > kMaxDoubted) this.doubted.delete(this.doubted.keys().next().value!);
    return true;
  }

  private store(): Promise<void> {
    return this.host.write([{ key: kRow, value: concat(be32(this.count), be32(this.published)) }]);
  }
}

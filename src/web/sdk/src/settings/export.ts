// Everything that the server holds of the account, and everything that this device does: JSON, one object a line.

import { decodeRecord } from "../store/units.js";
import { ask, type Core } from "../core.js";
import { bytesOf } from "../ids.js";
import { afterPrefix } from "../store/store.js";

const kBatch = 1000;
/** What is exported of this device: profiles, chats, groups, messages. Keys and states of the encryption stay. */
const kParts = [["u/", "profile"], ["c/", "chat"], ["g/", "group"], ["m/", "message"]] as const;

export class Export {
  readonly #core: Core;
  constructor(core: Core) {
    this.#core = core;
  }

  async make(onProgress: (bytes: number) => void = () => {}): Promise<Blob> {
    const parts: BlobPart[] = [];
    let size = 0;
    const add = (bytes: Uint8Array) => {
      parts.push(bytesOf(bytes));
      size += bytes.length;
      onProgress(size);
    };
    let cursor: Uint8Array | undefined;
    do {
      const part = await ask(this.#core, { case: "exportAccount", value: { cursor } }, "exportPart");
      add(part.lines);
      cursor = part.next.length > 0 ? part.next : undefined;
    } while (cursor !== undefined);
    for (const [prefix, kind] of kParts) {
      for (let from: string = prefix; ; ) {
        const entries = await this.#core.store.range(from, afterPrefix(prefix), { limit: kBatch });
        if (entries.length === 0) break;
        add(bytesOf(entries.map(([, bytes]) => `${JSON.stringify({ kind, source: "device", ...decodeRecord<object>(bytes) })}\n`).join("")));
        from = `${entries.at(-1)![0]}\0`;
      }
    }
    return new Blob(parts, { type: "application/x-ndjson" });
  }
}

/** Reads the whole key log as an auditor does: nobody else sees entries that a server hides from everyone but one. */
import type { KeyLogEntry } from "../../gen/godwit_pb.js";
import { equal } from "../bytes.js";
import type { Directory } from "./directory.js";
import { entryHash } from "./entries.js";
import { ServerLied } from "./heads.js";
import { RunningRoot } from "./merkle.js";

const kPage = 1000;

/**
 * Checks that the entries are exactly those of the head, and that the entries of each user go on from one another. Memory
 * grows with the number of users. Throws ServerLied.
 */
export async function audit(directory: Directory, progress?: (read: number, of: number) => void): Promise<{ entries: number; users: number }> {
  const running = new RunningRoot();
  const latest = new Map<bigint, Pick<KeyLogEntry, "version" | "index">>();
  for (;;) {
    const done = await directory.serial(async () => {
      const page = await directory.page({ from: running.size, limit: kPage });
      for (const entry of page) {
        const before = latest.get(entry.userId);
        if (entry.index !== running.size) throw new ServerLied("the key log has a hole");
        if (entry.version !== (before?.version ?? 0n) + 1n || entry.previous !== (before ? before.index + 1n : 0n)) {
          throw new ServerLied("the chain of entries of a user is broken");
        }
        running.append(entryHash(entry));
        latest.set(entry.userId, { version: entry.version, index: entry.index });
      }
      const head = directory.heads.known;
      if (running.size === head.size && !equal(running.root(), head.root)) throw new ServerLied("the key log is not what its head says");
      if (page.length === 0 && running.size < head.size) throw new ServerLied("entries are missing from the key log");
      progress?.(Number(running.size), Number(head.size));
      return running.size >= head.size;
    });
    if (done) return { entries: Number(running.size), users: latest.size };
  }
}

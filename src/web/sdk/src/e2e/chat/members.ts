/** Who is in a group by what the server says. */
import type { Group } from "../../gen/godwit_pb.js";
import type { E2eHost } from "../api.js";
import { ask } from "../requests.js";

/** Those of `users`, and some others, who are in now. */
export async function membersOf(host: E2eHost, chat: Uint8Array, users: bigint[]): Promise<Set<bigint>> {
  const members = new Set<bigint>();
  const sorted = [...users].sort((a, b) => (a < b ? -1 : 1));
  for (let page: Group | undefined, after = (sorted[0] ?? 1n) - 1n; sorted.length > 0 && (page?.more ?? true) && after < sorted.at(-1)!; ) {
    page = await ask(host, "getGroup", { chat, after, limit: Math.min(1000, Number(sorted.at(-1)! - after)) }, "group");
    for (const { userId } of page.members) members.add(userId);
    after = page.members.at(-1)?.userId ?? sorted.at(-1)!;
  }
  return members;
}

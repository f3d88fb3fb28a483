// Groups and statuses of the double.
import type { Client, Group, InviteLink, StatusPost } from "../../../sdk/src/api";
import type { Double } from "./index";
import { kHour, kMe, kNow, makeChat, makeMessage } from "./world";

export function groups(double: Double): Client["groups"] {
  const links: InviteLink[] = [{ id: "l1", expiresAt: kNow + 48 * kHour, approve: true, madeBy: kMe }];
  let waiting = ["1004"];
  const group = (chat: string): Group => ({
    chat,
    name: double.world.chats.get(chat)!.title,
    settings: { mayPost: "member", mayAdd: "admin", mayRename: "admin", timerS: 0 },
    members: [
      { user: kMe, role: "owner" },
      { user: "1002", role: "admin" },
      { user: "1001", role: "member" },
      { user: "1003", role: "member" },
      { user: "1005", role: "member" },
    ],
    banned: ["1007"],
  });
  const made = async () => {};
  return {
    create: async ({ name, members }) => {
      const chat = `g${"b".repeat(32)}`;
      double.world.chats.set(chat, makeChat(chat, name, { memberCount: members.length + 1 }));
      double.world.messages.set(chat, []);
      double.put(makeMessage(chat, kMe, { kind: "group", change: { created: true, name, added: members } }, Date.now(), { seq: 1 }));
      return { chat, notAdded: [] };
    },
    get: async (chat) => group(chat),
    rename: async (chat, title) => double.change(chat, { title }),
    setSettings: made,
    add: async () => ({ notAdded: [] }),
    remove: made,
    unban: made,
    setRole: made,
    leave: async (chat) => double.change(chat, { left: true }),
    makeInviteLink: async (_, options) => ({ id: "l2", link: "godwit-group:1:c29tZV9ncm91cF9hbmRfYV9zZWNyZXRfb2ZfMTZieXRlcw", expiresAt: kNow + 168 * kHour, approve: !!options?.approve, madeBy: kMe }),
    inviteLinks: async () => links,
    revokeInviteLink: async () => void links.splice(0),
    join: async () => ({ chat: `g${"a".repeat(32)}`, waiting: true }),
    joinRequests: async () => waiting,
    answerJoin: async () => void (waiting = []),
  };
}

export function statuses(double: Double): Client["statuses"] {
  const texts: Record<string, { text: string; background?: string }> = {
    s1: { text: "Low tide, long walk, no signal. Back on Sunday! 🌊", background: "#1d5f93" },
    s2: { text: "Two hundred godwits at the lighthouse!!", background: "#a34e1f" },
    s3: { text: "New scope day 🔭", background: "#5b4b9a" },
    s4: { text: "Looking for a lift to the harbour", background: "#0f6b66" },
  };
  const post = (id: string, author: string, hours: number, seen = false): StatusPost => ({ id, author, at: kNow - hours * kHour, expiresAt: kNow + (24 - hours) * kHour, seen, muted: false });
  let others = [post("s1", "1001", 5), post("s2", "1001", 2), post("s3", "1002", 9, true)];
  let mine = [{ ...post("s4", kMe, 3, true), viewers: 3, views: 2 }];
  return {
    list: async () => (double.scene.has("chats") ? [] : others),
    own: async () => (double.scene.has("chats") ? [] : mine),
    open: async (_, id) => texts[id]!,
    post: async (content) => {
      const made = post(`s${Object.keys(texts).length + 1}`, kMe, 0, true);
      texts[made.id] = content;
      mine = [...mine, { ...made, viewers: 3, views: 0 }];
      return made;
    },
    markSeen: async (_, id) => void (others = others.map((one) => (one.id === id ? { ...one, seen: true } : one))),
    remove: async (id) => void (mine = mine.filter((one) => one.id !== id)),
    mute: async (author, muted) => void (others = others.map((one) => (one.author === author ? { ...one, muted } : one))),
    views: async () => [{ user: "1001", at: kNow - kHour }, { user: "1002", at: kNow - 2 * kHour }],
    reply: async (author, _, text) => double.answer(makeMessage(double.open(author).id, kMe, text, Date.now())) as never,
  };
}

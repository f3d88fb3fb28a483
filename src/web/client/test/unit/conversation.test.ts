// What happens to a chat while a piece of it is being loaded.
import { type Client, type Events, GodwitError, type Message, type MessagePage } from "@godwit/client";
import { beforeEach, expect, test, vi } from "vitest";
import { Conversation } from "../../src/state/conversation";
import { toasts } from "../../src/state/toasts";

const kChat = "u1";
const sdk = vi.hoisted(() => ({ client: undefined as unknown }));
vi.mock("../../src/state/client", () => ({ client: () => sdk.client }));

let stored: Message[];
let listeners: { [event: string]: (value: never) => void };
/** Has what was read of the store arrive. */
let arrive: (() => void)[];

const emit = <K extends keyof Events>(event: K, value: Events[K]) => listeners[event]!(value as never);
const messageOf = (seq: number, text = `${seq}`) =>
  ({ id: `m${seq}`, chat: kChat, from: "2", seq, at: seq, own: false, content: { kind: "text", text }, reactions: [] }) as unknown as Message;
const texts = ({ messages }: Conversation) => messages.value.map(({ content }) => content.kind === "text" && content.text);
/** Until what was told is applied: some turns, and the pause of `batched`. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 40));

async function write(seq: number, text?: string) {
  const message = messageOf(seq, text);
  stored = [...stored.filter(({ id }) => id !== message.id), message];
  emit("messageChanged", message);
  await settle();
}

async function remove(seq: number) {
  stored = stored.filter(({ id }) => id !== `m${seq}`);
  emit("messageRemoved", { chat: kChat, id: `m${seq}` });
  await settle();
}

async function answer() {
  for (const one of arrive.splice(0)) one();
  await settle();
}

async function opened() {
  const conversation = new Conversation(kChat);
  await settle();
  await answer();
  return conversation;
}

beforeEach(() => {
  stored = Array.from({ length: 300 }, (_, i) => messageOf(i + 1));
  arrive = [];
  listeners = {};
  toasts.value = [];
  const indexOf = (id: string) => {
    const at = stored.findIndex((message) => message.id === id);
    if (at < 0) throw new GodwitError("not_found", "no such message here");
    return at;
  };
  const later = (messages: Message[], more: boolean) => new Promise<MessagePage>((resolve) => arrive.push(() => resolve({ messages, more })));
  sdk.client = {
    on: (event: string, listener: (value: never) => void) => ((listeners[event] = listener), () => {}),
    messages: {
      page: async (_: string, { before, limit }: { before?: string; limit: number }) => {
        const end = before ? indexOf(before) : stored.length;
        return later(stored.slice(Math.max(0, end - limit), end), end > limit);
      },
      around: async (_: string, id: string, limit: number) => {
        const at = indexOf(id);
        return later(stored.slice(Math.max(0, at - limit / 2), at + limit / 2), at > limit / 2);
      },
    },
  } as unknown as Client;
});

test("a message that comes, changes or goes while the chat is being opened does so in what was read before", async () => {
  const conversation = new Conversation(kChat);
  await settle();
  await write(301);
  await write(300, "better");
  await remove(299);
  await answer();
  expect(texts(conversation).slice(-3)).toEqual(["298", "better", "301"]);
});

test("a message that goes while older ones are being loaded does not come with them", async () => {
  const conversation = await opened();
  void conversation.older();
  await settle();
  await remove(150);
  await write(301);
  await answer();
  expect(texts(conversation)).not.toContain("150");
  expect(texts(conversation).length).toBe(200);
  expect(texts(conversation).at(-1)).toBe("301");
});

test("a message that is changed and removed in one turn does not come back", async () => {
  const conversation = await opened();
  emit("messageChanged", messageOf(300, "better"));
  emit("messageRemoved", { chat: kChat, id: "m300" });
  await settle();
  expect(texts(conversation).at(-1)).toBe("299");
});

test("a message that comes while the end is being looked for is at the end", async () => {
  const conversation = await opened();
  void conversation.reach("m20");
  await settle();
  await answer();
  expect(texts(conversation)[0]).toBe("1");
  for (let i = 0; i < 5 && !conversation.newest.value; ++i) {
    void conversation.newer();
    await settle();
    if (conversation.messages.value.at(-1)?.id === "m300") await write(301);
    await answer();
  }
  expect(texts(conversation).at(-1)).toBe("301");
});

test("a jump waits for the older messages that are being loaded", async () => {
  const conversation = await opened();
  void conversation.older();
  const reached = conversation.reach("m20");
  await settle();
  await answer();
  await answer();
  expect(await reached).toBe(true);
  expect(texts(conversation)).toContain("20");
});

test("when the message at either end goes as those beyond it are asked for, that is no fault, and they are there the next time", async () => {
  const conversation = await opened();
  void conversation.reach("m150");
  await settle();
  await answer();
  expect([texts(conversation)[0], texts(conversation).at(-1)]).toEqual(["100", "199"]);
  stored = stored.filter(({ id }) => id !== "m100" && id !== "m199");
  await conversation.older();
  await conversation.newer();
  expect(conversation.newest.value).toBe(false);
  expect(toasts.value).toEqual([]);
  await remove(100);
  await remove(199);
  void conversation.older();
  await settle();
  await answer();
  void conversation.newer();
  await settle();
  await answer();
  const expected = stored.slice(0, texts(conversation).length).map(({ seq }) => `${seq}`);
  expect(texts(conversation)).toEqual(expected);
  expect(expected.length).toBeGreaterThan(250);
});

test("those around a message that moves just then are not taken for those after it", async () => {
  const conversation = await opened();
  void conversation.reach("m20");
  await settle();
  await answer();
  const shown = texts(conversation);
  const { messages } = sdk.client as { messages: Client["messages"] };
  vi.spyOn(messages, "around").mockResolvedValueOnce({ messages: [messageOf(200), messageOf(201)], more: true });
  await conversation.newer();
  expect(texts(conversation)).toEqual(shown);
  expect(conversation.newest.value).toBe(false);
});

// Fills the store of a browser through the SDK's own layer, as if that much had been received: put into a page by bench.mjs.
import { keys, newChat, placeAt, type ChatRecord, type MessageRecord } from "../../src/web/sdk/src/chats/records";
import { messageId, uuid7 } from "../../src/web/sdk/src/ids";
import { IndexedDbStore } from "../../src/web/sdk/src/store/indexeddb";
import { SealedStore } from "../../src/web/sdk/src/store/sealed";
import type { StoreWrite } from "../../src/web/sdk/src/store/store";
import { decodeRecord, encodeRecord } from "../../src/web/sdk/src/store/units";

const kWords = "tide mud scope rings flock count harbour dyke storm calm early late north south wader bill".split(" ");
const kFirstUser = 1_000_000; // of those who write; nobody at the server
const kBatch = 2000; // messages stored at once

/** `share`: the part of the messages that is in the first chat. Returns the id of that chat. */
async function fillStore({ chats, messages, share }: { chats: number; messages: number; share: number }): Promise<string> {
  const store = await SealedStore.open(await IndexedDbStore.open("godwit/default"));
  const { userId: me } = decodeRecord<{ userId: string }>((await store.get("account"))!);
  const first = Math.round(messages * share);
  const rest = Math.floor((messages - first) / (chats - 1));
  const now = Date.now();
  let writes: StoreWrite[] = [];
  const put = (key: string, record: unknown) => writes.push({ key, value: encodeRecord(record) });
  for (let c = 0; c < chats; ++c) {
    const peer = String(kFirstUser + c);
    const count = c === 0 ? first : rest;
    const chat: ChatRecord = { ...newChat(`u${peer}`), end: count, read: count, peerDelivered: count, peerRead: count };
    for (let i = 1; i <= count; ++i) {
      const at = now - (count - i) * 60_000 - c * 3_600_000;
      const text = Array.from({ length: 3 + ((i * 7 + c) % 30) }, (_, w) => kWords[(i * 31 + w * 17 + c) % kWords.length]).join(" ");
      const message: MessageRecord = { id: messageId(uuid7(at)), chat: chat.id, from: i % 3 ? peer : me, fromDevice: 1, seq: i, at, content: { kind: "text", text }, reactions: [] };
      put(keys.message(chat.id, placeAt(i)), message);
      put(keys.index(chat.id, message.id), placeAt(i));
      if (i === count) Object.assign(chat, { lastAt: at, previewPlace: placeAt(i), preview: { id: message.id, from: message.from, kind: "text", text: text.slice(0, 120), at } });
      if (writes.length > kBatch) await store.batch(writes.splice(0));
    }
    put(keys.chat(chat.id), chat);
    put(keys.user(peer), { userId: peer, handle: `person.${c}`, name: `Person ${c}`, version: 1 });
  }
  await store.batch(writes);
  await store.close();
  return `u${kFirstUser}`;
}

Object.assign(globalThis, { fillStore });

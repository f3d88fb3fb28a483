// How far messages have got: the ticks.

import type { Model } from "../chats/model.js";
import { countsAsUnread } from "../chats/model.js";
import { keys, type MessageRecord, placeAt } from "../chats/records.js";
import type { Core } from "../core.js";
import type { ReceiptCounts, Watermark } from "../gen/godwit_pb.js";
import { chatOf, groupChat } from "../ids.js";
import { decodeRecord, type Unit } from "../store/units.js";

/** So many messages are looked at to tell their new state. Older ones are shown right when they are read. */
const kMaxTold = 200;

export class WatermarkSync {
  readonly #core: Core;
  readonly #model: Model;

  constructor(core: Core, model: Model) {
    this.#core = core;
    this.#model = model;
  }

  watermarks(marks: readonly Watermark[]): Promise<void> {
    return this.#core.units.run(async (unit) => {
      for (const mark of marks) await this.#mark(unit, mark);
    });
  }

  async #mark(unit: Unit, mark: Watermark): Promise<void> {
    const id = chatOf(mark.peer, mark.chat);
    if (this.#model.peek(id) === undefined && unit.staged(keys.chat(id)) === undefined) return;
    const chat = await this.#model.chat(unit, id);
    const delivered = Number(mark.delivered);
    const read = Number(mark.read);
    if (String(mark.member) === this.#core.me().userId) {
      if (read <= chat.read) return;
      chat.read = read;
      chat.unread = await this.unreadAfter(id, read);
      chat.markedUnread = false;
      return this.#model.putChat(unit, chat);
    }
    if (delivered <= chat.peerDelivered && read <= chat.peerRead) return;
    const from = Math.min(chat.peerDelivered < delivered ? chat.peerDelivered : delivered, chat.peerRead < read ? chat.peerRead : delivered);
    chat.peerDelivered = Math.max(chat.peerDelivered, delivered);
    chat.peerRead = Math.max(chat.peerRead, read);
    this.#model.putChat(unit, chat);
    const to = Math.max(chat.peerDelivered, chat.peerRead);
    const range = [keys.message(id, placeAt(from + 1)), keys.message(id, placeAt(to + 1))] as const;
    const moved = await this.#core.store.range(...range, { reverse: true, limit: kMaxTold });
    unit.after(() => {
      for (const [, bytes] of moved.reverse()) {
        const message = this.#model.showMessage(chat, decodeRecord<MessageRecord>(bytes));
        if (message.own) this.#core.emitter.emit("messageChanged", message);
      }
    });
  }

  /** Messages of others after a position. */
  async unreadAfter(id: string, seq: number): Promise<number> {
    const later = await this.#core.store.range(keys.message(id, placeAt(seq + 1)), keys.message(id, "p"));
    const me = this.#core.me().userId;
    return later.map(([, bytes]) => decodeRecord<MessageRecord>(bytes)).filter((m) => m.from !== me && countsAsUnread(m.content)).length;
  }

  receipts(counts: ReceiptCounts): Promise<void> {
    return this.#core.units.run(async (unit) => {
      const id = groupChat(counts.chat);
      if (this.#model.peek(id) === undefined) return;
      const chat = await this.#model.chat(unit, id);
      for (const { chatSeq, delivered, read, of } of counts.counts) {
        const place = placeAt(Number(chatSeq));
        const message = await unit.get<MessageRecord>(keys.message(id, place));
        if (message !== undefined) this.#model.putMessage(unit, chat, place, { ...message, receipts: { delivered, read, of } });
      }
    });
  }
}

// What the user's devices tell each other, and what the server tells all of them: the chat with oneself.

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Apply } from "../chats/apply.js";
import { newerProfile } from "../chats/content.js";
import type { Model } from "../chats/model.js";
import type { Core } from "../core.js";
import { type SelfContent, SelfContentSchema } from "../gen/content_pb.js";
import type { ChatEvent, Envelope } from "../gen/godwit_pb.js";
import { chatOf, uuid7 } from "../ids.js";
import type { Unit } from "../store/units.js";

type BodyInit = NonNullable<Parameters<typeof create<typeof SelfContentSchema>>[1]>["body"];

export class SelfChannel {
  readonly #core: Core;
  readonly #model: Model;
  readonly #apply: Apply;

  constructor(core: Core, model: Model, apply: Apply) {
    this.#core = core;
    this.#model = model;
    this.#apply = apply;
  }

  hidden(unit: Unit, event: ChatEvent): Promise<void> {
    return this.#apply.hidden(unit, chatOf(event.hiddenPeer, event.hiddenChat), Number(event.hiddenSeq));
  }

  async receive(unit: Unit, envelope: Envelope): Promise<void> {
    if (envelope.fromDevice === this.#core.me().deviceId || envelope.payload.length === 0) return;
    const bytes = await this.#core.e2e().openFromSelf(envelope);
    if (bytes === undefined) return;
    let content: SelfContent;
    try {
      content = fromBinary(SelfContentSchema, bytes);
    } catch {
      return; // of a newer version, or damaged: nothing hangs on it
    }
    const { body } = content;
    if (body.case === "alias") {
      const userId = String(body.value.userId);
      const known = this.#model.user(userId) ?? { userId, version: 0 };
      this.#model.putUser(unit, { ...known, alias: body.value.name === "" ? undefined : body.value.name });
    } else if (body.case === "profile") {
      const { userId } = this.#core.me();
      const newer = newerProfile(this.#model.user(userId) ?? { userId, version: 0 }, body.value);
      if (newer !== undefined) this.#model.putUser(unit, newer);
    }
  }

  /** Tells the user's other devices. Without any, nothing is sent. */
  async send(body: BodyInit): Promise<void> {
    const payloads = await this.#core.e2e().sealToSelf(toBinary(SelfContentSchema, create(SelfContentSchema, { body })));
    if (payloads.length === 0) return;
    const id = uuid7(this.#core.connection.now());
    await this.#core.connection.call({ case: "send", value: { id, to: BigInt(this.#core.me().userId), devicePayloads: payloads } });
  }
}

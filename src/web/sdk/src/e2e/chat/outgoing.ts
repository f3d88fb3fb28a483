/** Encrypts messages of the app. */
import { NotReadyError, type ChatRef } from "../api.js";
import type { Mls } from "../mls.js";
import { nameOf } from "./chat-id.js";
import type { Work } from "./chats.js";
import { encodeFrame } from "./frame.js";
import type { Gossip } from "./gossip.js";
import type { Ready } from "./ready.js";

export class Outgoing {
  constructor(
    private readonly mls: Mls,
    private readonly ready: Ready,
    private readonly gossip: Gossip,
  ) {}

  async seal(tx: Work, chat: ChatRef, id: Uint8Array, content: Uint8Array): Promise<Uint8Array> {
    const name = nameOf(chat);
    const state = await tx.get(name);
    if (!state.mls || !this.ready.holds(name, state)) throw new NotReadyError("the chat must be made ready first");
    const { epoch } = state.mls.groupContext;
    const head = this.gossip.tell(state.headTold);
    const secret = state.secretTold === epoch ? undefined : state.secret;
    const { state: mls, message } = await this.mls.seal(state.mls, encodeFrame(id, { content, head, secret }));
    await tx.update(name, {
      mls,
      ...(head ? { headTold: head.size } : {}),
      ...(secret ? { secretTold: epoch } : {}),
    });
    return message;
  }
}

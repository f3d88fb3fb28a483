// What the user must be told about keys and the server: an event, and a line in the chat that it is about.

import type { SecurityEvent } from "../api.js";
import { background, type Core } from "../core.js";
import type { E2eEvent } from "../e2e/api.js";
import { faultOf, translate } from "../e2e-host.js";
import { chatOf, directChat, messageId, uuid7 } from "../ids.js";
import type { Unit } from "../store/units.js";
import type { Model } from "./model.js";
import { type ChatRecord, localPlace } from "./records.js";

export class Security {
  readonly #core: Core;
  readonly #model: Model;

  constructor(core: Core, model: Model) {
    this.#core = core;
    this.#model = model;
  }

  /** With `chat`, a line is written there. */
  told(unit: Unit, event: SecurityEvent, chat?: ChatRecord): void {
    unit.after(() => this.#core.emitter.emit("security", event));
    if (chat === undefined) return;
    const at = this.#core.connection.now();
    const { userId, deviceId } = this.#core.me();
    const id = messageId(uuid7(at));
    this.#model.putMessage(unit, chat, localPlace(chat.end, at), {
      id,
      chat: chat.id,
      from: event.user ?? userId,
      fromDevice: event.device ?? deviceId,
      seq: chat.end,
      at,
      content: { kind: "security", event },
      reactions: [],
    });
  }

  /** Outside of a unit. */
  tell(event: SecurityEvent): Promise<void> {
    return this.#core.units.run(async (unit) => {
      const chat = event.chat === undefined ? undefined : this.#model.peek(event.chat);
      this.told(unit, event, chat && (await this.#model.chat(unit, chat.id)));
    });
  }

  /** What the encryption found. Never throws. */
  fromE2e(event: E2eEvent): void {
    if (event.kind === "failed") return background(this.#core, Promise.reject(translate(event.error)));
    for (const told of this.#translate(event)) {
      this.tell(told).catch((error: unknown) => this.#core.emitter.emit("storage", { state: "failed", error }));
    }
  }

  #translate(event: E2eEvent): SecurityEvent[] {
    switch (event.kind) {
      case "identity_changed": {
        const user = String(event.userId);
        const chat = directChat(event.userId);
        return [
          ...(event.wasVerified ? [{ kind: "verified_changed" as const, user, chat }] : []),
          ...event.added.map((device) => ({ kind: "device_added" as const, user, chat, device })),
          ...event.removed.map((device) => ({ kind: "device_removed" as const, user, chat, device })),
          ...event.rekeyed.map((device) => ({ kind: "identity_changed" as const, user, chat, device })),
        ];
      }
      case "unknown_own_device":
        return event.devices.map((device) => ({ kind: "own_device_unknown" as const, user: this.#core.me().userId, device }));
      case "server_lied":
        return [faultOf(event)];
      case "joined":
        if (!event.rejoined) return [];
        return [{ kind: "identity_changed", user: this.#core.me().userId, chat: chatOf(event.chat.peer ?? 0n, event.chat.chat ?? new Uint8Array()), detail: "this device came back into the encryption of the chat" }];
      case "log_differs":
        return [{ kind: "log_fork", user: String(event.userId), chat: directChat(event.userId), detail: "their key log is signed by another key than ours" }];
      case "device_added":
        if (event.by !== "server") return [];
        return [{ kind: "uninvited_device", user: String(event.device.userId), device: event.device.deviceId, chat: chatOf(event.chat.peer ?? 0n, event.chat.chat ?? new Uint8Array()) }];
      default:
        return []; // who comes into a chat is told by what changes its members, or their keys
    }
  }
}

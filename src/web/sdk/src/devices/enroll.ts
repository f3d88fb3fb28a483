// How a device gets into an account: by making one, or by being let into one.

import type { Account, LinkOffer, RegistrationMode } from "../api.js";
import type { AccountRecord } from "../core.js";
import type { ReplyBody, SigningKey } from "../e2e/api.js";
import { GodwitError } from "../errors.js";
import { type Linked, PresenceState, Registration } from "../gen/godwit_pb.js";
import type { Connection } from "../transport/connection.js";
import { proofs } from "../transport/proofs.js";
import type { Socket } from "../transport/socket.js";
import { linkText } from "./devices.js";

const kModes: Record<number, RegistrationMode> = {
  [Registration.OPEN]: "open",
  [Registration.INVITE]: "invite",
  [Registration.VERIFIED]: "verified",
};

export class Enroll {
  readonly #connection: Connection;
  readonly #key: () => Promise<SigningKey>;
  readonly #adopt: (account: AccountRecord) => Promise<Account>;
  /** Offers that can be approved: their connections, where the server tells it, and how to take them back. */
  readonly #offers = new Map<Socket, () => void>();

  /** `key` makes or loads the device's key, `adopt` stores the account and connects. */
  constructor(connection: Connection, key: () => Promise<SigningKey>, adopt: (account: AccountRecord) => Promise<Account>) {
    this.#connection = connection;
    this.#key = key;
    this.#adopt = adopt;
  }

  async mode(): Promise<RegistrationMode> {
    const { socket, challenge } = await this.#connection.greet();
    socket.close();
    return kModes[challenge.registration] ?? "closed";
  }

  async requestCode(handle: string): Promise<{ expiresS: number; retryAfterS: number }> {
    const { socket } = await this.#connection.greet();
    try {
      const reply = await socket.request({ case: "requestCode", value: { handle } });
      if (reply.case !== "codeSent") throw new GodwitError("bad_frame", "the server did not send a code");
      return { expiresS: reply.value.expiresS, retryAfterS: reply.value.retryAfterS };
    } finally {
      socket.close();
    }
  }

  async register({ handle, deviceName = "", invite = "", code = "" }: { handle: string; deviceName?: string; invite?: string; code?: string }): Promise<Account> {
    const key = await this.#key();
    const { socket, challenge } = await this.#connection.greet();
    try {
      const signature = await proofs.register(key, challenge.nonce, handle);
      const reply = await socket.request({ case: "register", value: { handle, deviceKey: key.publicKey, signature, deviceName, invite, code } });
      if (reply.case !== "registered") throw new GodwitError("bad_frame", "the server did not register");
      const { userId, deviceId, token, tokenExpiresMs } = reply.value;
      return await this.#enter({ userId: String(userId), deviceId, handle: handle.toLowerCase(), token, tokenExpiresMs: Number(tokenExpiresMs) });
    } finally {
      socket.close();
    }
  }

  /** Ends what waits. */
  close(): void {
    for (const socket of this.#offers.keys()) socket.close();
  }

  async link(deviceName = ""): Promise<LinkOffer> {
    const key = await this.#key();
    let onPush: (body: ReplyBody) => void = () => {};
    let onClose = () => {};
    const { socket, challenge } = await this.#connection.greet((body) => onPush(body), () => onClose());
    try {
      const signature = await proofs.linkBegin(key, challenge.nonce);
      const reply = await socket.request({ case: "linkBegin", value: { deviceKey: key.publicKey, signature, deviceName } });
      if (reply.case !== "linkOffer") throw new GodwitError("bad_frame", "the server made no offer");
      const { linkId, expiresS } = reply.value;
      let state: "open" | "cancelled" | "approved" = "open";
      let cancel = () => {};
      const linked = new Promise<Account>((resolve, reject) => {
        const ended = (why: string) => reject(new GodwitError("link_invalid", why));
        const timer = setTimeout(() => {
          ended("the offer has expired");
          socket.close();
        }, expiresS * 1000);
        onClose = () => {
          clearTimeout(timer);
          this.#offers.delete(socket);
          if (state === "open") ended("the offer was taken back");
        };
        // The server lets it be approved until it expires: the connection hears of it, so that no device is left that nobody uses.
        cancel = () => {
          if (state !== "open") return;
          state = "cancelled";
          ended("the offer was taken back");
        };
        onPush = (body) => {
          if (body.case !== "linked") return;
          if (state === "cancelled") return void this.#leave(socket, challenge.nonce, body.value);
          state = "approved";
          const { userId, deviceId, token, tokenExpiresMs } = body.value;
          this.#enter({ userId: String(userId), deviceId, handle: "", token, tokenExpiresMs: Number(tokenExpiresMs) }).then(resolve, reject);
          socket.close();
        };
        this.#offers.set(socket, cancel);
      });
      linked.catch(() => {}); // whoever waits for it hears of it
      return { text: linkText(linkId, key.publicKey), expiresAt: Date.now() + expiresS * 1000, linked, cancel };
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /** This device has an account: no other offer may bring it into another one. */
  #enter(account: AccountRecord): Promise<Account> {
    for (const cancel of this.#offers.values()) cancel();
    return this.#adopt(account);
  }

  /** Signs out the device that an approval has made. */
  async #leave(socket: Socket, nonce: Uint8Array, { token, deviceId }: Linked): Promise<void> {
    try {
      const signature = await proofs.hello(await this.#key(), nonce, token);
      await socket.request({ case: "hello", value: { token, deviceId, signature, presence: PresenceState.OFFLINE } });
      await socket.request({ case: "revokeDevice", value: { deviceId } });
    } catch {
      // it stays in the list of devices, where the user can sign it out
    } finally {
      socket.close();
    }
  }
}

// Builds a client of its parts, and passes on what the connection brings.

import type { Account, Calls, Chats, Client, ConnectionState, ContactsApi, Devices, Events, Groups, LinkOffer, Message, Messages, OpenOptions, PresenceApi, Profile, RegistrationMode, Safety, Settings, Statuses, UserId } from "./api.js";
import { type AccountRecord, background, type Core, kDefaultTuning } from "./core.js";
import { DeviceBook } from "./devices/devices.js";
import { Enroll } from "./devices/enroll.js";
import type { E2e, E2eEvent, E2eHost, ReplyBody, SigningKey } from "./e2e/api.js";
import { loadSigningKey, makeSigningKey } from "./e2e/device-keys.js";
import { e2eHost, translated } from "./e2e-host.js";
import { Emitter } from "./emitter.js";
import { GodwitError } from "./errors.js";
import type { Welcome } from "./gen/godwit_pb.js";
import { Parts } from "./parts.js";
import { openStore } from "./store/open.js";
import type { SealedStore } from "./store/sealed.js";
import { decodeRecord, encodeRecord, Units } from "./store/units.js";
import { Connection } from "./transport/connection.js";
import { proofs } from "./transport/proofs.js";

/** Makes the encryption of an account. */
export type MakeE2e = (host: E2eHost) => Promise<E2e> | E2e;

const kDeviceKey = "device";

export class GodwitClient implements Client {
  readonly chats: Chats;
  readonly messages: Messages;
  readonly groups: Groups;
  readonly statuses: Statuses;
  readonly presence: PresenceApi;
  readonly calls: Calls;
  readonly devices: Devices;
  readonly settings: Settings;
  readonly contacts: ContactsApi;
  readonly safety: Safety;

  readonly #core: Core;
  readonly #makeE2e: MakeE2e;
  readonly #emitter: Emitter;
  readonly #parts: Parts;
  readonly #enroll: Enroll;
  readonly #cleanup: (() => void)[] = [];
  #account: AccountRecord | undefined;
  #deviceKey: SigningKey | undefined;
  #e2e: E2e | undefined;
  #state: ConnectionState = "none";
  #closed = false;

  constructor(options: OpenOptions, store: SealedStore, emitter: Emitter, makeE2e: MakeE2e) {
    const WebSocket = options.WebSocket ?? globalThis.WebSocket;
    if (WebSocket === undefined) throw new GodwitError("not_supported", "there is no WebSocket here: pass one in the options");
    const tuning = { ...kDefaultTuning, ...options.tuning };
    this.#makeE2e = makeE2e;
    this.#emitter = emitter;
    const connection = new Connection(options.url, WebSocket as never, tuning, options.clientName ?? "godwit-sdk", {
      credentials: () => this.#account && { ...this.#account, userId: BigInt(this.#account.userId), key: this.#deviceKey! },
      saveToken: (token, tokenExpiresMs) => this.#saveAccount({ ...this.#account!, token, tokenExpiresMs }),
      cursor: () => this.#parts.inbox.cursor(),
      cursorLost: () => this.#parts.inbox.lost(),
      onWelcome: (welcome) => this.#welcome(welcome),
      onPush: (body) => this.#push(body),
      onState: (state, more) => this.#setState(state, more),
    });
    const core: Core = {
      connection,
      store,
      units: new Units(store),
      emitter,
      tuning,
      me: () => {
        if (this.#account === undefined) throw new GodwitError("no_account", "register or link this device first");
        return this.#account;
      },
      e2e: () => {
        if (this.#e2e === undefined) throw new GodwitError("no_account", "register or link this device first");
        return this.#e2e;
      },
    };
    this.#core = core;
    store.onFull = (full, error) => emitter.emit("storage", full ? { state: "full", error } : { state: "ok" });
    const parts = new Parts(core, options.RTCPeerConnection ?? globalThis.RTCPeerConnection, {
      deleteAccount: () => this.#deleteAccount(),
      signOut: () => this.#signOut(),
    });
    parts.inbox.onCaughtUp = () => {
      parts.outbox.open();
      background(core, this.#caughtUp());
    };
    parts.inbox.onStalled = () => parts.outbox.open();
    this.#parts = parts;
    this.#enroll = new Enroll(connection, () => this.#makeDeviceKey(), (account) => this.#adopt(account));
    this.chats = parts.chats;
    this.messages = parts.messages;
    this.groups = parts.groups;
    this.statuses = parts.statuses;
    this.presence = parts.presence;
    this.calls = parts.calls;
    this.devices = new DeviceBook(core, () => this.#deviceKey!);
    this.contacts = parts.users;
    this.safety = parts.safety;
    this.settings = parts.settings;
  }

  /** Loads what is stored, and connects unless told otherwise. */
  async start(offline: boolean): Promise<void> {
    const stored = await this.#core.store.get("account");
    await this.#parts.model.load();
    if (stored !== undefined) {
      this.#deviceKey = await loadSigningKey(this.#core.store.vault(), kDeviceKey);
      if (this.#deviceKey === undefined) throw new GodwitError("storage_failed", "the device's key is gone");
      this.#account = decodeRecord<AccountRecord>(stored);
      this.#e2e = await this.#openE2e(this.#account);
      await this.#parts.outbox.load();
    }
    this.#parts.expiry.start();
    this.#listenToPlatform();
    if (this.#account !== undefined) {
      this.#setState("offline");
      if (!offline) this.connect();
    }
  }

  get account(): Account | undefined {
    if (this.#account === undefined) return undefined;
    const { userId, deviceId, handle } = this.#account;
    return { userId, deviceId, handle };
  }

  get state(): ConnectionState {
    return this.#state;
  }

  registrationMode(): Promise<RegistrationMode> {
    return this.#enroll.mode();
  }

  requestCode(handle: string): Promise<{ expiresS: number; retryAfterS: number }> {
    return this.#enroll.requestCode(handle);
  }

  register(registration: { handle: string; deviceName?: string; invite?: string; code?: string }): Promise<Account> {
    if (this.#account !== undefined) return Promise.reject(new GodwitError("wrong_state", "this device has an account"));
    return this.#enroll.register(registration);
  }

  linkThisDevice({ deviceName }: { deviceName?: string } = {}): Promise<LinkOffer> {
    if (this.#account !== undefined) return Promise.reject(new GodwitError("wrong_state", "this device has an account"));
    return this.#enroll.link(deviceName);
  }

  connect(): void {
    if (this.#account !== undefined && !this.#closed) this.#core.connection.start();
  }

  disconnect(): void {
    this.#core.connection.stop(this.#account === undefined ? "none" : "offline");
  }

  setOnline(online: boolean): void {
    this.#core.connection.setOnline(online);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const undo of this.#cleanup) undo();
    this.#parts.stop();
    this.#enroll.close();
    this.#core.connection.stop();
    await this.#parts.inbox.stop();
    this.#e2e?.close();
    await this.#core.store.close();
  }

  lookup(handle: string): Promise<UserId> {
    return this.#parts.users.lookup(handle);
  }

  user(id: UserId): Promise<Profile> {
    return this.#parts.users.profile(id);
  }

  async send(to: string, text: string): Promise<Message> {
    if (/^(u\d{1,20}|g[0-9a-f]{32})$/.test(to)) return this.messages.send(to, { text });
    const known = this.#parts.model.chats().find((chat) => chat.peer !== undefined && this.#parts.model.user(chat.peer)?.handle === to.toLowerCase());
    return this.messages.send(known?.id ?? (await this.chats.openDirect(to)).id, { text });
  }

  on<K extends keyof Events>(event: K, listener: (value: Events[K]) => void): () => void {
    return this.#emitter.on(event, listener);
  }

  #setState(state: ConnectionState, more: { retryAt?: number; reason?: string } = {}): void {
    if (this.#closed && state !== "offline") return;
    this.#state = state;
    if (state !== "online" && state !== "catching_up") {
      this.#parts.presence.disconnected();
      this.#parts.calls.disconnected();
    }
    this.#emitter.emit("connection", { state, ...more });
  }

  #welcome(welcome: Welcome): void {
    this.#parts.outbox.hold();
    const ready = this.#core.e2e().connected(welcome);
    ready.catch((error: unknown) => {
      if (error instanceof GodwitError && error.code === "encryption_failed" && !error.retryable) this.#core.connection.stop("stopped", "encryption");
      else if (this.#core.connection.live) this.#core.connection.restart();
    });
    this.#parts.inbox.welcome(welcome, ready);
    this.#parts.presence.connected();
    this.#parts.calls.connected();
  }

  async #caughtUp(): Promise<void> {
    const { connection } = this.#core;
    const { nonce } = connection;
    await this.#parts.groupEvents.readNames(); // so that a client that is online can name its chats
    if (!connection.live || connection.nonce !== nonce) return;
    this.#setState("online");
    this.#parts.chats.tellRead();
    void this.#parts.history.run();
    background(this.#core, this.#learnHandles());
  }

  #push(body: ReplyBody): void {
    switch (body.case) {
      case "deliver":
        return this.#parts.inbox.deliver(body.value.envelopes);
      case "gap":
        return this.#parts.inbox.gap(body.value);
      case "caughtUp":
        return this.#parts.inbox.caughtUp();
      case "watermarks":
        return background(this.#core, this.#parts.marks.watermarks(body.value.watermarks));
      case "receiptCounts":
        return background(this.#core, this.#parts.marks.receipts(body.value));
      case "presences":
        return this.#parts.presence.presences(body.value.presences);
      case "typingNotice":
        return this.#parts.presence.typing(body.value);
      case "statusNews":
      case "statusViewCount":
        return this.#parts.statuses.push(body);
      case "callOffered":
      case "callChanged":
      case "callSignaled":
      case "callState":
        return this.#parts.calls.push(body);
      case "keyStock":
        return background(this.#core, this.#core.e2e().stock(body.value));
      default: // newer servers may push what this client does not know
    }
  }

  async #makeDeviceKey(): Promise<SigningKey> {
    const vault = this.#core.store.vault();
    this.#deviceKey ??= (await loadSigningKey(vault, kDeviceKey)) ?? (await makeSigningKey(vault, kDeviceKey));
    return this.#deviceKey;
  }

  async #saveAccount(account: AccountRecord): Promise<void> {
    await this.#core.store.batch([{ key: "account", value: encodeRecord(account) }]);
    this.#account = account;
  }

  /** This device has an account now. A linked one begins at the end of every chat. */
  async #adopt(account: AccountRecord): Promise<Account> {
    await this.#saveAccount(account);
    this.#e2e = await this.#openE2e(account);
    this.connect();
    // Without the list it is in the account all the same, and chats appear with their next messages.
    if (account.handle === "") await this.#parts.history.chatList(false).catch((error: unknown) => background(this.#core, Promise.reject(error)));
    this.#emitter.emit("account", this.account);
    return this.account!;
  }

  async #openE2e(account: AccountRecord): Promise<E2e> {
    return translated(await this.#makeE2e(e2eHost(this.#core, account, this.#deviceKey!, (event) => this.#fromE2e(event))));
  }

  #fromE2e(event: E2eEvent): void {
    if (event.kind === "went_back") background(this.#core, this.#parts.outbox.sealAgain());
    else this.#parts.security.fromE2e(event);
  }

  /** Of the user after linking, and of who wrote first. */
  async #learnHandles(): Promise<void> {
    const me = this.#core.me();
    if (me.handle === "") {
      await this.#parts.users.introduce(me.userId);
      const handle = this.#parts.model.user(me.userId)?.handle;
      if (handle !== undefined) await this.#saveAccount({ ...this.#account!, handle });
      this.#emitter.emit("account", this.account);
    }
    for (const { peer } of this.#parts.model.chats()) {
      if (peer !== undefined) await this.#parts.users.introduce(peer).catch(() => {}); // who is no more must not stop the others
    }
  }

  async #deleteAccount(): Promise<void> {
    const { connection } = this.#core;
    const signature = await proofs.deleteAccount(this.#deviceKey!, connection.nonce, BigInt(this.#core.me().userId));
    const reply = await connection.request({ case: "deleteAccount", value: { signature } });
    if (reply.case === "done") await this.#forget();
  }

  async #signOut(): Promise<void> {
    // Where the server refuses this device there is nobody to tell.
    if (this.state !== "stopped") await this.devices.revoke(this.#core.me().deviceId);
    await this.#forget();
  }

  async #forget(): Promise<void> {
    this.#closed = true;
    for (const undo of this.#cleanup) undo();
    this.#parts.stop();
    this.#enroll.close();
    this.#core.connection.stop("none");
    await this.#parts.inbox.stop();
    this.#e2e?.close();
    await this.#core.store.destroy();
    this.#account = undefined;
    this.#emitter.emit("account", undefined);
  }

  #listenToPlatform(): void {
    if (typeof globalThis.addEventListener !== "function") return;
    const up = () => this.setOnline(true);
    const down = () => this.setOnline(false);
    globalThis.addEventListener("online", up);
    globalThis.addEventListener("offline", down);
    this.#cleanup.push(() => {
      globalThis.removeEventListener("online", up);
      globalThis.removeEventListener("offline", down);
    });
  }
}

/** Opens the storage and a client on it. */
export async function openWith(options: OpenOptions, makeE2e: MakeE2e): Promise<Client> {
  const emitter = new Emitter();
  const { store, refused } = await openStore(options);
  const client = new GodwitClient(options, store, emitter, makeE2e);
  try {
    await client.start(options.offline ?? false);
  } catch (error) {
    await client.close().catch(() => {});
    throw error;
  }
  // Heard by who listens as soon as this has returned.
  if (refused !== undefined) setTimeout(() => emitter.emit("storage", { state: "memory", error: refused }), 0);
  return client;
}

// Calls: places and answers them, and follows what the server tells of them.

import type { Call, Calls, ChatId, Message } from "../api.js";
import { ask, background, type Core } from "../core.js";
import type { ReplyBody } from "../e2e/api.js";
import { GodwitError } from "../errors.js";
import { type CallChanged, CallEndReason, CallKind, type CallOffered, CallPhase, type CallState } from "../gen/godwit_pb.js";
import { chatRef, directChat, fromHex, messageId, uuid7 } from "../ids.js";
import { ActiveCall, type CallEnvironment } from "./call.js";

/** Calls that ring or go on at once; more are not shown. */
const kMaxCalls = 16;
/** So long after the time for which it rings a call is over, milliseconds, even if the server's word on it was lost. */
const kRingGrace = 2000;
/** In larger groups nobody is rung. */
const kMaxRung = 32;
/** A call of a group rings for so long, and so often it is looked whether it is still to be answered, milliseconds. */
const kRingMs = 45_000;
const kLookMs = 5_000;

export class CallBook implements Calls {
  readonly #core: Core;
  readonly #calls = new Map<string, ActiveCall>();
  readonly #env: CallEnvironment;
  /** Pushes of one call are handled one after the other: candidates must not overtake the offer. */
  #last: Promise<void> = Promise.resolve();
  #ice: { servers: RTCIceServer[]; until: number } | undefined;

  constructor(core: Core, RTC: typeof RTCPeerConnection | undefined) {
    this.#core = core;
    this.#env = {
      core,
      get RTC(): typeof RTCPeerConnection {
        if (RTC === undefined) throw new GodwitError("not_supported", "there is no RTCPeerConnection here");
        return RTC;
      },
      configuration: async () => ({ iceServers: await this.#iceServers() }),
      changed: (call) => this.#changed(call),
    };
  }

  list(): Call[] {
    return [...this.#calls.values()].map((call) => call.show());
  }

  async start(chat: ChatId, { video, stream }: { video: boolean; stream?: MediaStream }): Promise<Call> {
    void this.#env.RTC; // fails early
    const { peer, chat: group } = chatRef(chat);
    await this.#core.e2e().ready(chatRef(chat));
    const media = stream ?? (await capture(video));
    if (group !== undefined) return this.#join(chat, video, media);
    const call = new ActiveCall(this.#env, messageId(uuid7(this.#core.connection.now())), chat, video, true, "calling");
    call.localStream = media;
    this.#calls.set(call.id, call);
    try {
      const connection = await call.connect(peer!, 0);
      const offer = await call.seal(await connection.offer());
      const placed = await ask(this.#core, { case: "placeCall", value: { id: fromHex(call.id), peer, kind: kind(video), offer } }, "callPlaced");
      if (placed.instead.length > 0) {
        this.#calls.delete(call.id);
        connection.close();
        return await this.answer(messageId(placed.instead), { stream: media });
      }
      connection.release();
    } catch (error) {
      this.#finish(call, CallEndReason.FAILED);
      throw error;
    }
    this.#changed(call);
    return call.show();
  }

  async #join(chat: ChatId, video: boolean, media: MediaStream): Promise<Call> {
    const id = uuid7(this.#core.connection.now());
    const asked = ask(this.#core, { case: "joinCall", value: { id, chat: chatRef(chat).chat, kind: kind(video) } }, "callState");
    const state = await asked.catch((error: unknown) => {
      for (const track of media.getTracks()) track.stop();
      throw error;
    });
    const name = messageId(state.id);
    const joined = this.#calls.get(name) ?? new ActiveCall(this.#env, name, chat, state.kind === CallKind.VIDEO, name === messageId(id), "active");
    clearTimeout(joined.ring);
    joined.phase = "active";
    joined.localStream = media;
    joined.startedAt = Number(state.placedMs);
    this.#calls.set(joined.id, joined);
    this.#changed(joined);
    await joined.participants(this.#others(state), true);
    return joined.show();
  }

  async answer(id: string, { stream }: { stream?: MediaStream } = {}): Promise<Call> {
    const rung = this.#calls.get(id);
    if (rung?.group) return this.#join(rung.chat, rung.video, stream ?? (await capture(rung.video)));
    const call = await this.#rings(id);
    call.localStream = stream ?? (await capture(call.video));
    const sdp = await call.unseal(call.offer!);
    if (sdp === undefined) {
      await this.#end(call, CallEndReason.FAILED);
      throw new GodwitError("encryption_failed", "the offer of this call is not from the other side of the chat");
    }
    const { peer } = chatRef(call.chat);
    try {
      const connection = await call.connect(peer!, 0);
      call.phase = "connecting"; // before media may flow
      this.#changed(call);
      const answer = await call.seal((await connection.answer(sdp))!);
      await ask(this.#core, { case: "answerCall", value: { id: fromHex(id), peer, answer } }, "done");
      call.offer = undefined;
      connection.release();
    } catch (error) {
      this.#finish(call, error instanceof GodwitError && error.code === "call_answered" ? CallEndReason.ELSEWHERE : CallEndReason.FAILED);
      throw error;
    }
    return call.show();
  }

  /** The offer of a call that stands in place of one's own may come behind the reply that names it. */
  async #rings(id: string): Promise<ActiveCall> {
    for (let tries = 0; tries < 40; tries++) {
      const call = this.#calls.get(id);
      if (call?.offer !== undefined) return call;
      if (tries > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new GodwitError("call_not_found", "no such call rings here");
  }

  async reject(id: string): Promise<void> {
    const call = this.#get(id);
    if (call.group) return this.#finish(call, CallEndReason.REJECTED); // it goes on without this user
    await this.#end(call, CallEndReason.REJECTED);
  }

  hangUp(id: string): Promise<void> {
    return this.#end(this.#get(id), CallEndReason.HUNG_UP);
  }

  setMuted(id: string, muted: boolean): void {
    const call = this.#get(id);
    call.muted = muted;
    call.applyMuting();
    this.#changed(call);
  }

  setCameraOff(id: string, off: boolean): void {
    const call = this.#get(id);
    call.cameraOff = off;
    call.applyMuting();
    this.#changed(call);
  }

  async setStream(id: string, stream: MediaStream): Promise<void> {
    const call = this.#get(id);
    await call.setStream(stream);
    this.#changed(call);
  }

  async ongoing(chat: ChatId): Promise<{ id: string; video: boolean; participants: string[] } | undefined> {
    try {
      const state = await ask(this.#core, { case: "getCall", value: chatRef(chat) }, "callState");
      return { id: messageId(state.id), video: state.kind === CallKind.VIDEO, participants: [...new Set(state.participants.map(({ userId }) => String(userId)))] };
    } catch (error) {
      if (error instanceof GodwitError && error.code === "call_not_found") return undefined;
      throw error;
    }
  }

  push(body: ReplyBody): void {
    const handled = this.#last.then(() => this.#handle(body));
    background(this.#core, handled);
    this.#last = handled.catch(() => {}); // what a peer made must not stop the others
  }

  async #handle(body: ReplyBody): Promise<void> {
    if (body.case === "callOffered") this.#offered(body.value);
    else if (body.case === "callChanged") await this.#stepped(body.value);
    else if (body.case === "callSignaled") await this.#calls.get(messageId(body.value.id))?.signaled(body.value);
    else if (body.case === "callState") await this.#stated(body.value);
  }

  #offered({ id, from, kind: carried, offer, ringMs }: CallOffered): void {
    const name = messageId(id);
    if (this.#calls.has(name) || this.#calls.size >= kMaxCalls) return;
    const call = new ActiveCall(this.#env, name, directChat(from), carried === CallKind.VIDEO, false, "ringing");
    call.offer = offer;
    this.#calls.set(name, call);
    const over: unknown = setTimeout(() => call.phase === "ringing" && this.#finish(call, CallEndReason.NOT_ANSWERED), ringMs + kRingGrace);
    (over as { unref?: () => void }).unref?.();
    this.#core.connection.notice({ case: "ringCall", value: { id, peer: from } });
    this.#core.emitter.emit("call", call.show());
  }

  /** A line of a chat that tells of a call. The server rings nobody for a group's: its line does, where it is new. */
  told({ chat, own, at, content }: Message, members: number): void {
    if (content.kind !== "call" || chatRef(chat).chat === undefined) return;
    const { callId, video, outcome } = content;
    const known = this.#calls.get(callId);
    if (outcome !== "ongoing") {
      if (known?.phase === "ringing") this.#finish(known, CallEndReason.CANCELLED);
      return;
    }
    const until = at + kRingMs;
    if (own || known || members > kMaxRung || this.#calls.size >= kMaxCalls || this.#core.connection.now() >= until) return;
    const call = new ActiveCall(this.#env, callId, chat, video, false, "ringing");
    this.#calls.set(callId, call);
    background(this.#core, this.#ring(call, until, () => this.#core.emitter.emit("call", call.show())));
  }

  /** Until it is too late, the call is over, or the user has joined it on another device. */
  async #ring(call: ActiveCall, until: number, first?: () => void): Promise<void> {
    // What cannot be asked just now says nothing of the call.
    const asked = await this.ongoing(call.chat).then((found) => ({ found }), () => undefined);
    if (call.phase !== "ringing") return;
    const left = until - this.#core.connection.now();
    if (left <= 0 || (asked && asked.found?.id !== call.id)) return this.#finish(call, CallEndReason.CANCELLED);
    if (asked?.found?.participants.includes(this.#core.me().userId)) return this.#finish(call, CallEndReason.ELSEWHERE);
    if (asked) first?.();
    call.ring = setTimeout(() => background(this.#core, this.#ring(call, until, asked ? undefined : first)), Math.min(left, kLookMs));
  }

  async #stepped({ id, phase, device, answer, reason }: CallChanged): Promise<void> {
    const call = this.#calls.get(messageId(id));
    if (call === undefined) return;
    if (phase === CallPhase.ENDED) return this.#finish(call, reason);
    if (phase === CallPhase.RINGING && call.phase === "calling") call.phase = "ringing";
    if (phase === CallPhase.ACTIVE && call.outgoing && answer.length > 0) {
      const sdp = await call.unseal(answer);
      if (sdp === undefined) return this.#end(call, CallEndReason.FAILED);
      const peer = await call.connect(chatRef(call.chat).peer!, device);
      if (call.phase !== "active") call.phase = "connecting";
      await peer.accept(sdp);
    }
    this.#changed(call);
  }

  async #stated(state: CallState): Promise<void> {
    const call = this.#calls.get(messageId(state.id));
    if (call === undefined) return;
    if (state.phase === CallPhase.ENDED) return this.#finish(call, CallEndReason.LOST);
    if (call.group) await call.participants(this.#others(state), false);
  }

  #others(state: CallState): { user: bigint; device: number }[] {
    const me = this.#core.me();
    return state.participants
      .filter(({ userId, deviceId }) => String(userId) !== me.userId || deviceId !== me.deviceId)
      .map(({ userId, deviceId }) => ({ user: userId, device: deviceId }));
  }

  disconnected(): void {
    for (const call of this.#calls.values()) call.hold();
  }

  connected(): void {
    for (const call of [...this.#calls.values()]) if (call.joined) this.#resume(call);
  }

  /** After a lost connection the server keeps a call for a while. */
  #resume(call: ActiveCall): void {
    this.#last = this.#last.then(async () => {
      try {
        await this.#core.connection.request({ case: "resumeCall", value: call.named() });
        await call.resumed();
      } catch (error) {
        if (error instanceof GodwitError && error.code === "call_not_found") this.#finish(call, CallEndReason.LOST);
      }
    });
  }

  close(): void {
    for (const call of [...this.#calls.values()]) {
      if (call.joined) this.#core.connection.notice({ case: "endCall", value: { ...call.named(), reason: CallEndReason.HUNG_UP } });
      this.#finish(call, CallEndReason.HUNG_UP);
    }
  }

  async #end(call: ActiveCall, reason: CallEndReason): Promise<void> {
    this.#finish(call, reason);
    await ask(this.#core, { case: "endCall", value: { ...call.named(), reason } }, "done").catch((error: unknown) => {
      if (!(error instanceof GodwitError) || error.code !== "call_not_found") throw error; // over already
    });
  }

  #finish(call: ActiveCall, reason: CallEndReason): void {
    this.#calls.delete(call.id);
    if (call.phase !== "ended") call.end(reason);
  }

  #get(id: string): ActiveCall {
    const call = this.#calls.get(id);
    if (call === undefined) throw new GodwitError("call_not_found", "there is no such call here");
    return call;
  }

  #changed(call: ActiveCall): void {
    this.#core.emitter.emit("callChanged", call.show());
  }

  async #iceServers(): Promise<RTCIceServer[]> {
    const now = this.#core.connection.now();
    if (this.#ice !== undefined && this.#ice.until > now + 60_000) return this.#ice.servers;
    try {
      const { servers, expiresMs } = await ask(this.#core, { case: "getIceServers", value: {} }, "iceServers");
      this.#ice = {
        servers: servers.map(({ urls, username, credential }) => ({ urls, ...(username === "" ? {} : { username, credential }) })),
        until: Number(expiresMs),
      };
      return this.#ice.servers;
    } catch (error) {
      if (error instanceof GodwitError && error.code === "ice_unavailable") return []; // direct addresses may do
      throw error;
    }
  }
}

function kind(video: boolean): CallKind {
  return video ? CallKind.VIDEO : CallKind.AUDIO;
}

async function capture(video: boolean): Promise<MediaStream> {
  if (globalThis.navigator?.mediaDevices === undefined) throw new GodwitError("not_supported", "no camera or microphone can be asked for: pass a stream");
  return navigator.mediaDevices.getUserMedia({ audio: true, video });
}

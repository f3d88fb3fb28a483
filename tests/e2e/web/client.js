// A client of godwit.v1.json (docs/protocol.md): one device, one connection at a time, requests and pushes.

const utf8 = new TextEncoder();

export const encode = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));
export const decode = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
export const encodeText = (text) => encode(utf8.encode(text));
export const decodeText = (base64) => new TextDecoder().decode(decode(base64));

const join = (...parts) => new Uint8Array(parts.flatMap((part) => [...part]));

// A UUIDv7 (RFC 9562), base64.
export function newId() {
  const id = crypto.getRandomValues(new Uint8Array(16));
  new DataView(id.buffer).setUint32(0, Math.floor(Date.now() / 0x10000));
  new DataView(id.buffer).setUint16(4, Date.now() % 0x10000);
  id[6] = 0x70 | (id[6] & 0x0f);
  id[8] = 0x80 | (id[8] & 0x3f);
  return encode(id);
}

// The server answered a request with Error.
export class ServerError extends Error {
  constructor({ code, message }) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

export class Client {
  #socket;
  #keys;
  #nonce;
  #token;
  #open = new Map(); // requests by id
  #lastId = 0;
  #cursor = "0";

  userId = null;
  onPush = () => {}; // (kind, body), in the order of arrival
  closed = null; // promise of the close code of the present connection

  // Resolves when the server has greeted.
  connect(url) {
    this.#socket = new WebSocket(url, "godwit.v1.json");
    this.closed = new Promise((resolve) => (this.#socket.onclose = ({ code }) => resolve(code)));
    this.closed.then((code) => this.#lost(code));
    return new Promise((resolve, reject) => {
      this.closed.then((code) => reject(new Error(`closed with ${code} before the challenge`)));
      this.#socket.onmessage = ({ data }) => {
        const frame = JSON.parse(data);
        if (frame.challenge) {
          this.#nonce = decode(frame.challenge.nonce);
          resolve();
        } else {
          this.#received(frame);
        }
      };
    });
  }

  async register(handle) {
    this.#keys = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
    const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", this.#keys.publicKey));
    const signature = await this.#prove("godwit/v1/register", publicKey, utf8.encode(handle));
    const registered = await this.request("register", { handle, deviceKey: encode(publicKey), signature });
    this.userId = registered.userId;
    this.#token = registered.token;
  }

  async hello() {
    const signature = await this.#prove("godwit/v1/hello", utf8.encode(this.#token));
    return this.request("hello", { token: this.#token, signature, cursor: this.#cursor, client: "call test/1" });
  }

  // The reply's body. Rejects with ServerError, or when the connection closes first.
  request(kind, body = {}) {
    const requestId = String(++this.#lastId);
    return new Promise((resolve, reject) => {
      if (this.#socket.readyState !== WebSocket.OPEN) return reject(new Error("not connected"));
      this.#open.set(requestId, { resolve, reject });
      this.#socket.send(JSON.stringify({ requestId, [kind]: body }));
    });
  }

  #received({ requestId, ...frame }) {
    const [[kind, body]] = Object.entries(frame);
    if (requestId) {
      const { resolve, reject } = this.#open.get(requestId);
      this.#open.delete(requestId);
      return kind === "error" ? reject(new ServerError(body)) : resolve(body);
    }
    if (kind === "deliver") {
      this.#cursor = body.envelopes.at(-1).seq;
      this.request("ack", { cursor: this.#cursor }).catch(() => {}); // Hello repeats it
    }
    this.onPush(kind, body);
  }

  #lost(code) {
    for (const { reject } of this.#open.values()) reject(new Error(`closed with ${code}`));
    this.#open.clear();
  }

  // Section Proofs: context, a zero byte, the nonce of this connection, the fields.
  async #prove(context, ...fields) {
    const signed = join(utf8.encode(context), [0], this.#nonce, ...fields);
    return encode(await crypto.subtle.sign("Ed25519", this.#keys.privateKey, signed));
  }
}

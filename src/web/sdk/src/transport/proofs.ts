// Proofs by the device key (docs/protocol.md, Proofs): a context, a zero byte, and the fields.

import type { SigningKey } from "../e2e/api.js";
import { bytesOf } from "../ids.js";

function prove(key: SigningKey, context: string, ...fields: (Uint8Array | string | bigint | number)[]): Promise<Uint8Array> {
  return key.sign(bytesOf(`godwit/v1/${context}\0`, ...fields));
}

export const proofs = {
  hello: (key: SigningKey, nonce: Uint8Array, token: string) => prove(key, "hello", nonce, token),
  register: (key: SigningKey, nonce: Uint8Array, handle: string) => prove(key, "register", nonce, key.publicKey, handle),
  refresh: (key: SigningKey, nonce: Uint8Array, userId: bigint, deviceId: number) => prove(key, "refresh", nonce, userId, deviceId),
  linkBegin: (key: SigningKey, nonce: Uint8Array) => prove(key, "link-begin", nonce, key.publicKey),
  linkApprove: (key: SigningKey, linkId: Uint8Array, newDevice: Uint8Array, userId: bigint) =>
    prove(key, "link-approve", linkId, newDevice, userId),
  deleteAccount: (key: SigningKey, nonce: Uint8Array, userId: bigint) => prove(key, "delete-account", nonce, userId),
};

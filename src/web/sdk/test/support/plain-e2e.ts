// An encryption that encrypts nothing, for tests of everything around it. What it opens and seals looks like what the
// real one does, and it can be told to lie or to fail.

import type { E2e, E2eHost, Opened, Transaction } from "../../src/e2e/api.js";

const kMark = 0x70;

export function plainE2e(host: E2eHost): E2e {
  let last: Promise<void> = Promise.resolve();
  const nothing = async (): Promise<never> => {
    throw new Error("the plain encryption has no such thing");
  };
  return {
    async connected() {},
    async stock() {},
    async wentBack() {},
    async begin(): Promise<Transaction> {
      await last;
      let end = () => {};
      last = new Promise((resolve) => (end = resolve));
      let sealed = 0;
      return {
        async open(envelope): Promise<Opened> {
          if (envelope.from === host.userId && envelope.fromDevice === host.deviceId) return { kind: "none" };
          if (envelope.payload.length === 0) return { kind: "none" };
          if (envelope.payload[0] !== kMark) return { kind: "unreadable", reason: "forged" };
          return { kind: "content", content: envelope.payload.slice(1), from: { userId: envelope.from, deviceId: envelope.fromDevice } };
        },
        async seal(_chat, _id, content) {
          sealed++;
          return Uint8Array.from([kMark, ...content]);
        },
        writes: () => (sealed > 0 ? [{ key: "e2e/sealed", value: Uint8Array.of(sealed) }] : []),
        done: () => end(),
        abort: () => end(),
      };
    },
    async ready() {},
    async createGroup() {},
    changeMembers: nothing,
    answerJoin: nothing,
    joinGroup: nothing,
    extendLink: async (_chat, link) => link,
    encryptName: async (_chat, name) => new TextEncoder().encode(name),
    decryptName: async (_chat, name) => new TextDecoder().decode(name),
    sealCall: async (_chat, _id, plaintext) => plaintext,
    openCall: async (_chat, _id, sealed) => sealed,
    sealToSelf: async () => [],
    openFromSelf: async () => undefined,
    sealStatus: nothing,
    learnStatusKey: async () => [],
    openStatus: async () => undefined,
    safetyNumber: nothing,
    verifySafetyNumber: nothing,
    setVerified: nothing,
    auditKeyLog: nothing,
    logFault: () => undefined,
    acceptLog: nothing,
    close() {},
  };
}

// Opens many envelopes of a log: in order, and as many at once as can be.

import type { Opened, Transaction } from "../e2e/api.js";
import type { Envelope } from "../gen/godwit_pb.js";

/** It only brings a message. What is more than that must not be opened when it turns out to be a repetition. */
function isMessage({ event, endsEpoch }: Envelope): boolean {
  return event === undefined && endsEpoch === undefined;
}

/** In runs of messages, and anything else by itself. */
function runs(envelopes: readonly Envelope[]): Envelope[][] {
  const out: Envelope[][] = [];
  for (const envelope of envelopes) {
    const last = out.at(-1);
    if (last !== undefined && isMessage(envelope) && isMessage(last[0]!)) last.push(envelope);
    else out.push([envelope]);
  }
  return out;
}

/** Hands each envelope to `take`, one after the other. Messages in a row are being opened by then, all at once. */
export async function inRuns(
  envelopes: readonly Envelope[],
  transaction: Transaction,
  take: (envelope: Envelope, open: () => Promise<Opened>) => Promise<void>,
): Promise<void> {
  for (const run of runs(envelopes)) {
    const early = isMessage(run[0]!) ? run.map((envelope) => transaction.open(envelope)) : [];
    for (const opening of early) opening.catch(() => {}); // it is awaited below, unless one before it throws
    for (const [i, envelope] of run.entries()) await take(envelope, () => early[i] ?? transaction.open(envelope));
  }
}

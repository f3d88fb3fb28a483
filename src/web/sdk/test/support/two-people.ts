// The set-up of most tests: two people, of whom one is behind a wire that can break.

import { after, before, beforeEach } from "node:test";
import type { Client, OpenOptions } from "../../src/api.js";
import type { MakeE2e } from "../../src/client.js";
import { Daemon } from "./daemon.js";
import { Disk, person } from "./people.js";
import { Wire } from "./wire.js";

export interface TwoPeople {
  daemon: Daemon;
  /** Bob's connection. */
  wire: Wire;
  /** Bob's storage. */
  disk: Disk;
  alice: Client;
  bob: Client;
  toBob: string;
  toAlice: string;
  /** The number of the test, for more handles. */
  n: number;
}

/** Alice and bob are made anew before each test of the file, or `describe`, that calls this. `present` tells whom to close then. */
export function twoPeople(options: Partial<OpenOptions> & { e2e?: MakeE2e }, present: () => Client[], made: (people: TwoPeople) => void): void {
  let daemon: Daemon;
  let wire: Wire;
  let n = 0;
  const close = async () => {
    for (const client of present()) await client?.close();
  };

  before(async () => {
    daemon = await Daemon.start();
    wire = await Wire.to(daemon);
  });

  beforeEach(async () => {
    await close();
    wire.release();
    n++;
    const disk = new Disk();
    const alice = await person(daemon.url, `alice${n}`, options);
    const bob = await person(wire.url, `bob${n}`, { ...options, storage: disk.options });
    made({ daemon, wire, disk, alice, bob, toBob: `u${bob.account!.userId}`, toAlice: `u${alice.account!.userId}`, n });
  });

  after(async () => {
    await close();
    await wire?.end();
    await daemon?.end();
  });
}

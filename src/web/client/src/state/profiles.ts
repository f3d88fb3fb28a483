// What users are called. A name is looked up on this device once it is first shown, and follows from then on.
import type { Profile, UserId } from "@godwit/client";
import { signal, type Signal } from "@preact/signals";
import { account, client, onClient } from "./client";

const kMax = 5000; // users whose names are kept at hand; beyond it all are looked up again

let known = new Map<UserId, Signal<Profile>>();

export function profile(user: UserId): Profile {
  let entry = known.get(user);
  if (!entry) {
    if (known.size >= kMax) known = new Map();
    entry = signal<Profile>({ userId: user });
    known.set(user, entry);
    const found = entry;
    client()
      .user(user)
      .then((profile) => (found.value = profile))
      .catch(() => {}); // stays nameless
  }
  return entry.value;
}

export function nameIn(profile: Profile): string {
  return profile.alias || profile.name || profile.handle || `User ${profile.userId.slice(-6)}`;
}

/** What a user is called here. */
export const nameOf = (user: UserId): string => nameIn(profile(user));

/** The same within a sentence, where the user is "you". */
export const nameOrYou = (user: UserId): string => (user === account.value?.userId ? "you" : nameOf(user));

onClient((client) => {
  known = new Map();
  client.on("profile", (profile) => {
    const entry = known.get(profile.userId);
    if (entry) entry.value = profile;
  });
});

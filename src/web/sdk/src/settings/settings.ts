// Settings of the account.

import type { Privacy, PrivacyRule, Profile, Settings } from "../api.js";
import type { OwnProfile } from "../chats/own-profile.js";
import { ask, type Core } from "../core.js";
import { Audience, type Privacy as WirePrivacy, type PrivacyRule as WireRule } from "../gen/godwit_pb.js";
import type { SelfChannel } from "../sync/self.js";
import type { Export } from "./export.js";

/** What only the client as a whole can do. */
export interface Leaving {
  deleteAccount(): Promise<void>;
  signOut(): Promise<void>;
}

export class SettingsBook implements Settings {
  readonly #core: Core;
  readonly #profile: OwnProfile;
  readonly #self: SelfChannel;
  readonly #export: Export;
  readonly #leaving: Leaving;

  constructor(core: Core, profile: OwnProfile, self: SelfChannel, exporting: Export, leaving: Leaving) {
    this.#core = core;
    this.#profile = profile;
    this.#self = self;
    this.#export = exporting;
    this.#leaving = leaving;
  }

  async privacy(): Promise<Privacy> {
    return show(await ask(this.#core, { case: "getPrivacy", value: {} }, "privacy"));
  }

  async setPrivacy(change: Partial<Privacy>): Promise<Privacy> {
    const { lastSeen, online, profile, status, mayAddMe, hideReadReceipts, askFirst } = change;
    const rule = (value: PrivacyRule | undefined) => value && wireRule(value);
    return show(
      await ask(
        this.#core,
        {
          case: "setPrivacy",
          value: {
            lastSeen: rule(lastSeen),
            online: rule(online),
            profile: rule(profile),
            status: rule(status),
            mayAddMe: rule(mayAddMe),
            hideReadReceipts,
            askFirst,
          },
        },
        "privacy",
      ),
    );
  }

  async profile(): Promise<Profile> {
    return this.#profile.get();
  }

  async setProfile(profile: { name?: string; avatar?: { type: string; data: Uint8Array } }): Promise<void> {
    const told = await this.#profile.set(profile);
    // Other devices that cannot be told now learn it when the profile changes next.
    await this.#self.send({ case: "profile", value: told }).catch(() => {});
  }

  exportAccount(onProgress?: (bytes: number) => void): Promise<Blob> {
    return this.#export.make(onProgress);
  }

  deleteAccount(): Promise<void> {
    return this.#leaving.deleteAccount();
  }

  signOut(): Promise<void> {
    return this.#leaving.signOut();
  }
}

const kAudiences = { everyone: Audience.EVERYONE, contacts: Audience.CONTACTS, nobody: Audience.NOBODY } as const;

function wireRule({ audience, except }: PrivacyRule) {
  return { audience: kAudiences[audience], except: except.map(BigInt) };
}

function showRule(rule: WireRule | undefined): PrivacyRule {
  const audience = rule?.audience === Audience.CONTACTS ? "contacts" : rule?.audience === Audience.NOBODY ? "nobody" : "everyone";
  return { audience, except: (rule?.except ?? []).map(String) };
}

function show(privacy: WirePrivacy): Privacy {
  const { lastSeen, online, profile, status, mayAddMe, hideReadReceipts, askFirst } = privacy;
  return {
    lastSeen: showRule(lastSeen),
    online: showRule(online),
    profile: showRule(profile),
    status: showRule(status),
    mayAddMe: showRule(mayAddMe),
    hideReadReceipts,
    askFirst,
  };
}

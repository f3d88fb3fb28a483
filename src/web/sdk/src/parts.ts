// Builds the parts of a client and ties them together: where one must react to another, it is said here.

import { CallBook } from "./calls/calls.js";
import { Apply } from "./chats/apply.js";
import { ChatList } from "./chats/chat-list.js";
import { Expiry } from "./chats/expiry.js";
import { GroupBook } from "./chats/groups.js";
import { GroupEvents } from "./chats/group-events.js";
import { MessageBook } from "./chats/messages.js";
import { Model } from "./chats/model.js";
import { OwnProfile } from "./chats/own-profile.js";
import { Search } from "./chats/search.js";
import { Security } from "./chats/security.js";
import { Users } from "./chats/users.js";
import { background, type Core } from "./core.js";
import { SafetyBook } from "./devices/safety.js";
import { Outbox } from "./outbox/outbox.js";
import { PresenceBook } from "./presence/presence.js";
import { Export } from "./settings/export.js";
import { type Leaving, SettingsBook } from "./settings/settings.js";
import { StatusBook } from "./status/statuses.js";
import { HistorySync } from "./sync/history.js";
import { Inbox } from "./sync/inbox.js";
import { SelfChannel } from "./sync/self.js";
import { WatermarkSync } from "./sync/watermarks.js";

export class Parts {
  readonly model: Model;
  readonly groupEvents: GroupEvents;
  readonly security: Security;
  readonly history: HistorySync;
  readonly inbox: Inbox;
  readonly marks: WatermarkSync;
  readonly outbox: Outbox;
  readonly users: Users;
  readonly messages: MessageBook;
  readonly chats: ChatList;
  readonly groups: GroupBook;
  readonly presence: PresenceBook;
  readonly statuses: StatusBook;
  readonly calls: CallBook;
  readonly expiry: Expiry;
  readonly safety: SafetyBook;
  readonly settings: SettingsBook;

  constructor(core: Core, RTC: typeof RTCPeerConnection | undefined, leaving: Leaving) {
    this.model = new Model(core);
    this.groupEvents = new GroupEvents(core, this.model);
    this.security = new Security(core, this.model);
    const apply = new Apply(core, this.model, this.groupEvents, this.security);
    const self = new SelfChannel(core, this.model, apply);
    this.history = new HistorySync(core, this.model, apply, this.groupEvents, this.security);
    this.inbox = new Inbox(core, this.model, apply, this.security, this.history, self);
    this.marks = new WatermarkSync(core, this.model);
    this.outbox = new Outbox(core, this.model, apply);
    this.users = new Users(core, this.model, self);
    const search = new Search(core, this.model);
    const profile = new OwnProfile(core, this.model);
    this.messages = new MessageBook(core, this.model, apply, this.outbox, search, profile);
    this.chats = new ChatList(core, this.model, this.users, this.marks);
    this.groups = new GroupBook(core, this.model, this.groupEvents, this.messages);
    this.presence = new PresenceBook(core, this.model);
    this.statuses = new StatusBook(core, this.messages);
    this.calls = new CallBook(core, RTC);
    this.expiry = new Expiry(core, this.model);
    this.safety = new SafetyBook(core);
    this.settings = new SettingsBook(core, profile, self, new Export(core), leaving);

    this.chats.setGroupTimer = (chat, timerS) => this.groups.setSettings(chat, { timerS });
    apply.onQuestion = (chat, question) => this.history.question(chat, question);
    apply.onGoneBack = () => background(core, core.e2e().wentBack());
    apply.onStatusKey = async (unit, author, key) => unit.raw(await core.e2e().learnStatusKey(author, key));
    core.emitter.on("messageChanged", (message) => this.calls.told(message, this.model.peek(message.chat)?.memberCount ?? 0));
    this.model.onStored = (chat, id, message) => {
      search.stored(chat, id, message);
      if (message === undefined) return;
      if (message.from !== core.me().userId) {
        this.presence.stopTyping(chat, message.from);
        void this.users.introduce(message.from).catch(() => {}); // tried again with their next message
      }
      if (message.content.kind === "text") background(core, this.groupEvents.readName(chat));
    };
  }

  /** Ends all work but what is being stored; the connection is left to the caller. */
  stop(): void {
    this.expiry.stop();
    this.outbox.stop();
    this.history.stop();
    this.calls.close();
  }
}

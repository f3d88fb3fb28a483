// The frame of the application: a list at the left, what was chosen from it at the right; one of them on phones.
import type { ComponentChildren } from "preact";
import { ConnectionBar } from "../components/ConnectionBar";
import { Icon, type IconName } from "../components/Icon";
import { TrustNotice } from "../components/TrustNotice";
import { pathTo, route } from "../lib/route";
import { archived, requests, unreadChats } from "../state/chats";
import { authors } from "../state/statuses";
import { CallList } from "./CallList";
import { ChatInfo } from "./ChatInfo";
import { ChatList } from "./ChatList";
import { ChatScreen } from "./ChatScreen";
import { Join } from "./Join";
import { NewChat } from "./NewChat";
import { NewGroup } from "./NewGroup";
import { SafetyScreen } from "./Safety";
import { SettingsList } from "./settings/SettingsList";
import { SettingsPage } from "./settings/SettingsPage";
import { StatusList } from "./StatusList";
import { StatusViewer } from "./StatusViewer";

type Section = "chats" | "status" | "calls" | "archived" | "requests" | "settings" | "new" | "new-group";

function sectionOf(first: string | undefined): Section {
  const known: Section[] = ["status", "calls", "archived", "requests", "settings", "new", "new-group"];
  return known.find((section) => section === first) ?? "chats";
}

function Left({ section }: { section: Section }) {
  switch (section) {
    case "status":
      return <StatusList />;
    case "calls":
      return <CallList />;
    case "settings":
      return <SettingsList />;
    case "new":
      return <NewChat />;
    case "new-group":
      return <NewGroup />;
    default:
      return <ChatList which={section} />;
  }
}

const kHints: Partial<Record<Section, string>> = {
  calls: "Calls are end-to-end encrypted, like messages.",
  settings: "Choose what to set.",
  status: "Choose a status to look at. Each is there for a day.",
};

function Empty({ section }: { section: Section }) {
  return (
    <div class="chat-ground hidden h-full flex-col items-center justify-center gap-4 text-center md:flex">
      <img src="./favicon.svg" alt="" class="size-24 opacity-90" />
      <h2 class="text-xl font-semibold">Godwit</h2>
      <p class="max-w-xs text-soft">{kHints[section] ?? "Choose a chat, or begin a new one."}</p>
      <p class="flex items-center gap-2 text-sm text-soft">
        <Icon name="lock" class="size-4" /> End-to-end encrypted
      </p>
    </div>
  );
}

function right([first, second, third]: string[]): ComponentChildren {
  if (first === "chat" && second) {
    if (third === "info") return <ChatInfo key={second} id={second} />;
    return <ChatScreen key={second} id={second} />;
  }
  if (first === "safety" && second) return <SafetyScreen key={second} user={second} />;
  if (first === "status" && second) return <StatusViewer key={second} author={second} />;
  if (first === "join" && second) return <Join link={second} />;
  if (first === "settings" && second) return <SettingsPage name={second} />;
  return undefined;
}

function RailLink(props: { to: string[]; icon: IconName; label: string; on: boolean; count?: number; class?: string }) {
  return (
    <a
      href={pathTo(...props.to)}
      aria-current={props.on ? "page" : undefined}
      class={`relative flex grow flex-col items-center gap-0.5 rounded-field px-2 py-2 text-xs md:grow-0 md:py-3 ${props.on ? "bg-accent font-medium text-accent-content" : "text-soft hover:bg-base-300"} ${props.class ?? ""}`}
    >
      <Icon name={props.icon} class="size-6" />
      {props.label}
      {!!props.count && (
        <span class="badge badge-primary badge-xs absolute top-1 left-1/2 ml-1.5 font-semibold" aria-label={`${props.count} new`}>
          {props.count > 99 ? "99+" : props.count}
        </span>
      )}
    </a>
  );
}

function Rail({ section, class: className }: { section: Section; class: string }) {
  const inChats = ["chats", "new", "new-group", "requests"].includes(section);
  return (
    <nav aria-label="Sections" class={`flex shrink-0 gap-1 border-base-300 bg-base-200 p-1.5 max-md:border-t md:flex-col md:border-r ${className}`}>
      <RailLink to={[]} icon="chats" label="Chats" on={inChats} count={unreadChats.value + requests.value.length} />
      <RailLink to={["status"]} icon="status" label="Status" on={section === "status"} count={authors.value.filter((a) => a.unseen && !a.muted).length} />
      <RailLink to={["calls"]} icon="phone" label="Calls" on={section === "calls"} />
      {archived.value.length > 0 && <RailLink to={["archived"]} icon="archive" label="Archive" on={section === "archived"} />}
      <RailLink to={["settings"]} icon="settings" label="Settings" on={section === "settings"} class="md:mt-auto" />
    </nav>
  );
}

export function Shell() {
  const parts = route.value;
  const section = sectionOf(parts[0]);
  const main = right(parts);
  // On phones from top to bottom: what is wrong, the list or what was chosen from it, and below the list the sections.
  return (
    <div class="flex h-full flex-col bg-base-100 md:grid md:grid-cols-[5rem_18rem_1fr] md:grid-rows-[auto_1fr] lg:grid-cols-[5rem_24rem_1fr]">
      <Rail section={section} class={`max-md:order-last md:row-span-2 ${main ? "max-md:hidden" : ""}`} />
      <div class="border-base-300 md:border-r">
        <ConnectionBar />
        <TrustNotice />
      </div>
      <div class={`${main ? "max-md:hidden" : ""} flex min-h-0 grow flex-col border-base-300 md:col-start-2 md:row-start-2 md:border-r`}>
        <Left section={section} />
      </div>
      <main class={`${main ? "" : "max-md:hidden"} min-h-0 min-w-0 grow md:col-start-3 md:row-span-2 md:row-start-1`}>{main ?? <Empty section={section} />}</main>
    </div>
  );
}

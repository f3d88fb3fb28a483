// The list of settings.
import { Avatar } from "../../components/Avatar";
import { Header } from "../../components/Header";
import { Icon, type IconName } from "../../components/Icon";
import { pathTo, route } from "../../lib/route";
import { account } from "../../state/client";
import { nameOf, profile } from "../../state/profiles";

const kPages: readonly (readonly [string, IconName, string, string])[] = [
  ["profile", "user", "Profile", "Name, picture"],
  ["devices", "devices", "Devices", "Link and sign out devices"],
  ["privacy", "lock", "Privacy", "Who sees what, blocked people"],
  ["notifications", "bell", "Notifications", "Messages and calls"],
  ["appearance", "palette", "Appearance", "Theme, keyboard"],
  ["calls", "mic", "Camera and microphone", "For calls"],
  ["account", "info", "Account and data", "Export, audit, delete"],
];

export function SettingsList() {
  const me = account.value!;
  return (
    <div class="flex min-h-0 grow flex-col">
      <Header title="Settings" />
      <nav aria-label="Settings" class="flex min-h-0 grow flex-col overflow-y-auto px-2 pb-4">
        <div class="flex items-center gap-4 px-3 pt-1 pb-4">
          <Avatar id={`u${me.userId}`} name={nameOf(me.userId)} />
          <span class="min-w-0">
            <b class="block truncate">{profile(me.userId).name ?? me.handle}</b>
            <span class="block truncate text-sm text-soft">@{me.handle}</span>
          </span>
        </div>
        {kPages.map(([name, icon, label, note]) => {
          const on = route.value[1] === name;
          return (
            <a key={name} href={pathTo("settings", name)} aria-current={on ? "page" : undefined} class={`flex items-center gap-4 rounded-box px-3 py-3 ${on ? "bg-accent text-accent-content" : "hover:bg-base-200"}`}>
              <Icon name={icon} />
              <span>
                <span class="block font-medium">{label}</span>
                <span class={`block text-sm ${on ? "" : "text-soft"}`}>{note}</span>
              </span>
            </a>
          );
        })}
      </nav>
    </div>
  );
}

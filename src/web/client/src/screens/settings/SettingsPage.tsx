// Which page of settings is shown.
import { AccountPage } from "./Account";
import { AppearancePage } from "./Appearance";
import { DevicesPage } from "./Devices";
import { MediaPage } from "./Media";
import { NotificationsPage } from "./Notifications";
import { PrivacyPage } from "./Privacy";
import { ProfilePage } from "./Profile";

const kPages: Record<string, () => preact.JSX.Element> = {
  account: AccountPage,
  appearance: AppearancePage,
  calls: MediaPage,
  devices: DevicesPage,
  notifications: NotificationsPage,
  privacy: PrivacyPage,
  profile: ProfilePage,
};

export function SettingsPage({ name }: { name: string }) {
  const Shown = kPages[name] ?? ProfilePage;
  return <Shown key={name} />;
}

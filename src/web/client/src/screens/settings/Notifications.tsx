import { Card, Page, Switch } from "../../components/Header";
import { supported, turnOn } from "../../state/notifications";
import { prefer, preferences } from "../../state/preferences";
import { toast } from "../../state/toasts";

export function NotificationsPage() {
  const set = async (on: boolean) => {
    if (!on) prefer({ notify: false });
    else if (!(await turnOn())) toast("The browser does not allow notifications for this page.", "error");
  };
  return (
    <Page title="Notifications">
      <Card note={supported ? "While Godwit is open, in any tab." : "This browser has no notifications."}>
        <Switch label="Messages and calls" on={preferences.value.notify} disabled={!supported} onChange={(on) => void set(on)} />
        <Switch label="Show the text" note="Whoever looks at the screen can read it." on={preferences.value.notifyText} onChange={(notifyText) => prefer({ notifyText })} />
      </Card>
      <Card>
        <Switch label="Ring for calls" note="A sound, until the call is answered." on={preferences.value.ringSound} onChange={(ringSound) => prefer({ ringSound })} />
      </Card>
    </Page>
  );
}

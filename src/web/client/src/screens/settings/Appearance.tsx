import { Card, Choice, Page, Switch } from "../../components/Header";
import { prefer, preferences } from "../../state/preferences";

const kThemes = [
  ["system", "As the system"],
  ["light", "Light"],
  ["dark", "Dark"],
] as const;

export function AppearancePage() {
  return (
    <Page title="Appearance">
      <Card>
        <Choice label="Theme" value={preferences.value.theme} options={kThemes} onChange={(theme) => prefer({ theme })} />
        <Switch label="Enter sends" note="Shift and Enter begins a new line." on={preferences.value.enterSends} onChange={(enterSends) => prefer({ enterSends })} />
      </Card>
    </Page>
  );
}

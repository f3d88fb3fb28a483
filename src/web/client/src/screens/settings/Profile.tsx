// The user's own name, which chats get inside encrypted messages.
import { useEffect, useState } from "preact/hooks";
import { Avatar } from "../../components/Avatar";
import { Card, Page } from "../../components/Header";
import { account, attempt, client } from "../../state/client";
import { failed } from "../../state/toasts";

export function ProfilePage() {
  const me = account.value!;
  const [name, setName] = useState("");
  const [saved, setSaved] = useState("");
  useEffect(() => {
    client().settings.profile().then((profile) => (setName(profile.name ?? ""), setSaved(profile.name ?? "")), failed);
  }, []);
  const save = async (event: Event) => {
    event.preventDefault();
    await attempt((client) => client.settings.setProfile({ name: name.trim() }), "Saved");
    setSaved(name.trim());
  };
  return (
    <Page title="Profile">
      <div class="flex flex-col items-center gap-2 py-2">
        <Avatar id={`u${me.userId}`} name={saved || me.handle} size="xl" />
        <p class="text-soft">@{me.handle}</p>
      </div>
      <Card note="Those you write to get it inside an encrypted message. The server does not.">
        <form class="flex items-end gap-2" onSubmit={save}>
          <label class="flex grow flex-col gap-1 text-sm">
            Your name
            <input class="input w-full" value={name} maxLength={64} autoComplete="name" placeholder={me.handle} onInput={(event) => setName(event.currentTarget.value)} />
          </label>
          <button class="btn btn-primary" disabled={name.trim() === saved}>
            Save
          </button>
        </form>
      </Card>
    </Page>
  );
}

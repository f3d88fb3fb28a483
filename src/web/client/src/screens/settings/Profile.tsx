// The user's own name and picture, which chats get inside encrypted messages.
import { useEffect, useRef, useState } from "preact/hooks";
import { Avatar } from "../../components/Avatar";
import { Card, Page } from "../../components/Header";
import { Icon } from "../../components/Icon";
import { smallPicture } from "../../lib/picture";
import { account, attempt, client } from "../../state/client";
import { profile } from "../../state/profiles";
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
  const file = useRef<HTMLInputElement>(null);
  const choose = async (event: Event & { currentTarget: HTMLInputElement }) => {
    const input = event.currentTarget;
    const [chosen] = input.files ?? [];
    if (chosen) await attempt(async (client) => client.settings.setProfile({ avatar: await smallPicture(chosen) }), "Saved");
    input.value = ""; // the same file can be chosen again
  };
  const remove = () => void attempt((client) => client.settings.setProfile({ avatar: { type: "", data: new Uint8Array() } }), "Removed");
  return (
    <Page title="Profile">
      <div class="flex flex-col items-center gap-3 py-2">
        <Avatar id={`u${me.userId}`} name={saved || me.handle} size="xl" />
        <p class="text-soft">@{me.handle}</p>
        <div class="flex gap-2">
          <input ref={file} type="file" accept="image/*" class="hidden" aria-label="Picture" onChange={(event) => void choose(event)} />
          <button class="btn btn-sm bg-base-100" onClick={() => file.current?.click()}>
            <Icon name="edit" class="size-4" /> Choose a picture
          </button>
          {!!profile(me.userId).avatar?.data.length && (
            <button class="btn btn-sm bg-base-100" onClick={remove}>
              Remove
            </button>
          )}
        </div>
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

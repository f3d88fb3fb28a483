// The devices of the account: linking, renaming, signing out.
import type { Device } from "@godwit/client";
import { useEffect, useState } from "preact/hooks";
import { Confirm } from "../../components/Confirm";
import { Card, Page } from "../../components/Header";
import { Icon, IconButton } from "../../components/Icon";
import { Scanner } from "../../components/Scanner";
import { Sheet } from "../../components/Sheet";
import { momentText } from "../../lib/format";
import { attempt, client, connection } from "../../state/client";
import { failed } from "../../state/toasts";

function Rename({ device, onDone }: { device: Device; onDone: () => void }) {
  const [name, setName] = useState(device.name);
  const save = (event: Event) => {
    event.preventDefault();
    void attempt((client) => client.devices.rename(device.id, name.trim())).then(onDone);
  };
  return (
    <Sheet title="Rename this device" onClose={onDone}>
      <form class="flex gap-2" onSubmit={save}>
        <input class="input grow" aria-label="Name of the device" maxLength={64} value={name} onInput={(event) => setName(event.currentTarget.value)} />
        <button class="btn btn-primary" disabled={!name.trim()}>
          Save
        </button>
      </form>
    </Sheet>
  );
}

export function DevicesPage() {
  const [devices, setDevices] = useState<Device[]>([]);
  const [linking, setLinking] = useState(false);
  const [open, setOpen] = useState<{ what: "rename" | "revoke"; device: Device }>();
  const load = () => void client().devices.list().then(setDevices, failed);
  useEffect(() => {
    if (connection.value.state === "online") load();
  }, [connection.value.state]);
  const approve = async (text: string) => {
    const approved = await attempt((client) => client.devices.approve(text), "The device is linked");
    if (!approved) return;
    setLinking(false);
    load();
  };
  return (
    <Page title="Devices">
      <button class="btn btn-primary btn-lg" onClick={() => setLinking(true)}>
        <Icon name="qr" /> Link a device
      </button>
      <Card note="A linked device reads what is sent from then on. Sign out devices that you do not know.">
        <ul>
          {devices.map((device) => (
            <li key={device.id} class="flex items-center gap-3 py-2" data-device={device.id}>
              <span class="grid size-11 place-items-center rounded-full bg-accent text-accent-content">
                <Icon name="devices" />
              </span>
              <span class="min-w-0 grow">
                <span class="block truncate font-medium">
                  {device.name}
                </span>
                <span class="block truncate text-sm text-soft">
                  {device.current ? <b class="font-semibold text-primary">This device</b> : device.online ? "online" : device.lastSeenAt ? `last seen ${momentText(device.lastSeenAt)}` : `added ${momentText(device.addedAt)}`}
                </span>
              </span>
              <IconButton icon="edit" label={`Rename ${device.name}`} onClick={() => setOpen({ what: "rename", device })} />
              {!device.current && <IconButton icon="leave" label={`Sign out ${device.name}`} class="text-error" onClick={() => setOpen({ what: "revoke", device })} />}
            </li>
          ))}
        </ul>
      </Card>
      {linking && (
        <Sheet title="Link a device" onClose={() => setLinking(false)}>
          <p class="text-sm text-soft">Choose “Link to my account” on the new device, and scan the code that it shows. Only link devices that are yours.</p>
          <Scanner label="Or enter the text of the code" onFound={(text) => void approve(text)} />
        </Sheet>
      )}
      {open?.what === "rename" && <Rename device={open.device} onDone={() => (setOpen(undefined), load())} />}
      {open?.what === "revoke" && <Confirm title={`Sign out ${open.device.name}?`} text="It gets nothing any more. To use it again it has to be linked anew." action="Sign out" onConfirm={() => void attempt((client) => client.devices.revoke(open.device.id)).then(load)} onClose={() => setOpen(undefined)} />}
    </Page>
  );
}

// The account's devices.

import type { Command } from "../command.js";
import { usage } from "../failure.js";
import { time } from "../format.js";
import { oneLine } from "../sanitize.js";

const approve: Command = {
  name: "approve",
  args: "TEXT",
  help: "let a new device into the account, by the text that it shows",
  async run(context, [text]) {
    const client = await context.online();
    const { deviceId } = await client.devices.approve(text!);
    context.out.result(`approved: device ${deviceId}`, { type: "approved", deviceId });
  },
};

const devices: Command = {
  name: "devices",
  args: "",
  help: "list the account's devices",
  async run(context) {
    const client = await context.online();
    for (const device of await client.devices.list()) {
      const by = device.approvedBy === undefined ? "" : `, approved by device ${device.approvedBy}`;
      const seen = device.online ? "online" : device.lastSeenAt === undefined ? "never seen" : `seen ${time(device.lastSeenAt)}`;
      const text = `${device.id} ${oneLine(device.name)}${device.current ? " (this one)" : ""}, since ${time(device.addedAt)}${by}, ${seen}`;
      context.out.result(text, { type: "device", ...device });
    }
  },
};

const revoke: Command = {
  name: "revoke",
  args: "DEVICE",
  help: "sign a device out for good; with this device's number, this profile is removed",
  async run(context, [word]) {
    const id = Number(word);
    if (!Number.isInteger(id)) throw usage("a device is a number: chat devices lists them");
    const client = await context.online();
    if (id === client.account!.deviceId) await client.settings.signOut();
    else await client.devices.revoke(id);
    context.out.result(`revoked device ${id}`, { type: "revoked", deviceId: id });
  },
};

export const deviceCommands = [approve, devices, revoke];

// All commands, in the order in which help shows them.

import type { Command } from "./command.js";
import { accountCommands } from "./commands/account.js";
import { blockCommands } from "./commands/blocks.js";
import { chatCommands } from "./commands/chat.js";
import { deviceCommands } from "./commands/devices.js";
import { groupCommands } from "./commands/groups.js";
import { listenCommands } from "./commands/listen.js";
import { messageCommands } from "./commands/messages.js";
import { safetyCommands } from "./commands/safety.js";
import { statusCommands } from "./commands/statuses.js";

export const commands: Command[] = [
  ...accountCommands, ...deviceCommands, ...chatCommands, ...messageCommands, ...listenCommands, ...groupCommands,
  ...safetyCommands, ...statusCommands, ...blockCommands,
];

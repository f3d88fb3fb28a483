import type { Core } from "../core.js";
import type { ReplyBody } from "../e2e/api.js";
export class CallBook {
  constructor(readonly core: Core, readonly rtc: unknown) {}
  connected(): void {}
  disconnected(): void {}
  close(): void {}
  push(_: ReplyBody): void {}
}

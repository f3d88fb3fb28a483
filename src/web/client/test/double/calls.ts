// Calls of the double: pictures are drawn, and the other side answers after a moment.
import type { Call, Client } from "../../../sdk/src/api";
import type { Double } from "./index";
import { kMe, makeId } from "./world";

function drawn(color: string): MediaStream {
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 400 });
  const context = canvas.getContext("2d")!;
  context.fillStyle = color;
  context.fillRect(0, 0, 320, 400);
  return canvas.captureStream(1);
}

export function calls(double: Double): Client["calls"] {
  let call: Call | undefined;
  const change = (what: Partial<Call>) => {
    call = { ...call!, ...what };
    double.emit("callChanged", call);
    return call;
  };
  const connect = () => change({ phase: "active", startedAt: Date.now(), participants: [{ user: "1001", device: 1, connected: true, stream: drawn("#2d6a66") }] });
  const make = (chat: string, video: boolean, outgoing: boolean): Call => ({ id: makeId(), chat, video, outgoing, phase: outgoing ? "calling" : "ringing", participants: [], muted: false, cameraOff: false });
  const caller = { in: "u1001", "in-group": `g${"a".repeat(32)}` }[double.scene.get("call") ?? ""];
  if (caller) setTimeout(() => double.emit("call", (call = make(caller, true, false))), 300);
  return {
    list: () => (call ? [call] : []),
    start: async (chat, { video, stream }) => {
      call = { ...make(chat, video, true), localStream: stream };
      setTimeout(() => change({ phase: "ringing" }), 50);
      setTimeout(connect, 400);
      return call;
    },
    answer: async (_, options) => {
      setTimeout(connect, 200);
      return change({ phase: "connecting", localStream: options?.stream });
    },
    reject: async () => void change({ phase: "ended", endReason: "rejected" }),
    hangUp: async () => void change({ phase: "ended", endReason: "ended" }),
    setMuted: (_, muted) => void change({ muted }),
    setCameraOff: (_, cameraOff) => void change({ cameraOff }),
    setStream: async (_, localStream) => void change({ localStream }),
    ongoing: async () => (double.scene.get("call")?.endsWith("group") ? { id: makeId(), video: true, participants: ["1002", kMe] } : undefined),
  };
}

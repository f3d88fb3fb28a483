// Reads a QR code by the camera: by the browser's own detector where there is one, else by jsqr, loaded when needed.
import { useEffect, useRef, useState } from "preact/hooks";
import { errorText } from "../lib/errors";

const kInterval = 150; // ms between looks
const kMaxSide = 640; // pixels that are looked at

type Detect = (video: HTMLVideoElement) => Promise<string | undefined>;

declare class BarcodeDetector {
  static getSupportedFormats(): Promise<string[]>;
  constructor(options: { formats: string[] });
  detect(source: CanvasImageSource): Promise<{ rawValue: string }[]>;
}

async function detector(): Promise<Detect> {
  if ("BarcodeDetector" in globalThis && (await BarcodeDetector.getSupportedFormats()).includes("qr_code")) {
    const native = new BarcodeDetector({ formats: ["qr_code"] });
    return async (video) => (await native.detect(video))[0]?.rawValue;
  }
  const { default: jsqr } = await import("jsqr");
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  return async (video) => {
    const scale = Math.min(1, kMaxSide / Math.max(video.videoWidth, video.videoHeight, 1));
    [canvas.width, canvas.height] = [video.videoWidth * scale, video.videoHeight * scale];
    if (!canvas.width || !canvas.height) return undefined;
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    return jsqr(data, canvas.width, canvas.height)?.data;
  };
}

/** Calls `onFound` with each new text; the text can be typed as well, where there is no camera. */
export function Scanner({ label, onFound }: { label: string; onFound: (text: string) => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const [problem, setProblem] = useState("");
  const [typed, setTyped] = useState("");

  useEffect(() => {
    let stream: MediaStream | undefined;
    let ended = false;
    const scan = async () => {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      const element = video.current!;
      element.srcObject = stream;
      await element.play();
      const detect = await detector();
      for (let last = ""; !ended; await new Promise((resolve) => setTimeout(resolve, kInterval))) {
        const text = await detect(element).catch(() => undefined);
        if (text && text !== last) onFound((last = text));
      }
    };
    scan().catch((error) => !ended && setProblem(errorText(error)));
    return () => {
      ended = true;
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
  }, []);

  return (
    <div class="flex flex-col gap-4">
      {problem ? (
        <p class="text-sm text-soft">No camera: {problem}</p>
      ) : (
        <video ref={video} muted playsInline class="aspect-square w-full rounded-box bg-neutral object-cover" aria-label="Camera" />
      )}
      <form
        class="flex items-end gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          onFound(typed.trim());
        }}
      >
        <label class="flex grow flex-col gap-1 text-sm">
          {label}
          <input class="input w-full" value={typed} autoComplete="off" spellcheck={false} onInput={(event) => setTyped(event.currentTarget.value)} />
        </label>
        <button class="btn btn-primary" disabled={!typed.trim()}>
          Use
        </button>
      </form>
    </div>
  );
}

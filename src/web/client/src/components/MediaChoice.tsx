// Which camera and which microphone calls use. Browsers name them only once they were allowed.
import { useEffect, useState } from "preact/hooks";
import { prefer, preferences } from "../state/preferences";
import { Choice } from "./Header";

export function MediaChoice({ onChange, stamp }: { onChange?: () => void; stamp?: unknown }) {
  const [devices, setDevices] = useState<MediaDeviceInfo[]>([]);
  useEffect(() => {
    const load = () => void navigator.mediaDevices?.enumerateDevices().then(setDevices, () => {});
    load();
    navigator.mediaDevices?.addEventListener("devicechange", load);
    return () => navigator.mediaDevices?.removeEventListener("devicechange", load);
  }, [stamp]);
  const options = (kind: MediaDeviceKind, name: string) => [
    ["", "Default"] as const,
    ...devices.filter((device) => device.kind === kind && device.deviceId && device.deviceId !== "default").map((device, i) => [device.deviceId, device.label || `${name} ${i + 1}`] as const),
  ];
  const choose = (which: "camera" | "microphone") => (id: string) => {
    prefer({ [which]: id || undefined });
    onChange?.();
  };
  return (
    <>
      <Choice label="Camera" value={preferences.value.camera ?? ""} options={options("videoinput", "Camera")} onChange={choose("camera")} />
      <Choice label="Microphone" value={preferences.value.microphone ?? ""} options={options("audioinput", "Microphone")} onChange={choose("microphone")} />
    </>
  );
}

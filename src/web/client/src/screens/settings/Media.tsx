import { useState } from "preact/hooks";
import { Card, Page } from "../../components/Header";
import { MediaChoice } from "../../components/MediaChoice";
import { failed } from "../../state/toasts";

export function MediaPage() {
  const [allowed, setAllowed] = useState(0);
  const allow = async () => {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
      for (const track of stream.getTracks()) track.stop();
      setAllowed(allowed + 1);
    } catch (error) {
      failed(error);
    }
  };
  return (
    <Page title="Camera and microphone">
      <Card note="Sound and pictures go between the devices in a call, encrypted.">
        <MediaChoice stamp={allowed} />
        <button class="btn mt-2" onClick={() => void allow()}>
          Allow camera and microphone
        </button>
      </Card>
    </Page>
  );
}

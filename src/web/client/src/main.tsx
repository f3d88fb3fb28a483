import { render } from "preact";
import { App } from "./app";
import "./state/notifications";
import "./state/preferences";
import { start } from "./state/client";
import "./styles.css";

start();
render(<App />, document.getElementById("app")!);

if ("serviceWorker" in navigator && import.meta.env.PROD) {
  // Without it the application works, but not offline.
  navigator.serviceWorker.register("./sw.js").catch((error) => console.info("no service worker", error));
}

// What the tests of the browser share: Chromium, files served as the daemon serves them, and waiting.
import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import http from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const kRepository = fileURLToPath(new URL("../../", import.meta.url));
export const kShots = path.join(import.meta.dirname, "screenshots");
export const kWaitMs = 120_000; // enough for a machine that is busy with something else
mkdirSync(kShots, { recursive: true });

// As src/server/web_files.cc sends it: what the screens need beyond it fails here, too.
const kPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob: mediastream:; " +
  "font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const kTypes = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png", ".webmanifest": "application/manifest+json" };

/** Serves a folder on a free port of this machine. */
export async function serve(folder) {
  const server = http.createServer(async (request, response) => {
    const name = new URL(request.url, "http://x").pathname.replace(/\/$/, "/index.html");
    try {
      const data = await readFile(path.join(folder, path.normalize(name)));
      response.writeHead(200, { "Content-Type": kTypes[path.extname(name)] ?? "text/plain", "Content-Security-Policy": kPolicy }).end(data);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

/** Chromium with a camera and a microphone that are not there, and WebRTC over loopback. */
export function launch(flags = []) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
      "--allow-loopback-in-peer-connection",
      "--disable-features=WebRtcHideLocalIpsWithMdns",
      ...flags,
    ],
  });
}

/** Collects what must not happen in a page: errors, and violations of the Content-Security-Policy. */
export function watchFaults(page) {
  const faults = [];
  page.on("pageerror", (error) => faults.push(`error: ${error.stack ?? error}`));
  page.on("console", (message) => {
    if (message.type() === "error" && /Content Security Policy|Refused to|Uncaught/.test(message.text())) faults.push(message.text());
  });
  return faults;
}

// The service worker: keeps the shell of the application for when there is no network. It never touches the API, and
// holds nothing of the user: messages are in the encrypted store of the SDK.
const kFiles = [/* files */];
const kCache = "godwit-/* version */";

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(kCache).then((cache) => cache.addAll(kFiles)));
});

self.addEventListener("activate", (event) => {
  const drop = async () => {
    for (const name of await caches.keys()) if (name.startsWith("godwit-") && name !== kCache) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(drop());
});

// A page asks for the new version at once; without it, it waits until all pages are closed.
self.addEventListener("message", (event) => {
  if (event.data === "update") self.skipWaiting();
});

// The page comes from the network where there is one, so that a new version is seen; its hashed files from the cache.
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin || url.pathname.startsWith("/v1/")) return;
  if (event.request.mode === "navigate") {
    event.respondWith(fetch(event.request).catch(() => caches.match("./", { ignoreSearch: true })));
  } else {
    event.respondWith(caches.match(event.request).then((kept) => kept ?? fetch(event.request)));
  }
});

// A click on a notification brings the chat to the front.
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const show = async () => {
    const target = `./${event.notification.data?.route ?? ""}`;
    const [page] = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    if (!page) return self.clients.openWindow(target);
    await page.focus();
    page.postMessage({ route: event.notification.data?.route });
  };
  event.waitUntil(show());
});

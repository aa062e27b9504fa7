// Keeps the files of one build of the page. `vite.config.ts` fills in which they are, and a name for them.

const NAME = "%NAME%";
const FILES = %FILES%;

self.addEventListener("install", (event) => {
  const fill = async () => {
    const cache = await caches.open(NAME);
    await cache.addAll(FILES.map((file) => new Request(file, { cache: "no-cache" })));
    await self.skipWaiting();
  };
  event.waitUntil(fill());
});

self.addEventListener("activate", (event) => {
  const take = async () => {
    const others = (await caches.keys()).filter((name) => name.startsWith("playground-") && name !== NAME);
    await Promise.all(others.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(take());
});

// Names of files hold a hash of them, so what is kept is what the page asks for. The page itself is
// asked for anew where there is a network, so that a new build shows at once.
self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET") {
    return;
  }
  const answer = async () => {
    const cache = await caches.open(NAME);
    const kept = await cache.match(event.request, { ignoreSearch: true });
    if (event.request.mode === "navigate") {
      return fetch(event.request).catch(async () => kept ?? (await cache.match("./")) ?? Response.error());
    }
    return kept ?? fetch(event.request);
  };
  event.respondWith(answer());
});

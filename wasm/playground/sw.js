// Keeps the files of one build of the page. `vite.config.ts` fills in the list of files, and a name
// for the cache.

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

// File names contain a hash, so a cached file is always the requested one. The page itself is
// fetched again if there is a network, so that a new build is shown at once.
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

// A service worker that keeps the page's files, for when there is no network.
const files = [
  './', 'index.html', 'page.css', 'page.mjs', 'worker.mjs', 'chargen.mjs', 'chargen.wasm', 'place-names.cgw',
];

addEventListener('install', (event) => {
  event.waitUntil(caches.open('chargen').then((cache) => cache.addAll(files)));
});

addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || new URL(request.url).origin !== location.origin) return;
  // What the network has is newer.
  event.respondWith((async () => {
    const cache = await caches.open('chargen');
    try {
      const response = await fetch(request);
      if (response.ok) cache.put(request, response.clone());
      return response;
    } catch (error) {
      return (await cache.match(request, { ignoreSearch: true })) ?? Response.error();
    }
  })());
});

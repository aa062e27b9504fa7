/** Keeps the page's files in the browser, so that it opens without a network. */

export function keepOffline(): void {
  // A page that is served without TLS, other than from this machine, has no service workers.
  if (import.meta.env.PROD && "serviceWorker" in navigator) {
    navigator.serviceWorker.register("./sw.js").catch(() => undefined);
  }
}

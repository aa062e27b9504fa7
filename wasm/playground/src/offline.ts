/** Keeps the page's files in the browser, so that it opens without a network. */

export function keepOffline(): void {
  // Without TLS, service workers are only available on localhost.
  if (import.meta.env.PROD && "serviceWorker" in navigator) {
    navigator.serviceWorker.register("./sw.js").catch(() => undefined);
  }
}

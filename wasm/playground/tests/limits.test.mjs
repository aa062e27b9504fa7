/** The size of the page, and that it works offline after the first visit. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";

import { FIRST_LOAD } from "../../web/tests/limits.js";
import { start, open, withPage } from "./browser.mjs";
import { BUILT } from "./server.mjs";

const CHART = readFileSync(new URL("../../../tests/fixtures/chart/chart-default.yaml", import.meta.url), "utf8");

let started;
before(async () => {
  started = await start();
});
after(() => started.close());

test("the first load is small", () => {
  started.server.asked.clear();
  return withPage(started, {}, async (page) => {
    // The service worker fetches other files later, while the page is in use.
    const first = await page.evaluate(() => performance.getEntries().map(({ name }) => name));
    const isFirst = (path) => first.some((name) => name.endsWith(path.replace("/index.html", "/folder/")));
    const sizes = [...started.server.asked].filter(isFirst).map((path) => [gzipSync(readFileSync(join(BUILT, path)), { level: 9 }).length, path]);
    sizes.sort(([a], [b]) => b - a);
    const sum = sizes.reduce((all, [size]) => all + size, 0);
    console.log(`first load: ${sum} bytes gzip'd, of them ${sizes.slice(0, 3).map(([size, path]) => `${size} ${path}`).join(", ")}`);
    assert.ok(sizes.length >= 5, sizes.join("; "));
    assert.ok(sum <= FIRST_LOAD, `${sum} bytes are more than ${FIRST_LOAD}: ${sizes.join("; ")}`);
  });
});

test("the page opens without a network, with its examples", () =>
  withPage(started, {}, async (page, context) => {
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await context.setOffline(true);
    const offline = await open(context, started.server.url);
    await offline.getByText(/resources change/).waitFor();
    await offline.getByLabel("Example").selectOption({ label: "The chart with metrics" });
    await offline.locator("#diff-file").getByText("chart-metrics.yaml").waitFor();
  }));

test("a link is made and followed without a network", () =>
  withPage(started, { permissions: ["clipboard-read", "clipboard-write"] }, async (page, context) => {
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await context.setOffline(true);
    await page.getByLabel("listenPort", { exact: true }).fill("9997");
    await page.getByRole("button", { name: "Copy link" }).click();
    await page.getByText("The link is in the clipboard.").waitFor();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(link, page.url());
    const offline = await open(context, link);
    assert.equal(await offline.getByLabel("listenPort", { exact: true }).inputValue(), "9997");
    await offline.reload();
    await offline.locator("html[data-ready]").waitFor();
    assert.equal(await offline.getByLabel("listenPort", { exact: true }).inputValue(), "9997");
  }));

/** The chart's manifests, with enough others to make a thousand. */
function thousand() {
  const others = Array.from({ length: 993 }, (_, index) => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-${index}
  namespace: apps
  labels:
    app.kubernetes.io/name: app-${index}
    app.kubernetes.io/part-of: shop
spec:
  replicas: 2
  selector:
    matchLabels:
      app.kubernetes.io/name: app-${index}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: app-${index}
    spec:
      containers:
      - name: app
        image: registry.example.com/shop/app-${index}:1.4.${index}
        ports:
        - name: http
          containerPort: 8080
        env:
        - name: LOG_LEVEL
          value: info
        - name: DATABASE
          valueFrom:
            secretKeyRef:
              name: app-${index}
              key: database
        resources:
          requests:
            cpu: 100m
            memory: 128Mi
          limits:
            memory: 256Mi
        readinessProbe:
          httpGet:
            path: /ready
            port: http
`);
  const half = Math.floor(others.length / 2);
  const stream = (documents) => documents.map((document) => `---\n${document}`).join("");
  return stream(others.slice(0, half)) + CHART + stream(others.slice(half));
}

test("a thousand resources are shown anew at once", () =>
  withPage(started, {}, async (page) => {
    const text = thousand();
    await page.locator("#files").setInputFiles([{ name: "thousand.yaml", mimeType: "text/yaml", buffer: Buffer.from(text) }]);
    await page.getByText("2 resources change, 998 stay as they are").waitFor();
    const address = page.getByLabel("advertiseAddress", { exact: true });
    const times = [];
    for (let round = 0; round < 15; round += 1) {
      const before = await page.evaluate(() => performance.getEntriesByName("render").length);
      await address.fill(`t${round}.example.com`);
      await page.waitForFunction((count) => performance.getEntriesByName("render").length > count, before);
      times.push(await page.evaluate(() => performance.getEntriesByName("render").at(-1).duration));
    }
    times.sort((a, b) => a - b);
    const median = times[Math.floor(times.length / 2)];
    console.log(`1,000 resources (${(text.length / 1e6).toFixed(1)} MB) shown anew: median ${median.toFixed(1)} ms, ${times[0].toFixed(1)} to ${times.at(-1).toFixed(1)} ms`);
    assert.ok(median < 1_000, `${median} ms`);
  }));

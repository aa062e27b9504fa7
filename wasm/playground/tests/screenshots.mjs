/** Takes the pictures in `docs/playground`: dark and light, on a wide screen and on a phone, and the export. */

import { fileURLToPath } from "node:url";

import { start, open } from "./browser.mjs";

const FOLDER = fileURLToPath(new URL("../../../docs/playground/", import.meta.url));

const started = await start(["--disable-lcd-text"]);
for (const colorScheme of ["light", "dark"]) {
  for (const [width, height] of [[1280, 740], [390, 844]]) {
    const context = await started.browser.newContext({ colorScheme, viewport: { width, height }, reducedMotion: "reduce" });
    const page = await open(context, started.server.url);
    await page.getByRole("slider", { name: "Step" }).press("ArrowRight");
    await page.evaluate(() => document.activeElement?.blur());
    // The editors measure themselves in the frame after a change.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    await page.screenshot({ path: `${FOLDER}${colorScheme}-${width}.png` });
    if (width === 1280) {
      await page.setViewportSize({ width, height: 900 });
      await page.getByRole("button", { name: "Export", exact: true }).click();
      await page.getByRole("article", { name: "kustomization.yaml" }).scrollIntoViewIfNeeded();
      await page.evaluate(() => document.activeElement?.blur());
      await page.locator("#result").screenshot({ path: `${FOLDER}${colorScheme}-export.png` });
    }
    await context.close();
  }
}
await started.close();

/** Takes the pictures in `docs/playground`: dark and light, wide and as on a phone. */

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
    await context.close();
  }
}
await started.close();

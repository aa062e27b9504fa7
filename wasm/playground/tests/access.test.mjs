/** For whom looks at the page in another way: axe's rules, the keyboard alone, a phone. */

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { start, withPage } from "./browser.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let started;
before(async () => {
  started = await start();
});
after(() => started.close());

async function violations(page) {
  // Through the debugger, which the page's policy does not bind.
  await page.evaluate(AXE);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join("; ")}`);
}

for (const colorScheme of ["light", "dark"]) {
  for (const width of [1280, 390]) {
    test(`axe finds nothing, ${colorScheme}, ${width} px`, () =>
      withPage(started, { colorScheme, viewport: { width, height: 900 } }, async (page) => {
        assert.deepEqual(await violations(page), []);
        await page.getByRole("slider", { name: "Step" }).press("End");
        await page.getByRole("button", { name: "AdvertiseAddress", exact: true }).click();
        assert.deepEqual(await violations(page), []);
        await page.getByLabel("Example").selectOption({ label: "The chart with three replicas, which is refused" });
        await page.getByText("Refused: nothing changes").waitFor();
        for (const group of await page.locator("summary:visible").all()) {
          await group.click();
        }
        assert.deepEqual(await violations(page), []);
      }));
  }
}

test("nothing is wider than a phone", () =>
  withPage(started, { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }, async (page) => {
    const width = () => page.evaluate(() => document.documentElement.scrollWidth);
    assert.equal(await width(), 390);
    await page.getByRole("slider", { name: "Step" }).press("End");
    await page.getByRole("textbox", { name: "Manifests with the changes" }).waitFor();
    assert.equal(await width(), 390);
  }));

test("the keyboard alone reaches everything, and leaves the editors", () =>
  withPage(started, {}, async (page) => {
    const focused = () =>
      page.evaluate(() => {
        let at = document.activeElement;
        while (at?.shadowRoot?.activeElement) {
          at = at.shadowRoot.activeElement;
        }
        return at?.getAttribute("aria-label") ?? (at?.id || at?.textContent?.trim().slice(0, 40));
      });
    await page.evaluate(() => document.activeElement?.blur());
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "Skip to the result");
    const seen = new Set();
    for (let presses = 0; presses < 120 && !seen.has("download"); presses += 1) {
      const at = await focused();
      if (/Manifests$|as YAML$/.test(at)) {
        // Tab indents in here, until Escape.
        await page.keyboard.press("Tab");
        assert.equal(await focused(), at);
        await page.keyboard.press("ControlOrMeta+z");
        await page.keyboard.press("Escape");
      }
      await page.keyboard.press("Tab");
      seen.add(await focused());
      if ((await focused()) === "share") {
        assert.equal(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "solid");
      }
    }
    for (const stop of ["share", "theme", "step", "examples", "open", "Manifests", "SessionServer as YAML", "SessionServer.enabled", "SessionServer.exposure.type", "copy", "download"]) {
      assert.ok(seen.has(stop), `${stop} is not reached: ${[...seen].join(", ")}`);
    }
  }));

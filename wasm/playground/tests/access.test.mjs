/** Accessibility: axe's rules, the keyboard alone, a phone, a small screen. */

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
  // Through the debugger, to which the page's policy does not apply.
  await page.evaluate(AXE);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join("; ")}`);
}

for (const colorScheme of ["light", "dark"]) {
  for (const width of [1280, 768, 390]) {
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
        await page.getByRole("button", { name: "Export", exact: true }).click();
        await page.getByText("Nothing is exported").waitFor();
        assert.deepEqual(await violations(page), []);
        await page.getByLabel("Example").selectOption({ label: "An autoscaler, and one relay in front of all pods" });
        for (const host of ["kustomize Component", "Flux HelmRelease"]) {
          await page.getByLabel("For", { exact: true }).selectOption({ label: host });
          await page.getByRole("article", { name: "kustomization.yaml" }).waitFor();
          assert.deepEqual(await violations(page), []);
        }
      }));
  }
}

/** The elements that are cut off or scroll sideways, except preformatted text: the drawing, editors and files. */
function tooWide(page) {
  return page.evaluate(() => {
    const found = [...document.querySelectorAll("body, body *:not(svg *)")].filter((element) => {
      const { right, width } = element.getBoundingClientRect();
      const isSeen = element.checkVisibility() && width > 1 && !element.closest(".hidden, .skip");
      return isSeen && !element.closest("pre, .diagram") && (right > innerWidth + 1 || element.scrollWidth > element.clientWidth + 1) && getComputedStyle(element).display !== "inline" && !element.matches("input, select, button");
    });
    return [`page ${document.documentElement.scrollWidth}`, ...found.map(({ tagName, id, className }) => `${tagName}#${id}.${className}`)];
  });
}

for (const width of [390, 768, 1280]) {
  test(`nothing is wider than ${width} px`, () =>
    withPage(started, { viewport: { width, height: 844 }, isMobile: width < 1000, hasTouch: width < 1000 }, async (page) => {
      const fits = [`page ${width}`];
      assert.deepEqual(await tooWide(page), fits);
      for (const label of ["An autoscaler, and one relay in front of all pods", "Three replicas as shards behind an Ingress"]) {
        await page.getByLabel("Example").selectOption({ label });
        await page.getByRole("slider", { name: "Step" }).press("End");
        await page.getByRole("textbox", { name: /^Manifests (after|with the changes)$/ }).waitFor();
        assert.deepEqual(await tooWide(page), fits, label);
        await page.getByRole("button", { name: "Export", exact: true }).click();
        await page.getByRole("article", { name: "kustomization.yaml" }).waitFor();
        assert.deepEqual(await tooWide(page), fits, `${label}, exported`);
        await page.getByRole("button", { name: "Changes", exact: true }).click();
      }
    }));
}

test("on a phone the path is a list, with the drawing's words", () =>
  withPage(started, { viewport: { width: 390, height: 844 } }, async (page) => {
    assert.equal(await page.locator("#diagram").isVisible(), false);
    const list = page.getByRole("list", { name: "Path to Deployment ci/gr-gitlab-runner" });
    const { paths } = await page.evaluate(
      (text) => globalThis.runnerTerminal.explain(text).diagram,
      readFileSync(new URL("../../../tests/fixtures/chart/chart-default.yaml", import.meta.url), "utf8"),
    );
    const stops = await list.getByRole("listitem").allTextContents();
    assert.deepEqual(stops, paths[0].stops.map(({ title, state, name, detail, explanation }) =>
      `${title}: ${state}${[name, detail].filter((text) => text !== "").join(", ")}${explanation}`));
    await page.getByRole("slider", { name: "Step" }).press("ArrowRight");
    await list.getByText("Load balancer: pending").waitFor();
    await page.setViewportSize({ width: 1280, height: 740 });
    await page.locator("#diagram svg").waitFor();
    assert.equal(await list.isVisible(), false);
  }));

for (const [state, steps] of [["before the apply", 0], ["with a pending Service", 1], ["with an address", 2]]) {
  test(`at 1280×740 the path, the form and the diff are seen together, ${state}`, () =>
    withPage(started, { viewport: { width: 1280, height: 740 } }, async (page) => {
      for (let step = 0; step < steps; step += 1) {
        await page.getByRole("slider", { name: "Step" }).press("ArrowRight");
      }
      for (const [what, least] of [["#diagram svg", 150], [".form:visible", 100], ["#diff", 150], ["#manifests", 150], ["#summary", 10]]) {
        const { y, height } = await page.locator(what).boundingBox();
        assert.ok(y >= 0 && y + height <= 740 && height >= least, `${what}: from ${y}, ${height} high`);
      }
      assert.equal(await page.evaluate(() => scrollY), 0);
    }));
}

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
    for (const stop of ["share", "theme", "step", "examples", "open", "Manifests", "SessionServer as YAML", "SessionServer.enabled", "SessionServer.exposure.type", "copy", "download", "Changes", "Export"]) {
      assert.ok(seen.has(stop), `${stop} is not reached: ${[...seen].join(", ")}`);
    }
  }));

/** Malicious manifests, names and links. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { deflateRawSync } from "node:zlib";

import { start, withPage } from "./browser.mjs";

const CHART = readFileSync(new URL("../../../tests/fixtures/chart/chart-default.yaml", import.meta.url), "utf8");
const NAMES = [
  "<script>globalThis.harmed = true</script>",
  "\"><img src=x onerror='globalThis.harmed = true'>",
  "<svg onload=globalThis.harmed=true>",
  "javascript:globalThis.harmed=true",
  "]]><foreignObject><body xmlns='http://www.w3.org/1999/xhtml'><img src='x' onerror='globalThis.harmed=true'/></body></foreignObject>",
];

let started;
before(async () => {
  started = await start();
});
after(() => started.close());

async function nothingHappened(page) {
  assert.equal(await page.evaluate(() => globalThis.harmed), undefined);
  const made = await page.evaluate(() => document.querySelectorAll("main script, main img, main a, foreignObject, [onerror], [onload]").length);
  assert.equal(made, 0);
}

for (const name of NAMES) {
  test(`a name that is ${name}`, () =>
    withPage(started, {}, async (page) => {
      const text = CHART.replaceAll(/name: "?gr-gitlab-runner"?$/gm, `name: ${JSON.stringify(name)}`);
      await page.locator("#files").setInputFiles([
        { name: `${name.replaceAll("/", "_")}.yaml`, mimeType: "text/yaml", buffer: Buffer.from(text) },
        { name: "b.yaml", mimeType: "text/yaml", buffer: Buffer.from("kind: X\n") },
      ]);
      await page.locator("#tabs button").first().waitFor();
      await page.getByRole("slider", { name: "Step" }).press("End");
      await nothingHappened(page);
    }));
}

const link = (value) => `#v1.${deflateRawSync(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url")}`;
const configs = { SessionServer: "", AdvertiseAddress: "" };
const file = { path: "a.yaml", text: "a: 1\n" };
const LINKS = {
  "no state at all": "#hello",
  "another version": "#v2.abc",
  "no base64url": "#v1.<script>",
  "no compressed data": "#v1.AAAA",
  "cut off": link({ files: [file], configs, step: 0, address: "" }).slice(0, -8),
  "no JSON": link("{"),
  "another value": link([1, 2]),
  "a field too many": link({ files: [file], configs, step: 0, address: "", harm: 1 }),
  "a step that is none": link({ files: [file], configs, step: 7, address: "" }),
  "files that are none": link({ files: [{ path: 1, text: {} }], configs, step: 0, address: "" }),
  "no files": link({ files: [], configs, step: 0, address: "" }),
  "a prototype": link('{"files":[],"configs":{},"step":0,"address":"","__proto__":{"a":1}}'),
  "a bomb": link("0".repeat(60_000_000)),
};

for (const [what, hash] of Object.entries(LINKS)) {
  test(`a link that is ${what} is refused with a message`, () =>
    withPage(started, { hash }, async (page) => {
      await page.getByRole("alert").getByText(/^The link cannot be followed: /).waitFor();
      await page.getByText(/resources change/).waitFor();
      await nothingHappened(page);
    }));
}

test("a link with hostile texts is shown as text", () => {
  const path = NAMES[1];
  const hash = link({ files: [{ path, text: CHART }, file], configs: { ...configs, SessionServer: `kind: ${NAMES[0]}\n` }, step: 2, address: NAMES[2] });
  return withPage(started, { hash }, async (page) => {
    await page.getByText(path, { exact: true }).first().waitFor();
    await nothingHappened(page);
  });
});

test("broken YAML is told with its line, and the page goes on", () =>
  withPage(started, {}, async (page) => {
    const manifests = page.getByRole("textbox", { name: "Manifests", exact: true });
    await manifests.focus();
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.insertText("a: 1\nb: [1,\nc: }\n");
    await page.getByText("The manifests cannot be read.").waitFor();
    await page.locator("#manifests .cm-lintRange-error").waitFor();
    await page.getByLabel("Example").selectOption({ index: 2 });
    await page.getByText(/resources? changes?, /).waitFor();
  }));

test("5 MB are taken", () =>
  withPage(started, {}, async (page) => {
    const large = `${CHART}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: large}\ndata:\n  text: |\n${"    a line of a large text <b>x</b>\n".repeat(150_000)}`;
    assert.ok(large.length > 5_000_000);
    await page.locator("#files").setInputFiles([{ name: "large.yaml", mimeType: "text/yaml", buffer: Buffer.from(large) }]);
    await page.locator("#diff-file").getByText("large.yaml").waitFor();
    await page.getByText("2 resources change, 6 stay as they are").waitFor();
    await nothingHappened(page);
  }));

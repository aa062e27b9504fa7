/** The page's functions give the same output as the native core, byte for byte, on every fixture. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { start, withPage } from "./browser.mjs";

const root = (path) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const LISTS = ["session-server", "advertise-address", "refused", "refused-address", "not-a-list"];
const PLAIN = ["chart", "helm"];

let started;
before(async () => {
  started = await start();
});
after(() => started.close());

function files(folder) {
  const path = root(`tests/fixtures/${folder}/`);
  const found = readdirSync(path).filter((name) => name.endsWith(".yaml"));
  assert.ok(found.length > 0, `${folder} has no fixtures`);
  return found.map((name) => ({ name, path: path + name, text: readFileSync(path + name, "utf8") }));
}

function native(program, options, input) {
  const { stdout, stderr, status, error } = spawnSync(root(program), options, { input, encoding: "utf8", maxBuffer: 1e8 });
  assert.ifError(error);
  return { output: stdout, errors: stderr, failed: status !== 0 };
}

for (const folder of LISTS) {
  test(`ResourceLists of ${folder}`, () =>
    withPage(started, {}, async (page) => {
      for (const { name, text } of files(folder)) {
        const { errors: _, ...expected } = native("target/module/examples/native", [], text);
        const { output, failed } = await page.evaluate((list) => globalThis.runnerTerminal.run(list), text);
        assert.deepEqual({ output, failed }, expected, name);
      }
    }));
}

for (const folder of PLAIN) {
  test(`manifests of ${folder}`, () =>
    withPage(started, {}, async (page) => {
      for (const { name, path, text } of files(folder)) {
        const expected = native("target/release/runner-terminal", ["apply-to", path]);
        const made = await page.evaluate((manifests) => {
          try {
            return globalThis.runnerTerminal.transform(manifests);
          } catch ({ message }) {
            return { refused: message };
          }
        }, text);
        if (made.refused) {
          // The command names the file, and the page knows no name.
          const reason = made.refused.replace(/^manifests:/, "");
          assert.ok(expected.failed && expected.errors.includes(reason), `${name}: ${made.refused}\n${expected.errors}`);
          continue;
        }
        assert.equal(made.failed, expected.failed, name);
        assert.equal(made.manifests, expected.failed ? text : expected.output, name);
      }
    }));
}

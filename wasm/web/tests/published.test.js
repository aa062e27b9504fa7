// The published package: its files, its version and its size.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { root } from "./fixtures.js";
import { PACKED } from "./limits.js";

const [packed] = JSON.parse(readFileSync(join(root, "target/web-packed/packed.json"), "utf8"));

test("the package has its files and no other", () => {
  const files = packed.files.map(({ path }) => path).sort();
  assert.deepEqual(files, [
    "LICENSE",
    "README.md",
    "browser.js",
    "core.js",
    "index.d.ts",
    "node.js",
    "package.json",
    "runner_terminal.js",
    "runner_terminal_bg.wasm",
  ]);
});

test("its version is the workspace's", () => {
  const [, version] = /^version = "(.*)"$/m.exec(readFileSync(join(root, "Cargo.toml"), "utf8"));
  assert.equal(packed.version, version);
});

test("it is small", () => {
  assert(packed.size <= PACKED, `the package has ${packed.size} bytes, more than ${PACKED}`);
});

test("browsers get the module that is loaded by init", async () => {
  const browser = await import("../../../target/web/browser.js");
  assert.throws(() => browser.schema(), /await init\(\) first/);
  assert.deepEqual(Object.keys(browser).sort(), Object.keys(await import("runner-terminal")).sort());
});

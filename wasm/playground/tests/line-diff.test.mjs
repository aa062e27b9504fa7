/** The diff of random texts: applying its changes to one text gives the other. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { build } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
let folder;
let lineDiff;
before(async () => {
  folder = mkdtempSync(join(root, "node_modules", ".line-diff-"));
  await build({
    root,
    configFile: false,
    logLevel: "error",
    build: { outDir: folder, minify: false, lib: { entry: join(root, "src/line-diff.ts"), formats: ["es"], fileName: "line-diff" } },
  });
  ({ lineDiff } = await import(join(folder, "line-diff.js")));
});
after(() => rmSync(folder, { recursive: true }));

/** Numbers that look random and are the same each time. */
function numbers(seed) {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

function carriedOut(a, b, changes) {
  let at = 0;
  let text = "";
  for (const { fromA, toA, fromB, toB } of changes) {
    assert.ok(fromA >= at, "changes are in order");
    text += a.slice(at, fromA) + b.slice(fromB, toB);
    at = toA;
  }
  return text + a.slice(at);
}

test("changes make the new text of the old one", () => {
  for (let seed = 1; seed <= 2_000; seed += 1) {
    const random = numbers(seed);
    const lines = () => Array.from({ length: random(12) }, () => ["a", "b", "  c: 1", "", "d\r"][random(5)]);
    const end = () => ["", "\n"][random(2)];
    // Some are longer than a block.
    const long = () => "x: y\n".repeat([0, 0, 0, 1_000, 2_000][random(5)]);
    const [first, last] = [long(), long()];
    const a = first + lines().join("\n") + end() + last;
    const b = random(3) === 0 ? a : first + lines().join("\n") + end() + last;
    const changes = lineDiff(a, b);
    assert.equal(carriedOut(a, b, changes), b, `seed ${seed}`);
    assert.equal(changes.length === 0, a === b);
  }
});

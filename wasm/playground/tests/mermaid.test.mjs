/** Mermaid draws the diagrams of the docs and those of `explain --mermaid`, with every label as intended. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

import { EXECUTABLE, SANDBOX } from "./browser.mjs";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** The script that draws the book's diagrams: mdbook-mermaid has it. */
function script(folder) {
  writeFileSync(join(folder, "book.toml"), "[book]\n");
  execFileSync(join(root, "target/hosts/bin/mdbook-mermaid"), ["install", folder], { stdio: "pipe" });
  return join(folder, "mermaid.min.js");
}

function files(folder, isWanted) {
  const names = readdirSync(join(root, folder)).filter(isWanted).sort();
  return names.map((name) => [name, readFileSync(join(root, folder, name), "utf8")]);
}

/** Each diagram after the name of its file. */
function diagrams() {
  const ofDocs = files("docs", (name) => name.endsWith(".md")).flatMap(([name, text]) =>
    [...text.matchAll(/^```mermaid\n(.*?)^```$/gms)].map(([, diagram]) => [name, diagram]),
  );
  const snapshots = files("tests/snapshots", (name) => name.startsWith("diagram__"));
  const ofExplain = snapshots.map(([name, text]) => [name, text.slice(text.indexOf("\n---\n") + 5)]);
  assert.ok(ofDocs.length >= 9, `${ofDocs.length} in the docs`);
  assert.ok(ofExplain.length >= 200, `${ofExplain.length} of explain`);
  return [...ofDocs, ...ofExplain];
}

/** What is wrong with a diagram, in the page; empty if it is drawn as intended. */
async function fault(text) {
  try {
    const { svg } = await globalThis.mermaid.render("drawn", text);
    return svg.match(/Unsupported markdown: \w+|Syntax error/)?.[0] ?? "";
  } catch (error) {
    return String(error);
  }
}

test("every diagram is drawn, and no label is taken for Markdown", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mermaid-"));
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: SANDBOX });
  try {
    const page = await browser.newPage();
    await page.addScriptTag({ path: script(folder) });
    await page.evaluate(() => globalThis.mermaid.initialize({ startOnLoad: false }));
    assert.match(await page.evaluate(fault, 'flowchart LR\n  a["1. x"]'), /Unsupported markdown/);
    const faults = [];
    for (const [name, text] of diagrams()) {
      const found = await page.evaluate(fault, text);
      if (found) faults.push(`${name}: ${found}`);
    }
    assert.deepEqual(faults, []);
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true });
  }
});

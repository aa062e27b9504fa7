// The fixtures of the workspace, and the programs to compare with.

import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
export const fixtures = join(root, "tests/fixtures");

/** The folders, so that a missing one is noticed. */
export const FOLDERS = [
  "advertise-address",
  "chart",
  "chart-values",
  "helm",
  "not-a-list",
  "refused",
  "refused-address",
  "session-server",
  "yaml",
];

/** The function without WebAssembly, and the launcher. */
export const native = join(root, "target/module/examples/native");
export const launcher = join(root, "target/release/runner-terminal");

/** The YAML and JSON files of a folder: their names from `tests/fixtures`, and their texts. */
export function read(folder) {
  const entries = readdirSync(join(fixtures, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.(ya?ml|json)$/.test(entry.name))
    .map((entry) => {
      const path = join(entry.parentPath ?? entry.path, entry.name);
      // Not with `readFileSync(path, "utf8")`, which silently replaces invalid UTF-8.
      const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(readFileSync(path));
      return { name: relative(fixtures, path), text };
    });
}

export function isList(text) {
  return /^kind: *"?ResourceList\b/m.test(text) || /^\{[^]*"kind": *"ResourceList"/.test(text);
}

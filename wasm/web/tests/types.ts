// Uses each of the package's types; `npm run types` fails if one is wrong.

import init, {
  RunnerTerminalError,
  edit,
  explain,
  exportFiles,
  parse,
  run,
  schema,
  transform,
  type Change,
  type Diagram,
  type Difference,
  type Explanation,
  type Exported,
  type Location,
  type ManifestFile,
  type Operation,
  type Ran,
  type Result,
  type Stop,
  type TerminalPath,
  type Transformed,
} from "runner-terminal";

const loaded: Promise<void> = init();
void init(new URL("https://example.com/runner_terminal_bg.wasm"));
void init(fetch("/runner_terminal_bg.wasm") as unknown as Response);
void loaded;

const ofText: Transformed<string> = transform("kind: Pod\n");
const text: string = ofText.manifests;
const files: readonly ManifestFile[] = [{ path: "a.yaml", text }];
const ofFiles: Transformed<ManifestFile[]> = transform(files, "", undefined);
const first: ManifestFile | undefined = ofFiles.manifests[0];
const counts: [boolean, number] = [ofFiles.failed, ofFiles.unchanged];
void first;
void counts;

for (const result of ofText.results satisfies Result[]) {
  const severity: "error" | "warning" | "info" = result.severity;
  const namespace: string | undefined = result.resourceRef?.namespace;
  const place: Location | undefined = result.location;
  const field: string | undefined = result.field?.path;
  const current: unknown = result.field?.currentValue;
  const file: number | undefined = result.file?.index;
  const tag: string | undefined = result.tags?.["runner-terminal.dev/observe"];
  void [severity, namespace, place?.line, field, current, file, tag, result.message];
}

for (const change of ofText.changes satisfies Change[]) {
  const how: Difference = change.change;
  const fields: { path: string; difference: Difference }[] = change.fields;
  void [how, fields, change.name, change.place.file];
}

const explanation: Explanation = explain(files);
const diagram: Diagram = explanation.diagram;
for (const path of diagram.paths satisfies TerminalPath[]) {
  const stops: Stop[] = path.stops;
  const state: "ready" | "configured" | "pending" | "broken" | "off" | undefined = stops[0]?.state;
  const links: string[] = path.links;
  void [state, links, path.runner];
}
void [explanation.svg, explanation.mermaid, explanation.html, diagram.problem];

const exported: Exported = exportFiles(files, "", undefined, { includeSecrets: true });
const component: ManifestFile[] = exported.component;
const beside: ManifestFile[] = exported.helmRelease.files;
const problem: string = exportFiles(text).problem;
void [component, beside, problem, exported.helmRelease.lines];

const schemas: object[] = [schema(), schema("AdvertiseAddress"), schema("VerifyTerminals")];
const ran: Ran = run(text);
void [schemas, ran.output, ran.report, ran.failed];

const value: unknown = parse("a: 1\n");
const patch: readonly Operation[] = [
  { op: "add", path: "/b", value },
  { op: "replace", path: "/a", value: [1, null, { c: true }] },
  { op: "remove", path: "/b" },
];
const edited: string = edit("a: 1\n", patch);
void edited;

try {
  explain("", "", "");
} catch (error) {
  if (error instanceof RunnerTerminalError) {
    const input: "manifests" | "functionConfig" | "observed" | "yaml" | "patch" = error.input;
    const line: number | undefined = error.line;
    const field: string | undefined = error.field;
    const name: "RunnerTerminalError" = error.name;
    void [input, line, field, name, error.file, error.message];
  }
}

// Wrong uses must not compile.
// @ts-expect-error
transform(1);
// @ts-expect-error
transform([{ path: "a.yaml" }]);
// @ts-expect-error
transform("", {});
// @ts-expect-error
exportFiles("", "", "", { secrets: true });
// @ts-expect-error
schema("Pod");
// @ts-expect-error
run();
// @ts-expect-error
parse();
// @ts-expect-error
const guessed: { a: number } = parse("a: 1\n");
void guessed;
// @ts-expect-error
edit("a: 1\n", [{ op: "move", from: "/a", path: "/b" }]);
// @ts-expect-error
edit("a: 1\n", [{ op: "add", path: "/b" }]);
// @ts-expect-error
const wrong: Transformed<ManifestFile[]> = transform("");
void wrong;

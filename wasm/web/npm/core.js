// The package's functions, built on the interface of the Wasm module: texts and JSON.

import * as wasm from "./runner_terminal.js";

/** The name of manifests that are one text. */
const MANIFESTS = "manifests";
/** The name of the text of `parse` and `edit`. */
const YAML = "yaml";

let isStarted = false;
/** True after a trap, when the state of the module's memory is unknown. */
let isBroken = false;

/** Says that the module is loaded. */
export function started() {
  isStarted = true;
}

export class RunnerTerminalError extends Error {
  constructor({ message, input, file, line, field }, options) {
    super(message, options);
    this.name = "RunnerTerminalError";
    this.input = input;
    this.file = file;
    if (line !== undefined) this.line = line;
    if (field !== undefined) this.field = field;
  }
}

export function transform(manifests, functionConfig, observed) {
  const given = read(manifests, functionConfig, observed);
  const { texts, rest } = call(MANIFESTS, () => taken(wasm.transform(...given)));
  const isText = typeof manifests === "string";
  const after = isText ? texts[0] : texts.map((text, file) => ({ path: given[0][file], text }));
  return { manifests: after, ...rest };
}

export function explain(manifests, functionConfig, observed) {
  const given = read(manifests, functionConfig, observed);
  return JSON.parse(call(MANIFESTS, () => wasm.explain(...given)));
}

export function exportFiles(manifests, functionConfig, observed, options) {
  const given = read(manifests, functionConfig, observed);
  const includeSecrets = options?.includeSecrets === true;
  return JSON.parse(call(MANIFESTS, () => wasm.exportFiles(...given, includeSecrets)));
}

export function run(resourceList) {
  const list = textOf(resourceList, MANIFESTS, "resourceList");
  const { texts, rest } = call(MANIFESTS, () => taken(wasm.run(list)));
  return { output: texts[0], ...rest };
}

export function schema(kind = "SessionServer") {
  const found = typeof kind === "string" ? call("functionConfig", () => wasm.schema(kind)) : undefined;
  if (found === undefined) {
    throw new RunnerTerminalError({
      message: `there is no schema of ${shown(kind)}; there are SessionServer, AdvertiseAddress and VerifyTerminals`,
      input: "functionConfig",
      file: "functionConfig",
      field: "kind",
    });
  }
  return JSON.parse(found);
}

export function parse(text) {
  const given = textOf(text, YAML, YAML);
  return JSON.parse(call(YAML, () => wasm.parse(given)));
}

export function edit(text, patch) {
  const given = textOf(text, YAML, YAML);
  const operations = jsonOf(patch, "patch");
  return call(YAML, () => wasm.edit(given, operations));
}

/** Moves the parts of an answer out of the module's memory. */
function taken(answer) {
  try {
    return { texts: answer.texts(), rest: JSON.parse(answer.json()) };
  } finally {
    answer.free();
  }
}

/** Calls into the module. A trap is reported as an error of the input, which was too large. */
function call(input, inside) {
  if (!isStarted) throw new Error("runner-terminal is not loaded yet: await init() first");
  try {
    if (isBroken) wasm.__wbg_reset_state();
    isBroken = false;
    return inside();
  } catch (error) {
    if (typeof error === "string") throw new RunnerTerminalError(JSON.parse(error));
    // The next call creates a new module: now there may not be enough stack left for that.
    isBroken = true;
    const message = `this is more than runner-terminal can work on: ${error?.message ?? error}`;
    throw new RunnerTerminalError({ message, input, file: input }, { cause: error });
  }
}

/** The paths and the texts of the manifests, and the other two. */
function read(manifests, functionConfig, observed) {
  const files = typeof manifests === "string" ? [{ path: MANIFESTS, text: manifests }] : manifests;
  if (!Array.isArray(files)) {
    throw wrong(MANIFESTS, MANIFESTS, "a text or a list of {path, text}", manifests);
  }
  const paths = [];
  const texts = [];
  // Not `map`, which skips the holes of a sparse array.
  for (const file of files) {
    const place = `manifests[${paths.length}]`;
    if (typeof file !== "object" || file === null) {
      throw wrong(MANIFESTS, place, "{path, text}", file);
    }
    const path = textOf(file.path, MANIFESTS, `${place}.path`);
    paths.push(path);
    texts.push(textOf(file.text, MANIFESTS, path));
  }
  return [
    paths,
    texts,
    optional(functionConfig, "functionConfig"),
    optional(observed, "observed"),
  ];
}

function optional(text, input) {
  return text === undefined || text === null ? undefined : textOf(text, input, input);
}

/** A text that can be written as UTF-8. */
function textOf(text, input, file) {
  if (typeof text !== "string") throw wrong(input, file, "a text", text);
  if (text.isWellFormed?.() ?? !LONE_SURROGATE.test(text)) return text;
  const line = text.slice(0, text.search(LONE_SURROGATE)).split("\n").length;
  const message = `${file}:${line}: this is no Unicode text: it holds half of a character`;
  throw new RunnerTerminalError({ message, input, file, line });
}

/** Encodes a value as JSON; not every value can be. */
function jsonOf(value, input) {
  let json;
  try {
    json = JSON.stringify(value);
  } catch (error) {
    const message = `${input} is to be JSON, and cannot be: ${error?.message ?? error}`;
    throw new RunnerTerminalError({ message, input, file: input }, { cause: error });
  }
  if (json === undefined) throw wrong(input, input, "a list of operations", value);
  return json;
}

const LONE_SURROGATE = /\p{Surrogate}/u;

function wrong(input, file, expected, found) {
  const message = `${file} is to be ${expected}, and is ${shown(found)}`;
  return new RunnerTerminalError({ message, input, file });
}

/** Describes a value without calling any of its methods. */
function shown(value) {
  if (value === null) return "null";
  if (typeof value === "string") return JSON.stringify(value);
  return Array.isArray(value) ? "a list" : typeof value;
}

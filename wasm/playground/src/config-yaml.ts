/** The YAML of a functionConfig, in which the form changes single fields; everything else stays as it is written. */

import { edit, type Operation, parse, RunnerTerminalError } from "./core";

export type Path = (string | number)[];

/** The value of the YAML, if it is a mapping. */
export function valueOf(text: string): Record<string, unknown> | undefined {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    if (!(error instanceof RunnerTerminalError)) {
      throw error;
    }
  }
  return record(value);
}

/**
 * The text with a field set, or removed if the value is undefined, together with mappings that
 * become empty.
 *
 * @throws {RunnerTerminalError} if it cannot be edited as it is written.
 */
export function withField(text: string, path: Path, value: unknown): string {
  const config = valueOf(text);
  const operation = config && (value === undefined ? removal(config, path) : addition(config, path, value));
  return operation ? edit(text, [operation]) : text;
}

/** Sets a field, and creates missing parents. A null, such as that of an empty `spec:`, is replaced. */
function addition(config: Record<string, unknown>, path: Path, value: unknown): Operation {
  let depth = 0;
  let node: unknown = config;
  for (const key of path.slice(0, -1)) {
    node = member(node, key);
    if (!isCollection(node)) {
      break;
    }
    depth += 1;
  }
  const [there, missing] = [path.slice(0, depth + 1), path.slice(depth + 1)];
  const added = missing.reduceRight((inner, key) => (typeof key === "number" ? [inner] : { [key]: inner }), value);
  const parent = at(config, there.slice(0, -1));
  // In a list, `add` would insert.
  const op = Array.isArray(parent) && member(parent, there.at(-1) ?? "") !== undefined ? "replace" : "add";
  return { op, path: pointer(there), value: added };
}

/** Removes a field; no operations if there is none. */
function removal(config: Record<string, unknown>, path: Path): Operation | undefined {
  if (at(config, path) === undefined) {
    return undefined;
  }
  let gone = path;
  for (;;) {
    const above = gone.slice(0, -1);
    const parent = at(config, above);
    // An empty item of a list stays: it is there because the user has added it.
    const stays = above.length === 0 || typeof above.at(-1) === "number";
    if (stays || !isCollection(parent) || Object.keys(parent).length > 1) {
      return { op: "remove", path: pointer(gone) };
    }
    gone = above;
  }
}

/** The value at a path; undefined if there is none. */
export function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(member, value);
}

/** The value, if it is a mapping. */
export function record(value: unknown): Record<string, unknown> | undefined {
  return isCollection(value) && !Array.isArray(value) ? value : undefined;
}

function member(value: unknown, key: string | number): unknown {
  return isCollection(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function isCollection(value: unknown): value is Record<string | number, unknown> {
  return typeof value === "object" && value !== null;
}

/** A path as a JSON Pointer. */
function pointer(path: Path): string {
  return path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

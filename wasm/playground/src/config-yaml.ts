/** The YAML of a functionConfig, of which the form changes single fields; comments stay. */

import { isMap, isSeq, parseDocument, type Document, type ParsedNode } from "yaml";

export type Path = (string | number)[];

/** The value of a functionConfig, or undefined where its text is no YAML mapping. */
export function valueOf(text: string): Record<string, unknown> | undefined {
  const document = parse(text);
  if (document === undefined) {
    return undefined;
  }
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

/** The text with a field set, or taken out where the value is undefined, along with what is empty without it. */
export function withField(text: string, path: Path, value: unknown): string {
  const document = parse(text);
  if (document === undefined) {
    return text;
  }
  if (value === undefined) {
    remove(document, path);
  } else {
    prepare(document, path);
    document.setIn(path, document.createNode(value));
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: false, indentSeq: false });
}

function parse(text: string): Document<ParsedNode> | undefined {
  let document;
  try {
    document = parseDocument(text, { keepSourceTokens: false });
  } catch {
    return undefined;
  }
  return document.errors.length === 0 && isMap(document.contents) ? document : undefined;
}

/** Replaces what is no collection on the way, such as the null of an empty `spec:`. */
function prepare(document: Document, path: Path): void {
  for (let depth = 1; depth < path.length; depth += 1) {
    const parent = path.slice(0, depth);
    const node = document.getIn(parent, true);
    if (!isMap(node) && !isSeq(node)) {
      document.setIn(parent, document.createNode(typeof path[depth] === "number" ? [] : {}));
    }
  }
}

function remove(document: Document, path: Path): void {
  if (!document.hasIn(path)) {
    return;
  }
  document.deleteIn(path);
  const parent = path.slice(0, -1);
  const node = document.getIn(parent, true);
  // An item of a list stays, empty as it is: it is there because somebody has added it.
  if (parent.length > 0 && typeof parent.at(-1) !== "number" && (isMap(node) || isSeq(node)) && node.items.length === 0) {
    remove(document, parent);
  }
}

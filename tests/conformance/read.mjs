// Reads a JSON array of texts from standard input, and prints how the package `yaml` reads each:
// {"value": …, "nodes": …}, or {} if it refuses the text. In the nodes, a scalar is its text, a
// sequence an array, a mapping {"map": [[key, value], …]}, and an alias what it stands for.

import { text } from "node:stream/consumers";
import { isAlias, isMap, isScalar, isSeq, parseDocument } from "yaml";

function nodes(node, document) {
  if (isAlias(node)) return nodes(node.resolve(document), document);
  if (isSeq(node)) return node.items.map((item) => nodes(item, document));
  if (isMap(node)) {
    return { map: node.items.map(({ key, value }) => [nodes(key, document), nodes(value, document)]) };
  }
  return isScalar(node) ? (node.source ?? "") : "";
}

function read(source) {
  const document = parseDocument(source, { version: "1.2", merge: true, logLevel: "error" });
  if (document.errors.length > 0) return {};
  const value = document.toJS({ maxAliasCount: 1000 });
  return { value: value === undefined ? null : value, nodes: nodes(document.contents, document) };
}

const texts = JSON.parse(await text(process.stdin));
const meanings = texts.map((source) => {
  try {
    return read(source);
  } catch {
    return {};
  }
});
process.stdout.write(JSON.stringify(meanings));

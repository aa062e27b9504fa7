// Reads a JSON array of texts from standard input, and prints what each means to the package `yaml`:
// {"value": …}, or {} where it refuses the text.

import { text } from "node:stream/consumers";
import { parseDocument } from "yaml";


function read(source) {
  const document = parseDocument(source, { version: "1.2", merge: true, logLevel: "error" });
  if (document.errors.length > 0) return {};
  const value = document.toJS({ maxAliasCount: 1000 });
  return { value: value === undefined ? null : value };
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

// Runs a WASI preview 1 module under Node.js:
//
//     node tests/hosts/node/run.mjs MODULE.wasm
//
// The module gets stdin, stdout, stderr and its own name, and nothing else: no
// files and no environment. The exit code is the module's.

import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { setFlagsFromString } from "node:v8";

// Node 20 uses fast API calls for its WASI functions once they are hot, after some megabytes of
// input, and then crashes at the module's exit. The slow calls work.
setFlagsFromString("--no-turbo-fast-api-calls");

// Node calls its WASI support experimental each time it is loaded. Only that
// warning is dropped, so the module's stderr stays what the module wrote.
const emitWarning = process.emitWarning;
process.emitWarning = (warning, ...rest) => {
  const [options] = rest;
  const type = typeof options === "object" ? options?.type : options;
  if (type !== "ExperimentalWarning") {
    emitWarning.call(process, warning, ...rest);
  }
};

// This program's own failure. The module's codes are far from it.
const EXIT_HOST = 125;

const [path, ...extra] = process.argv.slice(2);
if (path === undefined || extra.length > 0) {
  console.error("usage: node run.mjs MODULE.wasm");
  process.exit(EXIT_HOST);
}

try {
  // Loaded here and not at the top, so that the warning is caught above.
  const { WASI } = await import("node:wasi");
  const wasi = new WASI({
    version: "preview1",
    args: [basename(path)],
    env: {},
    preopens: {},
    returnOnExit: true,
  });

  const module = await WebAssembly.compile(await readFile(path));
  const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
  process.exitCode = wasi.start(instance);
} catch (error) {
  console.error(`run.mjs: ${error}`);
  process.exitCode = EXIT_HOST;
}

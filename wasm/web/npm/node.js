// For Node.js: the function is loaded as soon as this is imported.

import { readFileSync } from "node:fs";

import { started } from "./core.js";
import { initSync } from "./runner_terminal.js";

initSync({ module: readFileSync(new URL("./runner_terminal_bg.wasm", import.meta.url)) });
started();

export { RunnerTerminalError, edit, explain, exportFiles, parse, run, schema, transform } from "./core.js";

/** There is nothing left to load. */
export default async function init() {}

// For browsers: the function is loaded by `init`.

import { started } from "./core.js";
import load from "./runner_terminal.js";

export { RunnerTerminalError, edit, explain, exportFiles, parse, run, schema, transform } from "./core.js";

let loading;

/** Loads the function, once. After a failure the next call tries again. */
export default function init(source) {
  loading ??= load(source === undefined ? undefined : { module_or_path: source }).then(
    () => started(),
    (error) => {
      loading = undefined;
      throw error;
    },
  );
  return loading;
}

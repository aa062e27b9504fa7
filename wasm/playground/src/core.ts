/** The function, as the npm package gives it. */

import init, {
  edit,
  explain,
  exportFiles,
  parse,
  RunnerTerminalError,
  run,
  schema,
  transform,
  type Change,
  type Explanation,
  type Exported,
  type ManifestFile,
  type Operation,
  type Result,
  type Transformed,
} from "runner-terminal";

export { edit, explain, exportFiles, init, parse, RunnerTerminalError, run, schema, transform };
export type { Change, Explanation, Exported, ManifestFile, Operation, Result, Transformed };

/** The kinds of functionConfig. */
export const KINDS = ["SessionServer", "AdvertiseAddress"] as const;

/** A kind of functionConfig. */
export type Kind = (typeof KINDS)[number];

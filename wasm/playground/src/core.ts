/** The function, as the npm package gives it. */

import init, {
  edit,
  explain,
  parse,
  RunnerTerminalError,
  run,
  schema,
  transform,
  type Change,
  type Explanation,
  type ManifestFile,
  type Operation,
  type Result,
  type Transformed,
} from "runner-terminal";

export { edit, explain, init, parse, RunnerTerminalError, run, schema, transform };
export type { Change, Explanation, ManifestFile, Operation, Result, Transformed };

/** The kinds of functionConfig. */
export const KINDS = ["SessionServer", "AdvertiseAddress"] as const;

/** A kind of functionConfig. */
export type Kind = (typeof KINDS)[number];

/** The function, as the npm package gives it. */

import init, {
  explain,
  RunnerTerminalError,
  run,
  schema,
  transform,
  type Change,
  type Explanation,
  type ManifestFile,
  type Result,
  type Transformed,
} from "runner-terminal";

export { explain, init, RunnerTerminalError, run, schema, transform };
export type { Change, Explanation, ManifestFile, Result, Transformed };

/** The kinds of functionConfig. */
export const KINDS = ["SessionServer", "AdvertiseAddress"] as const;

/** A kind of functionConfig. */
export type Kind = (typeof KINDS)[number];

/** The functions' output for the state at its step. */

import { explain, exportFiles, KINDS, transform, type Explanation, type Exported, type Kind, type ManifestFile, type Result, type Transformed } from "./core";
import { observed } from "./observed";
import type { State } from "./state";

export interface Outcome {
  transformed: Transformed<ManifestFile[]>;
  explanation: Explanation;
}

/** A position in a functionConfig. */
export interface ConfigPlace {
  kind: Kind;
  line: number;
}

/** Runs the functions: `SessionServer` alone before the apply, and `AdvertiseAddress` after it from then on. */
export function outcome(state: State): Outcome {
  const given = inputs(state);
  return { transformed: transform(...given), explanation: explain(...given) };
}

/** The functions' changes at that step, as files. */
export function exported(state: State, includeSecrets: boolean): Exported {
  return exportFiles(...inputs(state), { includeSecrets });
}

/** The functions' input: the manifests, the functionConfigs, and the simulated state of the cluster. */
function inputs(state: State): [ManifestFile[], string, string | undefined] {
  const { files, step, address } = state;
  const config = configText(state);
  if (step === 0) {
    return [files, config, undefined];
  }
  const applied = transform(files, state.configs.SessionServer);
  return [files, config, observed(applied.manifests, step, address)];
}

function used(state: State): Kind[] {
  return KINDS.filter((kind) => (kind === "SessionServer" || state.step > 0) && state.configs[kind].trim() !== "");
}

/** The functionConfigs of a step as one text. */
function configText(state: State): string {
  return used(state).map((kind) => withLineEnd(state.configs[kind])).join("---\n");
}

/** The functionConfig that a line of that text is in, and the line there. */
export function configPlace(state: State, line: number): ConfigPlace {
  let rest = line;
  for (const kind of used(state)) {
    const lines = withLineEnd(state.configs[kind]).split("\n").length - 1;
    if (rest <= lines) {
      return { kind, line: Math.max(rest, 1) };
    }
    rest -= lines + 1;
  }
  return { kind: used(state)[0] ?? "SessionServer", line: 1 };
}

function withLineEnd(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}

/** True for a result that is about a functionConfig. */
export function isAboutConfig(result: Result): boolean {
  return result.location?.file === "functionConfig";
}

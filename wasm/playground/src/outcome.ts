/** What the functions make of the state at its step. */

import { explain, KINDS, transform, type Explanation, type Kind, type ManifestFile, type Result, type Transformed } from "./core";
import { observed } from "./observed";
import type { State } from "./state";

export interface Outcome {
  transformed: Transformed<ManifestFile[]>;
  explanation: Explanation;
}

/** Where something is said about a functionConfig. */
export interface ConfigPlace {
  kind: Kind;
  line: number;
}

/** Runs the functions: `SessionServer` alone before the apply, and `AdvertiseAddress` after it from then on. */
export function outcome(state: State): Outcome {
  const { files, step, address } = state;
  const config = configText(state);
  let live: string | undefined;
  if (step > 0) {
    const applied = transform(files, state.configs.SessionServer);
    live = observed(applied.manifests, step, address);
  }
  return {
    transformed: transform(files, config, live),
    explanation: explain(files, config, live),
  };
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

/** True for a result that says so of a functionConfig. */
export function isAboutConfig(result: Result): boolean {
  return result.location?.file === "functionConfig";
}

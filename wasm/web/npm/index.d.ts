/** A file of manifests. */
export interface ManifestFile {
  path: string;
  text: string;
}

/** What has become of manifests. */
export interface Transformed<M> {
  /** The manifests; as they were, where a function failed. */
  manifests: M;
  /** True where a function refused, as a result of severity `error` says. */
  failed: boolean;
  /** What the functions have to say, in their order. */
  results: Result[];
  /** The resources that are not what they were. */
  changes: Change[];
  /** How many resources stayed as they are. */
  unchanged: number;
}

/** A result of a KRM function. */
export interface Result {
  /** What is so, and what to do about it. */
  message: string;
  severity: "error" | "warning" | "info";
  /** The resource that it is about. */
  resourceRef?: { apiVersion: string; kind: string; name: string; namespace?: string };
  /** The field that it is about. */
  field?: { path: string; currentValue?: unknown; proposedValue?: unknown };
  /** The file that the resource came from, where its annotations say so. */
  file?: { path: string; index?: number };
  /** What programs may want to know of it. */
  tags?: Record<string, string>;
  /** Where in what was given it is about something, where that is known. */
  location?: Location;
}

/** A line of what was given. */
export interface Location {
  /** The path of a file; `"manifests"` where they are one text, `"functionConfig"` for that. */
  file: string;
  /** From 1. */
  line: number;
}

/** How something differs. */
export type Difference = "added" | "changed" | "removed";

/** A resource that is not what it was. */
export interface Change {
  /** What it is called: `Deployment ci/runner` */
  name: string;
  /** Where it was; where it is, where it is new. */
  place: Location;
  change: Difference;
  /** The fields that differ; none where it is new or gone as a whole. */
  fields: { path: string; difference: Difference }[];
}

/** The path that a terminal takes, in every form. */
export interface Explanation {
  diagram: Diagram;
  /** An `svg` element without styles and scripts, to put into a page. */
  svg: string;
  /** A flowchart, for Markdown. */
  mermaid: string;
  /** A page of its own. */
  html: string;
}

/** The paths of all runners. */
export interface Diagram {
  paths: TerminalPath[];
  /** Why there is no path at all; empty where there is one. */
  problem: string;
}

/** The path from a browser to one runner. */
export interface TerminalPath {
  /** `Deployment ci/runner` */
  runner: string;
  /** From the browser to the pod. */
  stops: Stop[];
  /** What goes from each stop to the next, as `TLS, TCP 9000`: one less than there are stops. */
  links: string[];
}

/** Something that a terminal's connection goes through. */
export interface Stop {
  kind:
    | "browser"
    | "gitlab"
    | "load-balancer"
    | "node"
    | "ingress"
    | "gateway"
    | "relay"
    | "service"
    | "pod";
  title: string;
  name: string;
  detail: string;
  state: "ready" | "configured" | "pending" | "broken" | "off";
  /** Why a connection does not get through; empty where it does. */
  explanation: string;
}

/** What a KRM host gets. */
export interface Ran {
  /** The ResourceList; empty where the input is none. */
  output: string;
  /** What the function has to say, as lines. */
  report: string;
  failed: boolean;
}

/**
 * Runs the functions on manifests.
 *
 * @param manifests YAML, as one text or as files.
 * @param functionConfig YAML of one or more functionConfigs. Where it is empty, those among the
 * manifests, else a SessionServer of all defaults.
 * @param observed YAML of live Services and Nodes, or lists of them, as `kubectl get -o yaml`
 * prints. Without it no cluster can be asked; where it is empty, the cluster has none.
 * @throws {RunnerTerminalError} where an input cannot be read.
 */
export function transform(
  manifests: string,
  functionConfig?: string,
  observed?: string,
): Transformed<string>;
export function transform(
  manifests: readonly ManifestFile[],
  functionConfig?: string,
  observed?: string,
): Transformed<ManifestFile[]>;

/**
 * Runs the functions on manifests, and draws the path that a terminal takes then.
 *
 * @throws {RunnerTerminalError} where an input cannot be read.
 */
export function explain(
  manifests: string | readonly ManifestFile[],
  functionConfig?: string,
  observed?: string,
): Explanation;

/** The JSON Schema of a kind of functionConfig. */
export function schema(kind?: "SessionServer" | "AdvertiseAddress" | "VerifyTerminals"): object;

/**
 * Runs the function on a ResourceList, as KRM hosts do.
 *
 * @throws {RunnerTerminalError} where it is no text.
 */
export function run(resourceList: string): Ran;

/** An operation of a JSON Patch (RFC 6902). Its path is a JSON Pointer: `/spec/listenPort` */
export type Operation =
  | { op: "add" | "replace"; path: string; value: unknown }
  | { op: "remove"; path: string };

/**
 * Reads one YAML document as the function reads manifests.
 *
 * @returns Its value, of JSON's types; `null` where there is nothing but comments.
 * @throws {RunnerTerminalError} where the text is no YAML, or more than one document.
 */
export function parse(text: string): unknown;

/**
 * Edits the text of one YAML document, whose value is a mapping, as the function edits manifests:
 * all that no operation is about stays byte for byte.
 *
 * @throws {RunnerTerminalError} where the text is no YAML, and where an operation leads nowhere or
 * cannot be carried out on the text as it is written, as `field` and the message say.
 */
export function edit(text: string, patch: readonly Operation[]): string;

/** An input that cannot be read at all. */
export class RunnerTerminalError extends Error {
  override readonly name: "RunnerTerminalError";
  /** What of the input it is. */
  readonly input: "manifests" | "functionConfig" | "observed" | "yaml" | "patch";
  /** The path of the file, or what the text is called that is in none. */
  readonly file: string;
  /** From 1. */
  readonly line?: number;
  /** The field of the functionConfig: `spec.exposure.type`; the path of an operation. */
  readonly field?: string;
}

/**
 * Loads the function, once. In Node.js that has been done already.
 *
 * @param source Where `runner_terminal_bg.wasm` is, or what is in it.
 */
export default function init(
  source?: string | URL | Request | Response | BufferSource | WebAssembly.Module,
): Promise<void>;

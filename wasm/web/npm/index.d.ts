/** A file of manifests. */
export interface ManifestFile {
  path: string;
  text: string;
}

/** The result of `transform`. */
export interface Transformed<M> {
  /** The new manifests; unchanged if a function failed. */
  manifests: M;
  /** True if a function refused; a result of severity `error` says why. */
  failed: boolean;
  /** The results of the functions, in order. */
  results: Result[];
  /** The resources that changed. */
  changes: Change[];
  /** The number of resources that did not change. */
  unchanged: number;
}

/** A result of a KRM function. */
export interface Result {
  /** What is wrong or worth knowing, and what to do. */
  message: string;
  severity: "error" | "warning" | "info";
  /** The resource that it is about. */
  resourceRef?: { apiVersion: string; kind: string; name: string; namespace?: string };
  /** The field that it is about. */
  field?: { path: string; currentValue?: unknown; proposedValue?: unknown };
  /** The file of the resource, if its annotations name one. */
  file?: { path: string; index?: number };
  /** Details for programs. */
  tags?: Record<string, string>;
  /** The line of the input that it is about, if known. */
  location?: Location;
}

/** A line of the input. */
export interface Location {
  /** The path of a file; `"manifests"` if they are one text; `"functionConfig"`. */
  file: string;
  /** From 1. */
  line: number;
}

/** How something changed. */
export type Difference = "added" | "changed" | "removed";

/** A resource that changed. */
export interface Change {
  /** Kind and name: `Deployment ci/runner` */
  name: string;
  /** Its line in the input; for a new resource, its line in the output. */
  place: Location;
  change: Difference;
  /** The fields that changed; empty if the whole resource was added or removed. */
  fields: { path: string; difference: Difference }[];
}

/** The path that a terminal takes, in every format. */
export interface Explanation {
  diagram: Diagram;
  /** An `svg` element without styles and scripts, to embed in a page. */
  svg: string;
  /** A flowchart, for Markdown. */
  mermaid: string;
  /** A complete HTML page. */
  html: string;
}

/** The paths of all runners. */
export interface Diagram {
  paths: TerminalPath[];
  /** Why there is no path; empty if there is one. */
  problem: string;
}

/** The path from a browser to one runner. */
export interface TerminalPath {
  /** `Deployment ci/runner` */
  runner: string;
  /** From the browser to the pod. */
  stops: Stop[];
  /** The protocol between each stop and the next, such as `TLS, TCP 9000`: one less than stops. */
  links: string[];
}

/** A stop on the way of a terminal's connection. */
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
  /** Why a connection does not get through; empty if it does. */
  explanation: string;
}

/** What the functions change, as files for hosts that run no functions. */
export interface Exported {
  /**
   * Why nothing is exported: the errors of a function that refused, or a change that no patch can
   * express. Empty if something can be exported, or if nothing changes.
   */
  problem: string;
  /** The files of a kustomize Component; empty if nothing changes. */
  component: ManifestFile[];
  /** For a Flux HelmRelease. */
  helmRelease: {
    /** `spec.postRenderers`, as the lines of the HelmRelease; empty if nothing is patched. */
    lines: string;
    /** A kustomization with the new resources, which belongs beside the HelmRelease. */
    files: ManifestFile[];
  };
}

/** The result for a KRM host. */
export interface Ran {
  /** The ResourceList; empty if the input is not one. */
  output: string;
  /** The messages of the function, one per line. */
  report: string;
  failed: boolean;
}

/**
 * Runs the functions on manifests.
 *
 * @param manifests YAML, as one text or as files.
 * @param functionConfig YAML of one or more functionConfigs. If empty, those among the manifests
 * are used, or else a SessionServer with defaults.
 * @param observed YAML of live Services and Nodes, or lists of them, as `kubectl get -o yaml`
 * prints. If undefined, no cluster is read; if empty, the cluster has none of them.
 * @throws {RunnerTerminalError} if an input cannot be read.
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
 * Runs the functions on manifests, and draws the path that a terminal takes.
 *
 * @throws {RunnerTerminalError} if an input cannot be read.
 */
export function explain(
  manifests: string | readonly ManifestFile[],
  functionConfig?: string,
  observed?: string,
): Explanation;

/**
 * Runs the functions on manifests, and gives what they change as files for hosts that run no
 * functions: the files of `runner-terminal export`. A path is a name in the exported folder.
 *
 * @param options `includeSecrets`: also if that copies data of a Secret. By default, it is a problem.
 * @throws {RunnerTerminalError} if an input cannot be read.
 */
export function exportFiles(
  manifests: string | readonly ManifestFile[],
  functionConfig?: string,
  observed?: string,
  options?: { includeSecrets?: boolean },
): Exported;

/** The JSON Schema of a kind of functionConfig. */
export function schema(kind?: "SessionServer" | "AdvertiseAddress" | "VerifyTerminals"): object;

/**
 * Runs the function on a ResourceList, as KRM hosts do.
 *
 * @throws {RunnerTerminalError} if it is not a string.
 */
export function run(resourceList: string): Ran;

/** An operation of a JSON Patch (RFC 6902). Its path is a JSON Pointer: `/spec/listenPort` */
export type Operation =
  | { op: "add" | "replace"; path: string; value: unknown }
  | { op: "remove"; path: string };

/**
 * Reads one YAML document as the function reads manifests.
 *
 * @returns Its value, of JSON's types; `null` if the text has only comments.
 * @throws {RunnerTerminalError} if the text is not valid YAML, or has more than one document.
 */
export function parse(text: string): unknown;

/**
 * Edits the text of one YAML document, whose value is a mapping, as the function edits manifests:
 * everything that no operation changes stays the same, byte for byte.
 *
 * @throws {RunnerTerminalError} if the text is not valid YAML, or if an operation has no target or
 * cannot be applied to this text; `field` and the message say which and why.
 */
export function edit(text: string, patch: readonly Operation[]): string;

/** An input that cannot be read or edited. */
export class RunnerTerminalError extends Error {
  override readonly name: "RunnerTerminalError";
  /** Which input it is. */
  readonly input: "manifests" | "functionConfig" | "observed" | "yaml" | "patch";
  /** The path of the file, or the name of the input that is not a file. */
  readonly file: string;
  /** From 1. */
  readonly line?: number;
  /** The field of the functionConfig: `spec.exposure.type`; the path of an operation. */
  readonly field?: string;
}

/**
 * Loads the function, once. Not needed in Node.js.
 *
 * @param source The address of `runner_terminal_bg.wasm`, or its content.
 */
export default function init(
  source?: string | URL | Request | Response | BufferSource | WebAssembly.Module,
): Promise<void>;

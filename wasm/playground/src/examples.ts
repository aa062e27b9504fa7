/** Example manifests, most of which are fixtures of the tests. Each is loaded when it is selected. */

import type { ManifestFile } from "./core";
import { CONFIGS, type State } from "./state";

const CHART = import.meta.glob<string>("../../../tests/fixtures/chart/*.yaml", { query: "?url", import: "default", eager: true });
const FOLDER = import.meta.glob<string>("../../../kustomization/kpt/*.yaml", { query: "?url", import: "default", eager: true });

export interface Example {
  title: string;
  load: () => Promise<Pick<State, "files" | "configs">>;
}

export const EXAMPLES: Example[] = [
  chart("The Helm chart, with its defaults", "chart-default"),
  chart("The chart with metrics", "chart-metrics"),
  chart("The chart with its own session server on", "chart-session-server-on"),
  chart("The chart with three replicas, which is refused", "chart-replicas-3"),
  chart("Three replicas as shards behind an Ingress", "chart-replicas-3", `  replicas: Shard
  exposure:
    type: Ingress
    controller: nginx
    host: "{index}.terminals.example.com" # a host for each shard
`),
  chart("The chart with an autoscaler, which is refused", "chart-hpa"),
  chart("The chart behind a Gateway", "chart-default", `  exposure:
    type: Gateway
    host: terminal.example.com
    gateway:
      name: public
      namespace: gateways
`),
  chart("The address found when the pod starts", "chart-default", `  configure:
    at: PodStart # one apply is enough
    image: registry.example.com/runner-terminal:0.2.0
`),
  chart("An autoscaler, and one relay in front of all pods", "chart-hpa", `  configure:
    at: PodStart
    image: registry.example.com/runner-terminal:0.2.0
  exposure:
    type: Relay
    host: "{pod}.terminals.example.com" # each pod by its own name
    port: 443
    relay:
      namespace: runner-terminal
`),
  chart("A cluster where only the API server can be reached", "chart-default", `  exposure:
    type: ApiServer
    host: terminal.example.com
`),
  { title: "A folder of manifests", load: folder },
];

function chart(title: string, name: string, spec = ""): Example {
  return {
    title,
    load: async () => {
      const text = await fetched(CHART, `chart/${name}.yaml`);
      const SessionServer = spec === "" ? CONFIGS.SessionServer : `${CONFIGS.SessionServer}spec:\n${spec}`;
      return { files: [{ path: `${name}.yaml`, text }], configs: { ...CONFIGS, SessionServer } };
    },
  };
}

/** The files of a kpt package, one of which is the functionConfig. */
async function folder(): Promise<Pick<State, "files" | "configs">> {
  const file = async (path: string): Promise<ManifestFile> => ({ path, text: await fetched(FOLDER, `kpt/${path}`) });
  const files = await Promise.all([file("runner.yaml"), file("config.yaml")]);
  const config = await file("session-server.yaml");
  return { files, configs: { ...CONFIGS, SessionServer: config.text } };
}

async function fetched(urls: Record<string, string>, end: string): Promise<string> {
  const url = Object.entries(urls).find(([path]) => path.endsWith(end))?.[1];
  const response = await fetch(url ?? end);
  if (!response.ok) {
    throw new Error(`the example cannot be loaded: ${response.status} ${response.statusText}`);
  }
  return response.text();
}

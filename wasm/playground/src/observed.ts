/**
 * The simulated state of the cluster once the manifests are applied: their Services as live ones.
 *
 * Services are recognized by their text, so that a thousand other documents are not parsed.
 */

import { at, record, valueOf } from "./config-yaml";
import type { ManifestFile } from "./core";
import type { Step } from "./state";

/** A cluster IP, which cannot be reached from outside. */
const CLUSTER_IP = "10.96.0.7";
/** The first port that a cluster chooses from for a Service of type NodePort. */
const FIRST_NODE_PORT = 30_000;

/** The live objects at a step, as YAML; nothing before the apply, when no cluster is queried. */
export function observed(manifests: ManifestFile[], step: Step, address: string): string | undefined {
  if (step === 0) {
    return undefined;
  }
  const services = manifests.flatMap(({ text }) => servicesOf(text));
  const live = services.map((service, index) => alive(service, index, step === 2 ? address : undefined));
  if (step === 2 && services.some((service) => at(service, ["spec", "type"]) === "NodePort")) {
    live.push(node(address));
  }
  // JSON is YAML.
  return live.map((object) => `${JSON.stringify(object)}\n`).join("---\n");
}

/** True for an IPv4 or IPv6 address, as opposed to a host name. */
export function isIp(address: string): boolean {
  return /^\d+(\.\d+){3}$/.test(address) || /^[\da-f]*:[\da-f:.]*$/i.test(address);
}

function servicesOf(text: string): object[] {
  const documents = text.split(/^---(?=\s|$).*$/m);
  return documents
    .filter((document) => /^["']?kind["']?:[ \t]*["']?Service["']?[ \t\r]*(#.*)?$/m.test(document))
    .map((document) => valueOf(document))
    .filter((value) => value !== undefined);
}

function alive(service: object, index: number, address: string | undefined): object {
  const type = at(service, ["spec", "type"]);
  const ports = at(service, ["spec", "ports"]);
  const spec: Record<string, unknown> = { clusterIP: CLUSTER_IP, ...record(at(service, ["spec"])) };
  if ((type === "NodePort" || type === "LoadBalancer") && Array.isArray(ports)) {
    spec.ports = ports.map((port: unknown, place) =>
      record(port) ? { nodePort: FIRST_NODE_PORT + index * 100 + place, ...record(port) } : port,
    );
  }
  const status = { loadBalancer: address === undefined ? {} : { ingress: [ingress(address)] } };
  return { ...service, spec, ...(type === "LoadBalancer" ? { status } : {}) };
}

function ingress(address: string): Record<string, string> {
  return isIp(address) ? { ip: address } : { hostname: address };
}

function node(address: string): object {
  const type = isIp(address) ? "ExternalIP" : "ExternalDNS";
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "node" },
    status: {
      conditions: [{ type: "Ready", status: "True" }],
      addresses: [{ type, address }],
    },
  };
}

/**
 * What the cluster would say once the manifests are applied: their Services as live ones.
 *
 * Only the text tells which documents are Services, so that a thousand others are not parsed.
 */

import { isMap, isSeq, parseDocument, type Document } from "yaml";

import type { ManifestFile } from "./core";
import type { Step } from "./state";

/** An address of a cluster's own, which nobody outside it reaches. */
const CLUSTER_IP = "10.96.0.7";
/** The first port that a cluster chooses from for a Service of type NodePort. */
const FIRST_NODE_PORT = 30_000;

/** The live objects at a step, as YAML; nothing before the apply, when no cluster is asked. */
export function observed(manifests: ManifestFile[], step: Step, address: string): string | undefined {
  if (step === 0) {
    return undefined;
  }
  const services = manifests.flatMap(({ text }) => servicesOf(text));
  const live = services.map((service, index) => alive(service, index, step === 2 ? address : undefined));
  if (step === 2 && services.some((service) => service.getIn(["spec", "type"]) === "NodePort")) {
    live.push(node(address));
  }
  return live.join("---\n");
}

/** True for an IPv4 or IPv6 address, as opposed to a host name. */
export function isIp(address: string): boolean {
  return /^\d+(\.\d+){3}$/.test(address) || /^[\da-f]*:[\da-f:.]*$/i.test(address);
}

function servicesOf(text: string): Document[] {
  const documents = text.split(/^---(?=\s|$).*$/m);
  return documents
    .filter((document) => /^["']?kind["']?:[ \t]*["']?Service["']?[ \t\r]*(#.*)?$/m.test(document))
    .map((document) => parseDocument(document.replace(/^\.\.\.\s*$/m, "")))
    .filter((document) => document.errors.length === 0 && isMap(document.contents));
}

function alive(service: Document, index: number, address: string | undefined): string {
  const type = service.getIn(["spec", "type"]);
  if (service.getIn(["spec", "clusterIP"]) === undefined) {
    service.setIn(["spec", "clusterIP"], CLUSTER_IP);
  }
  if (type === "NodePort" || type === "LoadBalancer") {
    const ports = service.getIn(["spec", "ports"]);
    if (isSeq(ports)) {
      ports.items.forEach((port, place) => {
        if (isMap(port) && !port.has("nodePort")) {
          port.set("nodePort", FIRST_NODE_PORT + index * 100 + place);
        }
      });
    }
  }
  if (type === "LoadBalancer" && address === undefined) {
    service.setIn(["status"], service.createNode({ loadBalancer: {} }));
  } else if (type === "LoadBalancer") {
    service.setIn(["status"], service.createNode({ loadBalancer: { ingress: [ingress(address ?? "")] } }));
  }
  return service.toString({ lineWidth: 0 });
}

function ingress(address: string): Record<string, string> {
  return isIp(address) ? { ip: address } : { hostname: address };
}

function node(address: string): string {
  const type = isIp(address) ? "ExternalIP" : "ExternalDNS";
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "node" },
    status: {
      conditions: [{ type: "Ready", status: "True" }],
      addresses: [{ type, address }],
    },
  }) + "\n";
}

/** The user's input: all of it goes into a shared link, and nothing else does. */

import type { Kind, ManifestFile } from "./core";

/** Before the apply; the Service is there without an address; it has one. */
export type Step = 0 | 1 | 2;

export interface State {
  /** The manifests, at least one file. */
  files: ManifestFile[];
  /** The YAML of each functionConfig. */
  configs: Record<Kind, string>;
  step: Step;
  /** The address of the Service in the last step: an IP address or a host name. */
  address: string;
}

/** The initial functionConfigs: only the required fields. */
export const CONFIGS: Record<Kind, string> = {
  SessionServer: `apiVersion: runner-terminal.dev/v1alpha1
kind: SessionServer
metadata:
  name: session-server
`,
  AdvertiseAddress: `apiVersion: runner-terminal.dev/v1alpha1
kind: AdvertiseAddress
metadata:
  name: advertise-address
`,
};

/** An address from the block that is reserved for documentation (RFC 5737). */
export const ADDRESS = "203.0.113.7";

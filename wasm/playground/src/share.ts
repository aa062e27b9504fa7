/**
 * The state as the fragment of a link: `#v1.` and the base64url of JSON compressed with deflate.
 *
 * A fragment stays in the browser, so a link reveals nothing to the host of the page. Its content
 * is untrusted: it is read with limits, and refused as a whole if anything is invalid.
 */

import { KINDS, type ManifestFile } from "./core";
import type { State, Step } from "./state";

const VERSION = "v1";
/** A longer link is hard to share, because many programs cut it off. */
export const LONG = 8_000;
/** No longer link is created or read. */
export const LONGEST = 1_000_000;
/** The maximum decompressed size of a link, in bytes. */
const LARGEST = 20_000_000;

/** Why a link cannot be used, for the person who follows it. */
export class LinkError extends Error {}

/** The fragment of a state, with its `#`. */
export async function toFragment(state: State): Promise<string> {
  const { files, configs, step, address } = state;
  const json = JSON.stringify({ files, configs, step, address });
  const packed = new Blob([json]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  return `#${VERSION}.${toBase64url(await read(packed, LARGEST))}`;
}

/** The state of a fragment; undefined if there is none. */
export async function fromFragment(fragment: string): Promise<State | undefined> {
  const text = fragment.replace(/^#/, "");
  if (text === "") {
    return undefined;
  }
  const [version, packed] = text.split(".");
  if (packed === undefined || !/^v\d+$/.test(version ?? "")) {
    throw new LinkError("the part after # is not a link of this page");
  }
  if (version !== VERSION) {
    throw new LinkError(`it has version ${version}, but this page reads ${VERSION}; reload the page to get the newest version`);
  }
  if (packed.length > LONGEST) {
    throw new LinkError("it is too long");
  }
  return checked(await unpacked(packed));
}

async function unpacked(packed: string): Promise<unknown> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    const stream = new Blob([fromBase64url(packed)]).stream();
    bytes = await read(stream.pipeThrough(new DecompressionStream("deflate-raw")), LARGEST);
  } catch (error) {
    throw error instanceof LinkError ? error : new LinkError("it is damaged, perhaps cut off");
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new LinkError("it is damaged");
  }
}

/** Checks that every part is valid, and that there are no others. */
function checked(value: unknown): State {
  const odd = new LinkError("it contains something that this page does not know");
  if (!hasKeys(value, ["files", "configs", "step", "address"])) {
    throw odd;
  }
  const { files, configs, step, address } = value;
  if (!Array.isArray(files) || files.length === 0 || files.length > 1_000 || !files.every(isFile)) {
    throw odd;
  }
  if (!hasKeys(configs, KINDS) || typeof address !== "string" || address.length > 300 || !isStep(step)) {
    throw odd;
  }
  const { SessionServer, AdvertiseAddress } = configs;
  if (typeof SessionServer !== "string" || typeof AdvertiseAddress !== "string") {
    throw odd;
  }
  return {
    files: files.map(({ path, text }) => ({ path, text })),
    configs: { SessionServer, AdvertiseAddress },
    step,
    address,
  };
}

function hasKeys<K extends string>(value: unknown, keys: readonly K[]): value is Record<K, unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.keys(value).length === keys.length &&
    keys.every((key) => Object.hasOwn(value, key))
  );
}

function isFile(value: unknown): value is ManifestFile {
  return hasKeys(value, ["path", "text"]) && typeof value.path === "string" && typeof value.text === "string";
}

function isStep(value: unknown): value is Step {
  return value === 0 || value === 1 || value === 2;
}

async function read(stream: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      break;
    }
    size += value.length;
    if (size > limit) {
      void reader.cancel();
      throw new LinkError("its content is too large");
    }
    pieces.push(new Uint8Array(value));
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

function toBase64url(bytes: Uint8Array): string {
  let text = "";
  // In chunks, because the number of arguments of a call is limited.
  for (let start = 0; start < bytes.length; start += 8_192) {
    text += String.fromCharCode(...bytes.subarray(start, start + 8_192));
  }
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  if (!/^[\w-]*$/.test(text)) {
    throw new LinkError("it is damaged");
  }
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
}

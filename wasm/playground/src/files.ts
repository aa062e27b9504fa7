/** Reads manifests from files, and writes texts to files and the clipboard. */

import type { ManifestFile } from "./core";
import { element } from "./dom";

/** The most bytes that the page reads. */
const LARGEST = 20_000_000;

/** Reads the files that the user has chosen or dropped. */
export async function readFiles(files: Iterable<File>): Promise<ManifestFile[]> {
  const given = [...files];
  const size = given.reduce((sum, file) => sum + file.size, 0);
  if (size > LARGEST) {
    throw new Error(`these files are ${(size / 1e6).toFixed(1)} MB in total; the limit is ${LARGEST / 1e6} MB`);
  }
  return Promise.all(
    given.map(async (file) => {
      try {
        const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
        return { path: file.name, text };
      } catch {
        throw new Error(`${file.name} cannot be read: it is not UTF-8 text`);
      }
    }),
  );
}

/** Accepts files that are dropped anywhere on the page. */
export function onDrop(take: (files: File[]) => void): void {
  const root = document.documentElement;
  addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("Files")) {
      event.preventDefault();
      root.classList.add("dragging");
    }
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) {
      root.classList.remove("dragging");
    }
  });
  // Before the editors, which would insert a file's text at the pointer.
  addEventListener(
    "drop",
    (event) => {
      root.classList.remove("dragging");
      const files = [...(event.dataTransfer?.files ?? [])];
      if (files.length > 0) {
        event.preventDefault();
        event.stopPropagation();
        take(files);
      }
    },
    { capture: true },
  );
}

/** Saves a text as a file on the user's machine. */
export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
  element("a", { href: url, download: name.split("/").at(-1) ?? name }).click();
  // The browser has begun to read it by the next turn of its loop.
  setTimeout(() => URL.revokeObjectURL(url));
}

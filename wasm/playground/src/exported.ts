/** The changes, as files for hosts that run no functions: a kustomize Component, or a Flux HelmRelease's post-renderer. */

import type { Exported, ManifestFile } from "./core";
import { button, element } from "./dom";
import { download } from "./files";

const DOCS = {
  component: "List the folder with these files under components, in a kustomization with the runner under resources.",
  helmRelease: "Add these lines to the HelmRelease. They patch what the chart renders.",
  beside:
    "A post-renderer cannot add resources: list the folder with these files under resources, in the kustomization with the HelmRelease.",
} as const;

/** The hosts that the page exports for. */
export const HOSTS = { component: "kustomize Component", helmRelease: "Flux HelmRelease" } as const;

export type Host = keyof typeof HOSTS;

/** Copies a text, and announces what is in the clipboard. */
export type Copy = (text: string, what: string) => void;

/** Shows the files for a host, each with its buttons; or why there are none. */
export function showExported(place: HTMLElement, exported: Exported, host: Host, copy: Copy): void {
  if (exported.problem !== "") {
    showProblem(place, exported.problem);
    return;
  }
  const { component, helmRelease } = exported;
  const parts = host === "component" ? filesOf(DOCS.component, component, copy) : helmReleaseParts(helmRelease, copy);
  place.replaceChildren(...(parts.length > 0 ? parts : [element("p", { class: "note" }, "Nothing changes, so there is nothing to export.")]));
}

/** Says why nothing is exported. */
export function showProblem(place: HTMLElement, why: string): void {
  place.replaceChildren(
    element(
      "div",
      { class: "result error", role: "status" },
      element("span", { class: "severity" }, "Nothing is exported"),
      ...why.split("\n").map((line) => element("p", {}, line)),
    ),
  );
}

function helmReleaseParts({ lines, files }: Exported["helmRelease"], copy: Copy): HTMLElement[] {
  const patch: ManifestFile = { path: "helmrelease-patch.yaml", text: lines };
  return [...(lines === "" ? [] : filesOf(DOCS.helmRelease, [patch], copy)), ...filesOf(DOCS.beside, files, copy)];
}

function filesOf(usage: string, files: ManifestFile[], copy: Copy): HTMLElement[] {
  return files.length === 0 ? [] : [element("p", { class: "hint" }, usage), ...files.map((file) => fileBlock(file, copy))];
}

function fileBlock({ path, text }: ManifestFile, copy: Copy): HTMLElement {
  return element(
    "article",
    { class: "exported", "aria-label": path },
    element(
      "div",
      { class: "bar" },
      element("h3", { class: "file" }, path),
      element(
        "div",
        { class: "actions" },
        button("Copy", () => copy(text, `${path} is`), { "aria-label": `Copy ${path}` }),
        button("Download", () => download(path, text), { "aria-label": `Download ${path}` }),
      ),
    ),
    // Long lines can be scrolled, also with the keyboard.
    element("pre", { tabindex: "0", role: "region", "aria-label": `Text of ${path}` }, text),
  );
}

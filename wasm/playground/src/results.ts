/** The functions' results, and the resources that they change. */

import type { Change, Result } from "./core";
import { button, element } from "./dom";

export interface Place {
  file: string;
  line: number;
}

const WORDS = { error: "Error", warning: "Warning", info: "Note" } as const;
const SIGNS = { added: "+", changed: "~", removed: "−" } as const;

/** Lists the results, each with a button that goes to its line. */
export function showResults(list: HTMLElement, results: Result[], go: (place: Place) => void): void {
  list.hidden = results.length === 0;
  list.replaceChildren(
    ...results.map((result) =>
      element(
        "li",
        { class: `result ${result.severity}` },
        element("span", { class: "severity" }, WORDS[result.severity]),
        element("p", {}, messageOf(result)),
        ...(result.location ? [placeButton(result.location, go)] : []),
      ),
    ),
  );
}

/** Lists the resources that change, each with its fields. */
export function showChanges(list: HTMLElement, changes: Change[], go: (place: Place) => void): void {
  list.replaceChildren(
    ...changes.map(({ name, change, fields, place }) =>
      element(
        "li",
        { class: "change" },
        element("span", { class: `sign ${change}` }, change === "added" ? "new" : change),
        element("span", { class: "name" }, name),
        // A new resource has no line in the input.
        ...(change === "added" ? [] : [placeButton(place, go)]),
        element(
          "ul",
          {},
          ...fields.map(({ path, difference }) =>
            element("li", {}, element("span", { class: `sign ${difference}`, "aria-hidden": "true" }, SIGNS[difference]), ` ${path}`),
          ),
        ),
      ),
    ),
  );
}

/** A summary sentence, for the line that screen readers announce. */
export function summary(failed: boolean, results: Result[], changes: Change[], unchanged: number): string {
  const count = (severity: Result["severity"]) => results.filter((result) => result.severity === severity).length;
  const said = [plural(count("error"), "error"), plural(count("warning"), "warning")].filter((text) => !text.startsWith("0 "));
  const changed = changes.length === 0 ? "Nothing changes" : `${plural(changes.length, "resource")} ${changes.length === 1 ? "changes" : "change"}`;
  const first = failed ? "Refused: nothing changes" : `${changed}, ${unchanged} ${unchanged === 1 ? "stays" : "stay"} as ${unchanged === 1 ? "it is" : "they are"}`;
  return `${[first, ...said].join(". ")}.`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** The result as the command prints it: its subject, then the message. */
function messageOf({ message, resourceRef, field }: Result): string {
  const { kind, namespace, name } = resourceRef ?? {};
  const about = resourceRef ? `${kind ?? ""} ${namespace ? `${namespace}/` : ""}${name ?? ""}`.trim() : "";
  const what = [about, field?.path ?? ""].filter((text) => text !== "").join(", ");
  return what === "" ? message : `${what}: ${message}`;
}

function placeButton({ file, line }: Place, go: (place: Place) => void): HTMLButtonElement {
  const made = button("", () => go({ file, line }), { class: "place" });
  made.append(element("span", { class: "hidden" }, "Go to "), `${file}:${line}`);
  return made;
}

/** The path that a terminal takes: a drawing, which the core makes as SVG, and a list for when there is no room for the drawing. */

import "../../../crates/view/src/diagram/drawing.css";
import type { Explanation } from "./core";
import { element } from "./dom";

/** Puts the path into its places: `style.css` shows the one that fits. */
export function showPath(drawing: HTMLElement, list: HTMLElement, { svg, diagram }: Explanation): void {
  showDrawing(drawing, svg);
  list.replaceChildren(
    ...(diagram.problem === "" ? [] : [element("p", { class: "note" }, diagram.problem)]),
    ...diagram.paths.flatMap(({ runner, stops }) => [
      element("h3", {}, runner),
      element(
        "ol",
        // Some screen readers ignore a list without bullets, unless it has the role.
        { role: "list", "aria-label": `Path to ${runner}` },
        ...stops.map(({ title, name, detail, state, explanation }) =>
          element(
            "li",
            { class: `stop ${state}` },
            element("strong", {}, `${title}: ${state}`),
            element("span", { class: "hint" }, [name, detail].filter((text) => text !== "").join(", ")),
            ...(explanation === "" ? [] : [element("p", {}, explanation)]),
          ),
        ),
      ),
    ]),
  );
}

/** Says why there is no path. */
export function showNoPath(drawing: HTMLElement, list: HTMLElement, why: string): void {
  for (const place of [drawing, list]) {
    place.replaceChildren(element("p", { class: "note" }, why));
  }
}

/** The drawing is read as XML, so that nothing in it can become HTML or a script. */
function showDrawing(place: HTMLElement, svg: string): void {
  const read = new DOMParser().parseFromString(svg, "image/svg+xml");
  const drawing = read.documentElement;
  if (drawing.nodeName !== "svg" || read.querySelector("parsererror, script, foreignObject")) {
    place.replaceChildren(element("p", { class: "note" }, "The diagram cannot be shown."));
    return;
  }
  place.replaceChildren(document.importNode(drawing, true));
}

/** The drawing of the path that a terminal takes, which the core makes as SVG. */

import "../../../crates/view/src/diagram/drawing.css";
import { element } from "./dom";

/** Puts the drawing into its place. It is read as XML, so that nothing in it can become HTML or a script. */
export function showDiagram(place: HTMLElement, svg: string): void {
  const read = new DOMParser().parseFromString(svg, "image/svg+xml");
  const drawing = read.documentElement;
  if (drawing.nodeName !== "svg" || read.querySelector("parsererror, script, foreignObject")) {
    place.replaceChildren(element("p", { class: "note" }, "The diagram cannot be shown."));
    return;
  }
  place.replaceChildren(document.importNode(drawing, true));
}

/**
 * A shadow tree for a view of CodeMirror.
 *
 * In a document CodeMirror writes its styles into `<style>` elements, which the page's policy
 * forbids. In a shadow tree it adopts style sheets, which no policy has to allow because markup
 * cannot create them.
 */
export function shadow(place: HTMLElement, css: string): ShadowRoot {
  const root = place.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  root.adoptedStyleSheets = [sheet];
  return root;
}

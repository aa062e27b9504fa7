/** The manifests before and after: side by side, or combined if there is little room. */

import { MergeView, unifiedMergeView } from "@codemirror/merge";
import { EditorState, type Extension, Text } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { standardKeymap } from "@codemirror/commands";

import css from "./diff.css?inline";
import { base } from "./editor";
import { lineDiff } from "./line-diff";
import { shadow } from "./shadow";

/** The minimum width for two columns, in pixels. */
const TWO_COLUMNS = 640;
const collapseUnchanged = { margin: 3, minSize: 6 };
const diffConfig = { override: lineDiff };

export class Diff {
  private before = "";
  private after = "";
  private original = Text.empty;
  private view: MergeView | EditorView | undefined;

  private isNarrow = false;
  private readonly root: ShadowRoot;

  constructor(private readonly place: HTMLElement) {
    this.root = shadow(place, css);
    new ResizeObserver(() => this.fit()).observe(place);
  }

  show(before: string, after: string): void {
    if (this.view === undefined || before !== this.before || after !== this.after) {
      if (this.view === undefined || before !== this.before) {
        // Split as CodeMirror itself does, once instead of with each change of the other side.
        this.original = Text.of(before.split(/\r\n?|\n/));
      }
      [this.before, this.after] = [before, after];
      this.draw();
    }
  }

  /** Redraws it if there is now enough room for two columns, or too little. */
  private fit(): void {
    if (this.view !== undefined && this.measure() !== this.isNarrow) {
      this.draw();
    }
  }

  /** True if there is too little room. A hidden element has no size, and keeps its layout. */
  private measure(): boolean {
    const width = this.place.clientWidth;
    return width === 0 ? this.isNarrow : width < TWO_COLUMNS;
  }

  private draw(): void {
    this.isNarrow = this.measure();
    this.view?.destroy();
    const { root, before, original, after } = this;
    this.view = this.isNarrow
      ? new EditorView({
          root,
          parent: root,
          doc: after,
          extensions: [
            readOnly(after, "Manifests with the changes"),
            unifiedMergeView({ original, mergeControls: false, collapseUnchanged, diffConfig }),
          ],
        })
      : new MergeView({
          root,
          parent: root,
          a: { doc: original, extensions: readOnly(before, "Manifests before") },
          b: { doc: after, extensions: readOnly(after, "Manifests after") },
          collapseUnchanged,
          diffConfig,
        });
  }
}

function readOnly(text: string, label: string): Extension[] {
  return [
    base(text.length),
    EditorState.readOnly.of(true),
    keymap.of(standardKeymap),
    EditorView.contentAttributes.of({ tabindex: "0", "aria-label": label, "aria-readonly": "true" }),
  ];
}

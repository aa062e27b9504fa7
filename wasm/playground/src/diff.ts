/** The manifests before and after: side by side, or on top of each other where there is little room. */

import { MergeView, unifiedMergeView } from "@codemirror/merge";
import { EditorState, type Extension, Text } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { standardKeymap } from "@codemirror/commands";

import css from "./diff.css?inline";
import { base } from "./editor";
import { lineDiff } from "./line-diff";
import { shadow } from "./shadow";

const narrow = matchMedia("(max-width: 760px)");
const collapseUnchanged = { margin: 3, minSize: 6 };
const diffConfig = { override: lineDiff };

export class Diff {
  private before = "";
  private after = "";
  private original = Text.empty;
  private view: MergeView | EditorView | undefined;

  private readonly root: ShadowRoot;

  constructor(place: HTMLElement) {
    this.root = shadow(place, css);
    narrow.addEventListener("change", () => this.draw());
  }

  show(before: string, after: string): void {
    if (this.view === undefined || before !== this.before || after !== this.after) {
      if (this.view === undefined || before !== this.before) {
        // As CodeMirror itself takes a text apart, once and not with each change of the other side.
        this.original = Text.of(before.split(/\r\n?|\n/));
      }
      [this.before, this.after] = [before, after];
      this.draw();
    }
  }

  private draw(): void {
    this.view?.destroy();
    const { root, before, original, after } = this;
    this.view = narrow.matches
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

/** The editors of YAML. */

import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

import { element } from "./dom";
import css from "./editor.css?inline";
import { shadow } from "./shadow";

export interface Problem {
  line: number;
  severity: "error" | "warning" | "info";
  message: string;
}

/** The largest text with syntax colours, in characters: in larger ones they are too slow. */
const COLOURED = 300_000;

/** Colours as the page's CSS variables, so that they follow its theme. */
const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--code-key)" },
  { tag: [tags.comment], color: "var(--code-comment)", fontStyle: "italic" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--code-string)" },
  { tag: [tags.keyword, tags.bool, tags.number, tags.atom], color: "var(--code-atom)" },
  { tag: [tags.meta, tags.separator, tags.punctuation], color: "var(--muted)" },
]);

const look = EditorView.theme({
  "&": { height: "100%", fontSize: "12.5px", backgroundColor: "var(--surface)", color: "var(--text)" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5", overflow: "auto" },
  ".cm-content": { padding: "8px 0", caretColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--muted)", border: "none" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground, ::selection": {
    backgroundColor: "var(--selection) !important",
  },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--selection)" },
  ".cm-tooltip": { backgroundColor: "var(--surface)", color: "var(--text)", border: "1px solid var(--line)", maxWidth: "min(60ch, 90vw)" },
  ".cm-diagnostic": { padding: "6px 10px", whiteSpace: "pre-wrap" },
});

/** The extensions of every YAML view. */
export function base(length: number): Extension[] {
  return [
    lineNumbers(),
    highlightSpecialChars(),
    EditorView.lineWrapping,
    look,
    length > COLOURED ? [] : [yaml(), syntaxHighlighting(colours)],
  ];
}

/**
 * Replaces a selection here instead of in the browser: Chromium would keep the look of the removed
 * text with inline styles, which the page's policy forbids.
 */
const typedOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    if (event.inputType !== "insertText" || event.data === null || view.state.selection.main.empty) {
      return false;
    }
    event.preventDefault();
    view.dispatch(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
    return true;
  },
});

export class Editor {
  private readonly view: EditorView;
  private given = "";
  private problems: Problem[] = [];

  constructor(
    place: HTMLElement,
    private readonly label: string,
    private readonly change: (text: string) => void,
  ) {
    const root = shadow(place, css);
    root.append(element("p", { class: "help", id: "help" }, "Tab indents here. To leave, press Escape and then Tab."));
    this.view = new EditorView({ root, parent: root, state: this.stateOf("") });
  }

  /** Shows another text, without reporting a change. */
  show(text: string): void {
    if (text !== this.given) {
      this.given = text;
      this.view.setState(this.stateOf(text));
      this.mark(this.problems);
    }
  }

  /** Underlines the lines of problems. */
  mark(problems: Problem[]): void {
    if (problems.length === 0 && this.problems.length === 0) {
      return;
    }
    this.problems = problems;
    const { doc } = this.view.state;
    const diagnostics = problems.map(({ line, severity, message }): Diagnostic => {
      const { from, to, text } = doc.line(Math.min(Math.max(line, 1), doc.lines));
      const start = from + (text.length - text.trimStart().length);
      return { from: Math.min(start, to), to, severity, message };
    });
    this.view.dispatch(setDiagnostics(this.view.state, diagnostics));
  }

  /** Goes to a line, and focuses the editor. */
  jump(line: number): void {
    const { doc } = this.view.state;
    const { from } = doc.line(Math.min(Math.max(line, 1), doc.lines));
    this.view.dispatch({
      selection: { anchor: from },
      effects: EditorView.scrollIntoView(from, { y: "center" }),
    });
    this.view.focus();
  }

  private stateOf(text: string): EditorState {
    return EditorState.create({
      doc: text,
      extensions: [
        base(text.length),
        history(),
        bracketMatching(),
        lintGutter(),
        // Escape, then Tab, leaves the editor: CodeMirror's own way around its use of Tab.
        keymap.of([...defaultKeymap, ...historyKeymap, indentWithTab]),
        EditorState.lineSeparator.of(text.includes("\r\n") ? "\r\n" : "\n"),
        typedOver,
        EditorView.contentAttributes.of({ tabindex: "0", "aria-label": this.label, "aria-describedby": "help" }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) {
            this.given = update.state.sliceDoc();
            this.change(this.given);
          }
        }),
      ],
    });
  }
}

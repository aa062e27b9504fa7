/** The playground: the input on the left, the functions' output on the right. */

import { edit, explain, exportFiles, init, KINDS, parse, RunnerTerminalError, run, schema, transform, type Kind, type ManifestFile } from "./core";
import { Diff } from "./diff";
import { button, byId, element } from "./dom";
import { Editor, type Problem } from "./editor";
import { EXAMPLES } from "./examples";
import { HOSTS, type Host, showExported, showProblem } from "./exported";
import { download, onDrop, readFiles } from "./files";
import { form, type Form } from "./form";
import { keepOffline } from "./offline";
import { configPlace, exported, isAboutConfig, outcome, type Outcome } from "./outcome";
import { showNoPath, showPath } from "./path";
import { type Place, showChanges, showResults, summary } from "./results";
import type { Schema } from "./schema-fields";
import { fromFragment, LinkError, LONG, LONGEST, toFragment } from "./share";
import { ADDRESS, CONFIGS, type State, type Step } from "./state";
import { Steps } from "./steps";
import { theme } from "./theme";

/** How long the user has to pause typing, in milliseconds, so that not every key starts a run. */
const PAUSE = 60;

/** The views of the output. */
const VIEWS = { changes: "Changes", export: "Export" } as const;

type View = keyof typeof VIEWS;

class Playground {
  private state: State = { files: [{ path: "manifests.yaml", text: "" }], configs: { ...CONFIGS }, step: 0, address: ADDRESS };
  /** The index of the file that is shown. */
  private shown = 0;
  private kind: Kind = "SessionServer";
  private view: View = "changes";
  private made: ManifestFile[] = [];
  /** Why a form could not change its YAML; empty if the last change succeeded. */
  private refused = "";
  private timer: ReturnType<typeof setTimeout> | undefined;

  private readonly notice = byId("notice", HTMLElement);
  private readonly manifests = new Editor(byId("manifests", HTMLElement), "Manifests", (text) => this.type(text));
  private readonly diff = new Diff(byId("diff", HTMLElement));
  private readonly address = byId("address", HTMLInputElement);
  private readonly steps = new Steps(
    byId("step", HTMLInputElement),
    byId("step-labels", HTMLElement),
    byId("step-text", HTMLElement),
    byId("address-field", HTMLElement),
    (step) => this.goToStep(step),
  );
  private readonly panels = new Map<Kind, { panel: HTMLElement; tab: HTMLButtonElement; editor: Editor; form: Form }>();

  constructor() {
    for (const kind of KINDS) {
      this.addPanel(kind);
    }
    this.address.addEventListener("input", () => {
      this.state.address = this.address.value.trim();
      this.later();
    });
    this.offerViews();
    this.offerExamples();
    this.takeFiles();
    byId("share", HTMLButtonElement).addEventListener("click", () => void this.share());
    byId("copy", HTMLButtonElement).addEventListener("click", () => void this.copy(this.made[this.shown]?.text ?? "", "The manifests are"));
    byId("download", HTMLButtonElement).addEventListener("click", () => {
      const file = this.made[this.shown];
      if (file) {
        download(file.path, file.text);
      }
    });
    addEventListener("hashchange", () => void this.follow());
  }

  /** Starts with the link that was followed, or else with the first example. */
  async start(): Promise<void> {
    if (!(await this.follow())) {
      // The error about the link stays visible.
      const notice = this.notice.textContent ?? "";
      await this.pick(0);
      this.say(this.notice.textContent || notice);
    }
  }

  private addPanel(kind: Kind): void {
    const formPlace = element("form", { class: "form", "aria-label": `Fields of ${kind}` });
    formPlace.addEventListener("submit", (event) => event.preventDefault());
    const editorPlace = element("div", { class: "editor" });
    const panel = element("div", { class: "config" }, formPlace, editorPlace);
    const editor = new Editor(editorPlace, `${kind} as YAML`, (text) => {
      this.refuse("");
      this.state.configs[kind] = text;
      fields.show(text);
      this.later();
    });
    const fields = form(formPlace, kind, schema(kind) as Schema, {
      change: (text) => {
        this.refuse("");
        this.state.configs[kind] = text;
        editor.show(text);
        this.later();
      },
      refuse: (error) => this.refuse(`Nothing has changed in ${kind}: ${error.message}`),
    });
    const tab = button(kind, () => this.showKind(kind));
    byId("configs", HTMLElement).append(panel);
    byId("kinds", HTMLElement).append(tab);
    this.panels.set(kind, { panel, tab, editor, form: fields });
  }

  private showKind(kind: Kind): void {
    this.kind = kind;
    for (const [each, { panel, tab }] of this.panels) {
      panel.hidden = each !== kind;
      tab.setAttribute("aria-pressed", String(each === kind));
    }
    byId("kind-note", HTMLElement).hidden = kind !== "AdvertiseAddress" || this.state.step > 0;
  }

  private offerViews(): void {
    const group = byId("views", HTMLElement);
    const tabs = new Map<View, HTMLButtonElement>();
    const show = (view: View) => {
      this.view = view;
      for (const [each, tab] of tabs) {
        tab.setAttribute("aria-pressed", String(each === view));
        byId(`${each}-view`, HTMLElement).hidden = each !== view;
      }
      this.showExport();
    };
    for (const [view, title] of Object.entries(VIEWS) as [View, string][]) {
      tabs.set(view, button(title, () => show(view)));
    }
    group.append(...tabs.values());
    const host = byId("host", HTMLSelectElement);
    host.append(...Object.entries(HOSTS).map(([value, label]) => element("option", { value }, label)));
    host.addEventListener("change", () => this.showExport());
    byId("include-secrets", HTMLInputElement).addEventListener("change", () => this.showExport());
    show(this.view);
  }

  /** Shows the changes as files. They are only generated when they are shown. */
  private showExport(): void {
    if (this.view !== "export") {
      return;
    }
    const place = byId("exported", HTMLElement);
    const host = byId("host", HTMLSelectElement).value as Host;
    try {
      const files = exported(this.state, byId("include-secrets", HTMLInputElement).checked);
      showExported(place, files, host, (text, what) => void this.copy(text, what));
    } catch (error) {
      if (!(error instanceof RunnerTerminalError)) {
        throw error;
      }
      showProblem(place, error.message);
    }
  }

  private offerExamples(): void {
    const select = byId("examples", HTMLSelectElement);
    select.append(element("option", { value: "" }, "Pick an example"));
    EXAMPLES.forEach(({ title }, index) => select.append(element("option", { value: String(index) }, title)));
    select.addEventListener("change", () => {
      if (select.value !== "") {
        void this.pick(Number(select.value));
      }
    });
  }

  private async pick(index: number): Promise<void> {
    try {
      const loaded = await EXAMPLES[index]?.load();
      if (loaded) {
        this.replace({ ...this.state, ...loaded, step: 0 });
        byId("examples", HTMLSelectElement).value = String(index);
      }
    } catch (error) {
      this.say(`This cannot be shown: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private takeFiles(): void {
    const input = byId("files", HTMLInputElement);
    byId("open", HTMLButtonElement).addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      void this.take([...(input.files ?? [])]);
      input.value = "";
    });
    onDrop((files) => void this.take(files));
  }

  private async take(files: File[]): Promise<void> {
    try {
      const read = await readFiles(files);
      if (read.length > 0) {
        this.replace({ ...this.state, files: read });
      }
    } catch (error) {
      this.say(`Nothing has changed: ${error instanceof Error ? error.message : String(error)}.`);
    }
  }

  /** Follows the link in the address bar, and says whether there was one that can be followed. */
  private async follow(): Promise<boolean> {
    try {
      const state = await fromFragment(location.hash);
      if (state) {
        this.replace(state);
      }
      return state !== undefined;
    } catch (error) {
      if (!(error instanceof LinkError)) {
        throw error;
      }
      this.say(`The link cannot be followed: ${error.message}.`);
      return false;
    }
  }

  private async share(): Promise<void> {
    try {
      const fragment = await toFragment(this.state);
      if (fragment.length > LONGEST) {
        this.say("These manifests are too large for a link. Download the file and share that instead.");
        return;
      }
      const link = new URL(fragment, location.href).href;
      history.replaceState(null, "", fragment);
      const size = link.length.toLocaleString("en");
      const note = link.length > LONG ? ` It has ${size} characters, and some programs cut links that long.` : "";
      await this.copy(link, "The link is", note);
    } catch (error) {
      if (!(error instanceof LinkError)) {
        throw error;
      }
      this.say(`No link can be created: ${error.message}.`);
    }
  }

  private async copy(text: string, what: string, note = ""): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.say(`${what} in the clipboard.${note}`);
    } catch {
      this.say(`The browser does not let this page write to the clipboard.${what === "The link is" ? " The link is in the address bar." : ""}${note}`);
    }
  }

  private say(text: string): void {
    this.notice.textContent = text;
  }

  /** Shows why a form cannot change its YAML; an empty text removes the message. */
  private refuse(why: string): void {
    if (why !== "" || this.notice.textContent === this.refused) {
      this.say(why);
    }
    this.refused = why;
  }

  /** Shows another state as a whole. */
  private replace(state: State): void {
    this.state = state;
    this.shown = 0;
    this.say("");
    byId("examples", HTMLSelectElement).value = "";
    this.manifests.show(this.file().text);
    for (const [kind, { editor, form }] of this.panels) {
      editor.show(state.configs[kind]);
      form.show(state.configs[kind]);
    }
    this.showKind("SessionServer");
    this.address.value = state.address;
    this.render();
    const changed = this.state.files.findIndex(({ text }, index) => text !== this.made[index]?.text);
    if (changed > 0) {
      this.showFile(changed);
    }
  }

  private file(): ManifestFile {
    return this.state.files[this.shown] ?? { path: "", text: "" };
  }

  private type(text: string): void {
    const file = this.state.files[this.shown];
    if (file) {
      file.text = text;
      this.later();
    }
  }

  private later(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.render(), PAUSE);
  }

  private goToStep(step: Step): void {
    this.state.step = step;
    this.showKind(this.kind);
    this.render();
  }

  private showFile(index: number): void {
    this.shown = index;
    this.manifests.show(this.file().text);
    this.render();
  }

  /** Runs the functions and shows their output. */
  private render(): void {
    clearTimeout(this.timer);
    const start = performance.now();
    this.steps.show(this.state.step);
    this.showTabs();
    try {
      this.showOutcome(outcome(this.state));
    } catch (error) {
      if (!(error instanceof RunnerTerminalError)) {
        throw error;
      }
      this.showUnreadable(error);
    }
    this.showExport();
    performance.measure("render", { start });
  }

  private showOutcome({ transformed, explanation }: Outcome): void {
    const { manifests, failed, results, changes, unchanged } = transformed;
    this.made = manifests;
    showPath(byId("diagram", HTMLElement), byId("stops", HTMLElement), explanation);
    const located = results.map((result) =>
      isAboutConfig(result) && result.location
        ? { ...result, location: this.inConfig(result.location.line) }
        : result,
    );
    showResults(byId("results", HTMLElement), located, (place) => this.go(place));
    showChanges(byId("changes", HTMLElement), changes, (place) => this.go(place));
    this.sum(summary(failed, results, changes, unchanged));
    this.mark(located.flatMap(({ location, severity, message }) => (location ? [{ ...location, severity, message }] : [])));
    this.showDiff();
  }

  /** If an input cannot be read at all, the manifests stay unchanged. */
  private showUnreadable(error: RunnerTerminalError): void {
    this.made = this.state.files;
    const line = error.line ?? 1;
    const place = error.input === "functionConfig" ? this.inConfig(line) : { file: error.file, line };
    const location = error.input === "observed" ? {} : { location: place };
    showNoPath(byId("diagram", HTMLElement), byId("stops", HTMLElement), "The path appears once everything can be read.");
    showResults(byId("results", HTMLElement), [{ message: error.message, severity: "error", ...location }], (at) => this.go(at));
    showChanges(byId("changes", HTMLElement), [], () => undefined);
    this.sum(error.input === "functionConfig" ? "The functionConfig cannot be read." : "The manifests cannot be read.");
    this.mark([{ ...place, severity: "error", message: error.message }]);
    this.showDiff();
  }

  private sum(text: string): void {
    const place = byId("summary", HTMLElement);
    // Screen readers should not announce the same sentence again.
    if (place.textContent !== text) {
      place.textContent = text;
    }
  }

  /** Maps a line of the joined functionConfigs to a line in the editor of its kind. */
  private inConfig(line: number): Place {
    const place = configPlace(this.state, line);
    return { file: place.kind, line: place.line };
  }

  private mark(problems: (Place & Problem)[]): void {
    this.manifests.mark(problems.filter(({ file }) => file === this.file().path));
    for (const [kind, { editor }] of this.panels) {
      editor.mark(problems.filter(({ file }) => file === kind));
    }
  }

  private go({ file, line }: Place): void {
    const kind = KINDS.find((each) => each === file);
    if (kind) {
      this.showKind(kind);
      this.panels.get(kind)?.editor.jump(line);
      return;
    }
    const index = this.state.files.findIndex(({ path }) => path === file);
    if (index >= 0 && index !== this.shown) {
      this.showFile(index);
    }
    this.manifests.jump(line);
  }

  private showTabs(): void {
    const tabs = byId("tabs", HTMLElement);
    tabs.hidden = this.state.files.length < 2;
    const focused = [...tabs.children].findIndex((tab) => tab === document.activeElement);
    tabs.replaceChildren(
      ...this.state.files.map(({ path }, index) =>
        button(path, () => this.showFile(index), { "aria-pressed": String(index === this.shown) }),
      ),
    );
    const again = tabs.children[focused];
    if (again instanceof HTMLElement) {
      again.focus();
    }
  }

  private showDiff(): void {
    const { path, text } = this.file();
    byId("diff-file", HTMLElement).textContent = path;
    this.diff.show(text, this.made[this.shown]?.text ?? text);
  }
}

await init();
// For the console: the functions that the page uses.
Object.assign(globalThis, { runnerTerminal: { edit, explain, exportFiles, parse, run, schema, transform } });
theme(byId("theme", HTMLButtonElement));
await new Playground().start();
keepOffline();
document.documentElement.dataset.ready = "";

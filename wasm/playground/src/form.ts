/** A form of the fields that a JSON Schema has, for the YAML beside it. */

import { at, type Path, record, valueOf, withField } from "./config-yaml";
import { RunnerTerminalError } from "./core";
import { button, element } from "./dom";
import { type Field, type NamedField, type Schema, specFields } from "./schema-fields";

export interface Form {
  /** Shows what the YAML says. */
  show(text: string): void;
}

/** The callbacks of a form: for the whole new YAML on each change, and for the reason why a change is not possible. */
export interface Listener {
  change(text: string): void;
  refuse(error: RunnerTerminalError): void;
}

/** The labels of the values of `configure.at`; the first is the default. */
const WHEN = [
  ["Build", "at the build"],
  ["PodStart", "at the pod's start"],
] as const;

/** Fills `place` with a form. */
export function form(place: HTMLElement, name: string, schema: Schema, listener: Listener): Form {
  return new SchemaForm(place, name, specFields(schema), listener);
}

class SchemaForm implements Form {
  private text = "";
  private shape: string | undefined;
  /** The groups that the user has opened, by path. */
  private readonly open = new Set<string>();
  private readonly shown: { control: Control; path: Path; write: (value: unknown) => void }[] = [];

  constructor(
    private readonly place: HTMLElement,
    private readonly name: string,
    private readonly fields: NamedField[],
    private readonly listener: Listener,
  ) {}

  show(text: string): void {
    this.text = text;
    const value = valueOf(text);
    if (value === undefined) {
      this.lock();
      return;
    }
    const spec = value.spec ?? {};
    const shape = shapeOf(spec);
    if (shape !== this.shape) {
      this.build(spec);
      this.shape = shape;
      return;
    }
    for (const { control, path, write } of this.shown) {
      // The field in which the user types is not overwritten by its own change, such as `1` while
      // it becomes `10`.
      if (document.activeElement !== control) {
        write(at(spec, path));
      }
    }
  }

  /** Says why there is nothing to fill in. */
  private lock(): void {
    this.shape = undefined;
    this.shown.length = 0;
    const note = "The YAML cannot be read as it is, so the form waits until it can.";
    this.place.replaceChildren(element("p", { class: "note" }, note));
  }

  private build(spec: unknown): void {
    const focused = document.activeElement?.id ?? "";
    this.shown.length = 0;
    this.place.replaceChildren(...this.fields.map((field) => this.row(field, [field.name], spec)));
    if (focused.startsWith(`${this.name}.`)) {
      document.getElementById(focused)?.focus();
    }
  }

  private set(path: Path, value: unknown): void {
    try {
      this.text = withField(this.text, ["spec", ...path], value);
    } catch (error) {
      if (!(error instanceof RunnerTerminalError)) {
        throw error;
      }
      this.listener.refuse(error);
      return;
    }
    this.listener.change(this.text);
    this.show(this.text);
  }

  private id(path: Path): string {
    return [this.name, ...path].join(".");
  }

  private row(named: NamedField, path: Path, spec: unknown): HTMLElement {
    const { field, description } = named;
    switch (field.control) {
      case "group":
        return path.join(".") === "configure"
          ? this.when(named, path, spec, field.fields)
          : this.group(named, path, spec, field.fields);
      case "variants":
        return this.variants(path, spec, field);
      case "list":
        return this.list(named, path, spec, field.item);
      default: {
        const id = this.id(path);
        const { control, write } = this.control(field, named, path, id);
        write(at(spec, path));
        this.shown.push({ control, path, write });
        return element(
          "div",
          { class: "field" },
          element("label", { for: id }, String(path.at(-1))),
          control,
          element("p", { class: "hint", id: `${id}-hint` }, description.replaceAll("\n", " ")),
        );
      }
    }
  }

  private group({ name, description, required }: NamedField, path: Path, spec: unknown, fields: NamedField[]): HTMLElement {
    const id = this.id(path);
    const isOpen = required || this.open.has(id) || at(spec, path) !== undefined;
    const details = element(
      "details",
      { class: "group", open: isOpen },
      element("summary", { id }, name),
      element("p", { class: "hint" }, description.replaceAll("\n", " ")),
      ...requiredFirst(fields).map((field) => this.row(field, [...path, field.name], spec)),
    );
    details.addEventListener("toggle", () => {
      if (details.open) {
        this.open.add(id);
      } else {
        this.open.delete(id);
      }
    });
    return details;
  }

  /** When the address is found, and the fields for the pod's start. */
  private when({ name, description }: NamedField, path: Path, spec: unknown, fields: NamedField[]): HTMLElement {
    const id = this.id([...path, "at"]);
    const select = element("select", { id, "aria-describedby": `${id}-hint` });
    for (const [value, label] of WHEN) {
      select.append(element("option", { value }, label));
    }
    const isAtStart = at(spec, [...path, "at"]) === "PodStart";
    select.value = isAtStart ? "PodStart" : "Build";
    // At build time, none of the other fields is used.
    select.addEventListener("change", () => this.set(path, select.value === "Build" ? undefined : { at: select.value }));
    const shown = isAtStart ? fields.filter((field) => field.name !== "at") : [];
    return element(
      "fieldset",
      { class: "variants" },
      element("legend", {}, name),
      element(
        "div",
        { class: "field" },
        element("label", { for: id }, "When"),
        select,
        element("p", { class: "hint", id: `${id}-hint` }, description.replaceAll("\n", " ")),
      ),
      ...shown.map((field) => this.row(field, [...path, field.name], spec)),
    );
  }

  private variants(
    path: Path,
    spec: unknown,
    { tag, variants, common }: Extract<Field, { control: "variants" }>,
  ): HTMLElement {
    const given = at(spec, [...path, tag]);
    const chosen = variants.find(({ value }) => value === given) ?? variants[0];
    const id = this.id([...path, tag]);
    const select = element("select", { id, "aria-describedby": `${id}-hint` });
    for (const { value } of variants) {
      select.append(element("option", { value }, value));
    }
    select.value = chosen?.value ?? "";
    select.addEventListener("change", () => {
      const next = variants.find(({ value }) => value === select.value);
      if (next) {
        // Fields of the old type that the new one lacks would be refused.
        const kept = [...next.fields, ...common].map(({ name }) => name);
        const old = Object.entries(record(at(spec, path)) ?? {}).filter(([name]) => kept.includes(name));
        this.set(path, { [tag]: next.value, ...Object.fromEntries(old) });
      }
    });
    return element(
      "fieldset",
      { class: "variants" },
      // An exposure within another one, such as that of a relay, is labelled with its path.
      element("legend", {}, path.join(".")),
      element(
        "div",
        { class: "field" },
        element("label", { for: id }, tag),
        select,
        element("p", { class: "hint", id: `${id}-hint` }, chosen?.description ?? ""),
      ),
      ...[...requiredFirst(chosen?.fields ?? []), ...common].map((field) => this.row(field, [...path, field.name], spec)),
    );
  }

  private list({ name, description }: NamedField, path: Path, spec: unknown, item: Field): HTMLElement {
    const value = at(spec, path);
    const items = Array.isArray(value) ? value : [];
    const id = this.id(path);
    const fieldsets = items.map((_, index) => {
      const title = `${name} ${index + 1}`;
      const inner: NamedField = { name: title, description: "", fallback: undefined, required: false, field: item };
      const fields = item.control === "group" ? item.fields : [inner];
      return element(
        "fieldset",
        {},
        element("legend", {}, title),
        ...fields.map((field) => this.row(field, [...path, index, ...(item.control === "group" ? [field.name] : [])], spec)),
        button("Remove", () => this.set([...path, index], undefined), { class: "quiet", "aria-label": `Remove ${title}` }),
      );
    });
    return element(
      "div",
      { class: "field list", role: "group", "aria-labelledby": `${id}-label` },
      element("span", { class: "label", id: `${id}-label` }, name),
      element("p", { class: "hint" }, description.replaceAll("\n", " ")),
      ...fieldsets,
      button("Add", () => this.set([...path, items.length], {}), { class: "quiet", id, "aria-label": `Add to ${name}` }),
    );
  }

  private control(field: Field, named: NamedField, path: Path, id: string): { control: Control; write: (value: unknown) => void } {
    const attributes = { id, "aria-describedby": `${id}-hint`, spellcheck: "false", autocomplete: "off" };
    switch (field.control) {
      case "switch":
        return this.select(path, attributes, unset(named), [["true", "yes"], ["false", "no"]], (text) => text === "true");
      case "choice":
        return this.select(path, attributes, unset(named), field.options.map(({ value }) => [value, value]), (text) => text);
      case "texts":
        return this.area(path, { ...attributes, rows: "2", placeholder: "one per line" }, listOf, (value) =>
          Array.isArray(value) ? value.join("\n") : "",
        );
      case "map":
        return this.area(path, { ...attributes, rows: "2", placeholder: "name: value, one per line" }, mapOf, (value) =>
          Object.entries(record(value) ?? {}).map(([key, text]) => `${key}: ${String(text)}`).join("\n"),
        );
      default: {
        const isNumber = field.control === "number";
        const input = element("input", {
          ...attributes,
          type: isNumber ? "number" : "text",
          inputmode: isNumber ? "numeric" : undefined,
          min: isNumber ? field.minimum?.toString() : undefined,
          max: isNumber ? field.maximum?.toString() : undefined,
        });
        input.addEventListener("input", () => {
          const isWhole = /^\d{1,9}$/.test(input.value) && (isNumber || named.name.toLowerCase().includes("timeout"));
          this.set(path, input.value === "" ? undefined : isWhole ? Number(input.value) : input.value);
        });
        return { control: input, write: (value) => (input.value = value === undefined || value === null ? "" : String(value)) };
      }
    }
  }

  private select(
    path: Path,
    attributes: Record<string, string>,
    unsetLabel: string,
    options: [string, string][],
    read: (text: string) => unknown,
  ): { control: Control; write: (value: unknown) => void } {
    const { id, "aria-describedby": described } = attributes;
    const select = element("select", { id, "aria-describedby": described }, element("option", { value: "" }, unsetLabel));
    for (const [value, label] of options) {
      select.append(element("option", { value }, label));
    }
    select.addEventListener("change", () => this.set(path, select.value === "" ? undefined : read(select.value)));
    return { control: select, write: (value) => (select.value = value === undefined || value === null ? "" : String(value)) };
  }

  private area(
    path: Path,
    attributes: Record<string, string>,
    read: (text: string) => unknown,
    text: (value: unknown) => string,
  ): { control: Control; write: (value: unknown) => void } {
    const area = element("textarea", attributes);
    area.addEventListener("input", () => this.set(path, read(area.value)));
    return { control: area, write: (value) => (area.value = text(value)) };
  }
}

function requiredFirst(fields: NamedField[]): NamedField[] {
  return [...fields].sort((a, b) => Number(b.required) - Number(a.required));
}

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** The placeholder of a field that is not set. */
function unset({ fallback }: NamedField): string {
  if (typeof fallback === "boolean") {
    return `default: ${fallback ? "yes" : "no"}`;
  }
  return typeof fallback === "string" && fallback !== "" ? `default: ${fallback}` : "not set";
}

function listOf(text: string): string[] | undefined {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  return lines.length > 0 ? lines : undefined;
}

function mapOf(text: string): Record<string, string> | undefined {
  const entries = (listOf(text) ?? []).map((line) => {
    const colon = line.search(/:(\s|$)/);
    return colon < 0 ? [line, ""] : [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  });
  // A key cannot set an object's prototype here: entries become own properties.
  return entries.length > 0 ? (Object.fromEntries(entries) as Record<string, string>) : undefined;
}

/** What determines the fields: the types of variants, when the address is found, and the lengths of lists of objects. */
function shapeOf(value: unknown): string {
  if (Array.isArray(value)) {
    return value.some((item) => record(item)) ? `[${value.map((item) => shapeOf(item)).join(",")}]` : "";
  }
  const parts = Object.entries(record(value) ?? {}).map(([key, inner]) => {
    const shape = key === "type" || key === "at" ? String(inner) : shapeOf(inner);
    return shape === "" ? "" : `${key}:${shape}`;
  });
  return parts.filter((part) => part !== "").sort().join(";");
}

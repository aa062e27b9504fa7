/** JSON Schema as fields of a form: supports what the schemas of the functionConfigs use, and no more. */

export interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  type?: string | string[];
  const?: unknown;
  description?: string;
  default?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  minimum?: number;
  maximum?: number;
}

/** How a field is filled in. */
export type Field =
  | { control: "text" }
  | { control: "number"; minimum: number | undefined; maximum: number | undefined }
  | { control: "switch" }
  | { control: "choice"; options: Option[] }
  | { control: "texts"; options: Option[] }
  | { control: "map" }
  | { control: "group"; fields: NamedField[] }
  | { control: "variants"; tag: string; variants: Variant[]; common: NamedField[] }
  | { control: "list"; item: Field };

export interface Option {
  value: string;
  description: string;
}

export interface NamedField {
  name: string;
  description: string;
  fallback: unknown;
  required: boolean;
  field: Field;
}

export interface Variant extends Option {
  fields: NamedField[];
}

/** The fields of a functionConfig's `spec`. */
export function specFields(schema: Schema): NamedField[] {
  const spec = schema.properties?.spec;
  const field = spec && fieldOf(spec, schema.$defs ?? {});
  return field?.control === "group" ? field.fields : [];
}

function fieldOf(schema: Schema, defs: Record<string, Schema>): Field {
  const resolved = resolve(schema, defs);
  const types = [resolved.type ?? []].flat().filter((type) => type !== "null");
  const options = (resolved.oneOf ?? []).filter((option) => typeof option.const === "string");
  if (resolved.oneOf && options.length === resolved.oneOf.length) {
    return { control: "choice", options: options.map((option) => ({ value: String(option.const), description: firstLine(option) })) };
  }
  if (resolved.oneOf) {
    return variants(resolved, resolved.oneOf, defs);
  }
  if (types.includes("boolean")) {
    return { control: "switch" };
  }
  if (types.includes("integer") && types.length === 1) {
    return { control: "number", minimum: resolved.minimum, maximum: resolved.maximum };
  }
  if (types.includes("array")) {
    return list(fieldOf(resolved.items ?? {}, defs));
  }
  if (resolved.properties) {
    return { control: "group", fields: fieldsOf(resolved, defs) };
  }
  if (types.includes("object")) {
    return { control: "map" };
  }
  return { control: "text" };
}

function list(item: Field): Field {
  if (item.control === "text") {
    return { control: "texts", options: [] };
  }
  return item.control === "choice" ? { control: "texts", options: item.options } : { control: "list", item };
}

function fieldsOf(schema: Schema, defs: Record<string, Schema>): NamedField[] {
  const properties = Object.entries(schema.properties ?? {}).filter(([, property]) => !isAnything(resolve(property, defs)));
  return properties.map(([name, property]) => ({
    name,
    description: property.description ?? resolve(property, defs).description ?? "",
    fallback: property.default ?? undefined,
    required: schema.required?.includes(name) ?? false,
    field: fieldOf(property, defs),
  }));
}

/** A mapping whose values may be anything, such as a container's `resources`, or a list of them: it is written as YAML. */
function isAnything(schema: Schema): boolean {
  const types = [schema.type ?? []].flat();
  if (types.includes("array") && schema.items) {
    return isAnything(schema.items);
  }
  const isMapping = types.includes("object");
  return isMapping && !schema.properties && !schema.oneOf && schema.additionalProperties === true;
}

/** A schema whose `oneOf` selects the fields by one constant property, its tag. */
function variants(schema: Schema, members: Schema[], defs: Record<string, Schema>): Field {
  const tagOf = (member: Schema) =>
    Object.entries(member.properties ?? {}).find(([, property]) => typeof property.const === "string");
  const tag = tagOf(members[0] ?? {})?.[0] ?? "type";
  return {
    control: "variants",
    tag,
    variants: members.map((member) => ({
      value: String(tagOf(member)?.[1].const),
      description: firstLine(member),
      fields: fieldsOf(member, defs).filter(({ name }) => name !== tag),
    })),
    common: fieldsOf(schema, defs),
  };
}

/** Follows a reference, and takes the one member of `anyOf` that is not null. */
function resolve(schema: Schema, defs: Record<string, Schema>): Schema {
  const name = schema.$ref?.replace("#/$defs/", "");
  const target = name === undefined ? undefined : defs[name];
  if (target) {
    return resolve(target, defs);
  }
  const members = (schema.anyOf ?? []).filter(({ type }) => type !== "null");
  if (members.length === 1 && members[0]) {
    return resolve(members[0], defs);
  }
  return schema;
}

function firstLine(schema: Schema): string {
  return (schema.description ?? "").split("\n\n")[0]?.replaceAll("\n", " ") ?? "";
}

//! Tables of fields, from a JSON Schema of draft 2020-12 as schemars writes it.

use std::collections::BTreeMap;

use serde_json::Value;

/// The fields of one mapping.
pub(crate) struct Section {
    /// `spec.runner`, in Markdown.
    pub(crate) title: String,
    description: String,
    pub(crate) rows: Vec<Row>,
}

/// One field, each cell in Markdown.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) kind: String,
    /// `required`, `none`, or the default.
    pub(crate) default: String,
    pub(crate) meaning: String,
}

/// The section as it is on a page.
pub(crate) fn table(section: &Section) -> String {
    let mut text = format!("\n## {}\n\n{}\n\n", section.title, section.description);
    if section.rows.is_empty() {
        text.push_str("No other fields.\n");
        return text;
    }
    text.push_str("| field | type | default | what it does |\n|---|---|---|---|\n");
    for row in &section.rows {
        let Row {
            name,
            kind,
            default,
            meaning,
        } = row;
        text.push_str(&format!("| `{name}` | {kind} | {default} | {meaning} |\n"));
    }
    text
}

/// One section for the spec and one for each mapping in it, in the order of the fields.
pub(crate) fn sections(schema: &Value) -> Vec<Section> {
    let mut reader = Reader {
        definitions: &schema["$defs"],
        seen: BTreeMap::new(),
        sections: Vec::new(),
    };
    let name = name_of(&schema["properties"]["spec"]).unwrap();
    reader.mapping("spec", "", name);
    reader.sections
}

struct Reader<'s> {
    definitions: &'s Value,
    /// The path in the title of each definition's section, as two fields may share one.
    seen: BTreeMap<&'s str, String>,
    sections: Vec<Section>,
}

impl<'s> Reader<'s> {
    /// Adds the section of a definition, then those of the mappings in it. `of` follows the path in its
    /// title.
    fn mapping(&mut self, path: &str, of: &str, name: &'s str) {
        let definition = &self.definitions[name];
        let variants = list(&definition["oneOf"]);
        let parts: Vec<_> = [definition].into_iter().chain(variants).collect();
        let mut below: Vec<(String, String, &str)> = Vec::new();
        for part in &parts {
            for (path, name) in self.below(path, &part["properties"]) {
                // Two types may have different mappings of one name.
                let is_taken = below.iter().any(|(other, _, _)| *other == path);
                let kind = part["properties"]["type"]["const"].as_str();
                let of = kind.filter(|_| is_taken);
                let of = of.map(|kind| format!(" of `type: {kind}`"));
                below.push((path, of.unwrap_or_default(), name));
            }
        }
        for (path, of, name) in &below {
            self.seen.insert(name, format!("{path}{of}"));
        }
        let title = format!("`{path}`{of}");
        let mut rows = Vec::new();
        if !variants.is_empty() {
            rows.push(discriminator(variants));
        }
        rows.extend(self.rows(path, definition));
        self.add(title, definition, rows);
        for variant in variants {
            let kind = variant["properties"]["type"]["const"].as_str().unwrap();
            let mut rows = self.rows(path, variant);
            rows.retain(|row| row.name != "type");
            self.add(format!("`{path}` with `type: {kind}`"), variant, rows);
        }
        for (path, of, name) in below {
            self.mapping(&path, &of, name);
        }
    }

    fn add(&mut self, title: String, definition: &Value, rows: Vec<Row>) {
        let description = cell(&words(definition));
        self.sections.push(Section {
            title,
            description,
            rows,
        });
    }

    /// The fields that are mappings, or lists of mappings, and have no section yet: path and definition.
    fn below(&self, path: &str, properties: &'s Value) -> Vec<(String, &'s str)> {
        let mut below: Vec<(String, &str)> = Vec::new();
        for (field, property) in properties.as_object().into_iter().flatten() {
            let (name, suffix) = match name_of(&property["items"]) {
                Some(name) => (Some(name), "[]"),
                None => (name_of(property), ""),
            };
            let Some(name) = name else { continue };
            let is_new = !self.seen.contains_key(name) && below.iter().all(|(_, one)| *one != name);
            if self.definitions[name]["properties"].is_object() && is_new {
                below.push((format!("{path}.{field}{suffix}"), name));
            }
        }
        below
    }

    fn rows(&self, path: &str, definition: &'s Value) -> Vec<Row> {
        let required: Vec<_> = list(&definition["required"]).iter().collect();
        let properties = definition["properties"].as_object().into_iter().flatten();
        let row = |(name, property): (&String, &'s Value)| {
            let is_required = required.iter().any(|one| *one == name);
            self.row(&format!("{path}.{name}"), property, is_required)
        };
        properties.map(row).collect()
    }

    fn row(&self, path: &str, property: &'s Value, is_required: bool) -> Row {
        let (mut meaning, default) = split_default(&words(property));
        let target = name_of(property).or_else(|| name_of(&property["items"]));
        let definition = target.map(|name| &self.definitions[name]);
        if let Some(definition) = definition {
            let choices = choices(definition);
            if !choices.is_empty() {
                meaning = [meaning]
                    .into_iter()
                    .chain(choices)
                    .collect::<Vec<_>>()
                    .join("<br>");
            } else if definition["anyOf"].is_array() {
                // The meanings of the number and of the text.
                meaning = format!("{meaning} {}", cell(&words(definition)));
            }
        }
        let written = match &property["default"] {
            Value::Null => None,
            Value::String(text) if text.is_empty() => None,
            Value::Array(items) if items.is_empty() => None,
            Value::Object(members) if members.is_empty() => None,
            Value::String(text) => Some(format!("`{text}`")),
            value => Some(format!("`{value}`")),
        };
        let default = match (is_required, default.or(written)) {
            (true, _) => "required".to_owned(),
            (false, default) => default.unwrap_or_else(|| "none".to_owned()),
        };
        let mut kind = self.kind(property);
        if let Some((name, definition)) = target.zip(definition)
            && definition["properties"].is_object()
        {
            // Another field may have the same mapping, and its section.
            let section = self
                .seen
                .get(name)
                .cloned()
                .unwrap_or_else(|| path.to_owned());
            let link = format!("(#{})", slug(&section));
            kind = match kind.strip_suffix("mapping") {
                Some("") => format!("[mapping]{link}"),
                list => format!("{}[mappings]{link}", list.unwrap_or_default()),
            };
        }
        let name = path.rsplit('.').next().unwrap().to_owned();
        Row {
            name,
            kind,
            default,
            meaning,
        }
    }

    fn kind(&self, property: &'s Value) -> String {
        if property["items"].is_object() {
            let kind = self.kind(&property["items"]);
            return format!("list of {}", kind.replace("string", "strings"));
        }
        if let Some(name) = name_of(property) {
            let definition = &self.definitions[name];
            if definition["properties"].is_object() {
                return "mapping".to_owned();
            }
            let values: Vec<_> = values(definition)
                .map(|value| format!("`{value}`"))
                .collect();
            if !values.is_empty() {
                return or(&values);
            }
            return self.kind(definition);
        }
        let types: Vec<_> = match &property["type"] {
            Value::String(name) => vec![name.clone()],
            Value::Array(names) => names
                .iter()
                .filter_map(|name| Some(name.as_str()?.to_owned()))
                .collect(),
            _ => list(&property["anyOf"])
                .iter()
                .map(|one| self.kind(one))
                .collect(),
        };
        let types: Vec<_> = types.into_iter().filter(|name| name != "null").collect();
        let mut kind = or(&types);
        if let (Some(least), Some(most)) =
            (property["minimum"].as_u64(), property["maximum"].as_u64())
        {
            kind.push_str(&format!(", {least} to {most}"));
        }
        match (
            kind.as_str(),
            property["additionalProperties"]["type"].as_str(),
        ) {
            ("object", Some(value)) => format!("mapping of {value}s"),
            ("object", None) => "mapping".to_owned(),
            _ => kind,
        }
    }
}

/// The field that selects the variant, from its constants.
fn discriminator(variants: &[Value]) -> Row {
    let of = |variant: &Value| {
        let kind = variant["properties"]["type"]["const"].as_str().unwrap();
        (
            format!("`{kind}`"),
            format!("`{kind}`: {}", cell(&words(variant))),
        )
    };
    let (kinds, meanings): (Vec<_>, Vec<_>) = variants.iter().map(of).unzip();
    Row {
        name: "type".to_owned(),
        kind: or(&kinds),
        default: "`LoadBalancer`".to_owned(),
        meaning: meanings.join("<br>"),
    }
}

/// The definition that a property refers to, if there is one, optional or not.
fn name_of(property: &Value) -> Option<&str> {
    let reference = |value: &'_ Value| -> Option<usize> {
        value["$ref"]
            .as_str()
            .map(|text| text.rfind('/').unwrap() + 1)
    };
    if let Some(start) = reference(property) {
        return property["$ref"].as_str().and_then(|text| text.get(start..));
    }
    let mut named = list(&property["anyOf"])
        .iter()
        .filter(|one| one["$ref"].is_string());
    let first = named.next()?;
    let start = reference(first)?;
    first["$ref"].as_str().and_then(|text| text.get(start..))
}

/// The values that a definition allows.
fn values(definition: &Value) -> impl Iterator<Item = &str> {
    let constants = list(&definition["oneOf"]).iter().map(|one| &one["const"]);
    constants
        .chain(list(&definition["enum"]))
        .filter_map(Value::as_str)
}

/// Each value that a definition allows, with its description.
fn choices(definition: &Value) -> Vec<String> {
    let constants = list(&definition["oneOf"]).iter();
    let choice = |one: &Value| {
        let value = one["const"].as_str().filter(|value| *value != words(one))?;
        Some(format!("`{value}`: {}", cell(&words(one))))
    };
    constants.filter_map(choice).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The first paragraph of a description, in one line. The others name sources.
fn words(value: &Value) -> String {
    let description = value["description"].as_str().unwrap_or_default();
    let paragraph = description.split("\n\n").next().unwrap_or_default();
    paragraph.replace('\n', " ")
}

/// Splits the default off the end of a description: `9000 when not set.`
fn split_default(words: &str) -> (String, Option<String>) {
    let Some(rest) = words.strip_suffix(" when not set.") else {
        return (cell(words), None);
    };
    let start = rest
        .rfind(". ")
        .max(rest.rfind(": "))
        .map_or(0, |at| at + 2);
    let (meaning, default) = rest.split_at(start);
    let meaning = meaning.trim_end_matches([' ', ':', '.']);
    let is_literal = !default.contains('`') && (!default.contains(' ') || default.starts_with('['));
    let default = match default.chars().next() {
        _ if is_literal => format!("`{default}`"),
        Some(first) => first
            .to_lowercase()
            .chain(default.chars().skip(1))
            .collect(),
        None => String::new(),
    };
    (cell(&format!("{meaning}.")), Some(cell(&default)))
}

/// The anchor of a heading.
fn slug(title: &str) -> String {
    let kept = title.replace(' ', "-");
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || *c == '-');
    kept.flat_map(char::to_lowercase).collect()
}

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

fn or(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

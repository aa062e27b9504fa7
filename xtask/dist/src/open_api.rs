//! A JSON Schema in the words of OpenAPI 3.0, which has no references here, no constants and no null.

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value};

/// How deep references may lead; a schema that contains itself has no end.
const DEEPEST: usize = 32;

/// The same schema in OpenAPI's words.
pub(crate) fn of(schema: &Value) -> Result<Value> {
    Schemas { root: schema }.convert(schema, 0)
}

struct Schemas<'a> {
    root: &'a Value,
}

impl Schemas<'_> {
    fn convert(&self, schema: &Value, depth: usize) -> Result<Value> {
        if depth > DEEPEST {
            bail!("the schema contains itself");
        }
        let Value::Object(schema) = schema else {
            return Ok(schema.clone());
        };
        let mut converted = Map::new();
        for (key, value) in schema {
            match (key.as_str(), value) {
                // OpenAPI has no such words, or none of these formats. Without them it takes more, and the
                // function itself refuses that.
                ("$schema" | "$defs" | "format" | "unevaluatedProperties", _)
                | ("default", Value::Null) => {}
                ("$ref", Value::String(path)) => {
                    let pointer = path.trim_start_matches('#');
                    let target = self.root.pointer(pointer);
                    let target = target.with_context(|| format!("{path} leads nowhere"))?;
                    // What stands beside a reference is about the place where it is used.
                    merge(&mut converted, self.convert(target, depth + 1)?);
                }
                ("const", _) => {
                    converted.insert("enum".to_owned(), Value::Array(vec![value.clone()]));
                    if value.is_string() {
                        converted.insert("type".to_owned(), "string".into());
                    }
                }
                ("type", Value::Array(types)) => {
                    for name in types {
                        if name == "null" {
                            converted.insert("nullable".to_owned(), true.into());
                        } else if let Some(first) = converted.insert(key.clone(), name.clone()) {
                            bail!("{first} and {name} are two types");
                        }
                    }
                }
                ("anyOf" | "oneOf", Value::Array(choices)) => {
                    self.convert_choices(&mut converted, key, choices, depth)?;
                }
                ("properties", Value::Object(properties)) => {
                    let mut schemas = Map::new();
                    for (name, schema) in properties {
                        schemas.insert(name.clone(), self.convert(schema, depth + 1)?);
                    }
                    converted.insert(key.clone(), Value::Object(schemas));
                }
                ("items" | "additionalProperties" | "not", schema) => {
                    converted.insert(key.clone(), self.convert(schema, depth + 1)?);
                }
                (
                    "title" | "description" | "type" | "default" | "required" | "enum" | "minimum"
                    | "maximum" | "pattern" | "minLength" | "maxLength" | "minItems" | "maxItems"
                    | "uniqueItems",
                    _,
                ) => {
                    converted.insert(key.clone(), value.clone());
                }
                (word, _) => bail!("{word} has no counterpart"),
            }
        }
        Ok(Value::Object(converted))
    }

    fn convert_choices(
        &self,
        converted: &mut Map<String, Value>,
        key: &str,
        choices: &[Value],
        depth: usize,
    ) -> Result<()> {
        let mut others = Vec::new();
        for choice in choices {
            if choice.get("type").is_some_and(|name| name == "null") {
                converted.insert("nullable".to_owned(), true.into());
            } else {
                others.push(self.convert(choice, depth + 1)?);
            }
        }
        let choices = others;
        if let [only] = choices.as_slice() {
            merge(converted, only.clone());
        } else if let Some(words) = words(&choices) {
            converted.insert("type".to_owned(), "string".into());
            converted.insert("enum".to_owned(), Value::Array(words));
            describe(converted, &choices);
        } else {
            converted.insert(key.to_owned(), Value::Array(choices));
        }
        Ok(())
    }
}

/// Adds what is not there yet.
fn merge(into: &mut Map<String, Value>, from: Value) {
    if let Value::Object(from) = from {
        for (key, value) in from {
            into.entry(key).or_insert(value);
        }
    }
}

/// The words, if each choice is one.
fn words(choices: &[Value]) -> Option<Vec<Value>> {
    let word = |choice: &Value| match choice.get("enum")?.as_array()?.as_slice() {
        [word] if word.is_string() && choice.get("properties").is_none() => Some(word.clone()),
        _ => None,
    };
    choices.iter().map(word).collect()
}

/// Tells what each word means, as there is one description for all.
fn describe(schema: &mut Map<String, Value>, choices: &[Value]) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines = Vec::from_iter(schema.get("description").map(text));
    for choice in choices {
        if let (Some(word), Some(meaning)) = (choice.pointer("/enum/0"), choice.get("description"))
        {
            lines.push(format!("{}: {}", text(word), text(meaning)));
        }
    }
    if !lines.is_empty() {
        schema.insert("description".to_owned(), lines.join("\n").into());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_said_in_open_api_s_words_or_refused() {
        let cases = include_str!("../tests/open_api.yaml");
        for case in yaml_serde::from_str::<Vec<Map<String, Value>>>(cases).unwrap() {
            let said = of(case.get("schema").unwrap());
            let said = said.unwrap_or_else(|error| error.to_string().into());
            assert_eq!(said, *case.get("is").unwrap(), "{:?}", case.get("name"));
        }
    }
}

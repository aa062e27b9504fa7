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
    use serde_json::json;

    use super::*;

    #[test]
    fn null_becomes_nullable() {
        let schema = json!({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]});
        let expected = json!({"nullable": true, "type": "integer", "minimum": 1});
        assert_eq!(of(&schema).unwrap(), expected);
        let schema = json!({"type": ["string", "null"], "default": null});
        assert_eq!(
            of(&schema).unwrap(),
            json!({"type": "string", "nullable": true})
        );
    }

    #[test]
    fn constants_become_one_enum_that_tells_what_they_mean() {
        let schema = json!({"description": "When.", "oneOf": [
            {"const": "Now", "type": "string", "description": "At once."},
            {"const": "Later", "type": "string"},
        ]});
        let expected = json!({
            "description": "When.\nNow: At once.",
            "type": "string",
            "enum": ["Now", "Later"],
        });
        assert_eq!(of(&schema).unwrap(), expected);
    }

    #[test]
    fn a_reference_keeps_the_description_of_its_place() {
        let schema = json!({
            "properties": {"port": {"description": "Ours.", "$ref": "#/$defs/Port"}},
            "$defs": {"Port": {"description": "Any.", "type": "integer", "format": "uint16"}},
        });
        let expected = json!({"properties": {"port": {"description": "Ours.", "type": "integer"}}});
        assert_eq!(of(&schema).unwrap(), expected);
    }

    #[test]
    fn what_cannot_be_said_is_refused() {
        for (schema, reason) in [
            (json!({"$ref": "#/$defs/No"}), "#/$defs/No leads nowhere"),
            (json!({"$ref": "#"}), "the schema contains itself"),
            (json!({"prefixItems": []}), "prefixItems has no counterpart"),
            (
                json!({"type": ["string", "integer"]}),
                "\"string\" and \"integer\" are two types",
            ),
        ] {
            assert_eq!(of(&schema).unwrap_err().to_string(), reason);
        }
    }
}

//! Readers of YAML that have nothing in common with ours.

use serde_json::{Map, Value};

use crate::suites::node;

/// What libyaml takes a text for; `None` when it refuses the text, or finds in it what JSON does not
/// know.
///
/// A missing line end at the end of the file is added: libyaml takes it for a part of a block
/// scalar's text that stands there, and most readers do not.
pub fn libyaml(text: &str) -> Option<Value> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let mut value: yaml_serde::Value = yaml_serde::from_str(&format!("{text}{end}")).ok()?;
    value.apply_merge().ok()?;
    as_json(value)
}

fn as_json(value: yaml_serde::Value) -> Option<Value> {
    use yaml_serde::Value as Yaml;
    Some(match value {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => value.into(),
        Yaml::Number(number) => serde_json::to_value(&number)
            .ok()
            .filter(|value| !value.is_null())
            .unwrap_or_else(|| number.to_string().into()),
        Yaml::String(text) => text.into(),
        Yaml::Sequence(items) => items.into_iter().map(as_json).collect::<Option<_>>()?,
        Yaml::Mapping(members) => members
            .into_iter()
            .map(|(key, value)| {
                let key = match as_json(key)? {
                    Value::String(text) => text,
                    Value::Null => String::new(),
                    Value::Array(_) | Value::Object(_) => return None,
                    other => other.to_string(),
                };
                Some((key, as_json(value)?))
            })
            .collect::<Option<Map<_, _>>>()?
            .into(),
        Yaml::Tagged(tagged) => as_json(tagged.value)?,
    })
}

/// What the npm package `yaml` takes each text for; `None` where it refuses the text.
pub fn yaml_package(texts: &[String]) -> Vec<Option<Value>> {
    let input = serde_json::to_vec(texts).expect("texts are JSON");
    let printed = node("read.mjs", &input);
    let meanings: Vec<Map<String, Value>> =
        serde_json::from_slice(&printed).expect("read.mjs prints what texts mean");
    assert_eq!(meanings.len(), texts.len());
    meanings
        .into_iter()
        .map(|mut meaning| meaning.remove("value"))
        .collect()
}

/// Whether two values are the same to a reader that has one kind of number.
pub fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64()
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, one)| {
                    let other = other.get(key);
                    other.is_some_and(|other| same(one, other))
                })
        }
        _ => one == other,
    }
}

//! Readers of YAML that have nothing in common with ours.

use serde_json::{Map, Value};

use crate::suites::node;

/// What libyaml takes a text for; `None` when it refuses the text, or finds in it what JSON does not
/// know.
pub fn libyaml(text: &str) -> Option<Value> {
    crate::libyaml::value(text, |key| match key {
        Value::Null => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
        other => Some(other.to_string()),
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

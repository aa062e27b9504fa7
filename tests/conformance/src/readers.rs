//! YAML readers that share no code with ours.

use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::suites::{node, piped};

/// The value that libyaml reads from a text; `None` if it refuses the text, or if JSON cannot
/// express the value.
pub fn libyaml(text: &str) -> Option<Value> {
    crate::libyaml::value(text, |key| match key {
        Value::Null => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
        other => Some(other.to_string()),
    })
}

/// What a reader finds in a text; both are missing if it refuses the text.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Reading {
    /// The value of the text.
    #[serde(default, deserialize_with = "found")]
    pub value: Option<Value>,
    /// The nodes of the text, in the form of `tests/judge/nodes.rs`.
    #[serde(default, deserialize_with = "found")]
    pub nodes: Option<Value>,
}

/// A value that is present, which may be null.
fn found<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(value).map(Some)
}

/// How the npm package `yaml`, which implements YAML 1.2, reads each text.
pub fn yaml_package(texts: &[String]) -> Vec<Reading> {
    readings(texts, |input| node("read.mjs", input))
}

/// How Go's readers read each text: sigs.k8s.io/yaml its value, go.yaml.in/yaml/v3 its nodes.
///
/// # Panics
/// If the program is not built.
pub fn go_yaml(texts: &[String]) -> Vec<Reading> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/hosts/bin/go-yaml");
    assert!(
        program.is_file(),
        "go-yaml is missing: run `cargo xtask hosts go-yaml`"
    );
    readings(texts, |input| piped(&mut Command::new(program), input))
}

fn readings(texts: &[String], read: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<Reading> {
    let input = serde_json::to_vec(texts).expect("texts are JSON");
    let readings: Vec<Reading> =
        serde_json::from_slice(&read(&input)).expect("a reader prints what texts mean");
    assert_eq!(readings.len(), texts.len());
    readings
}

/// Whether two values are equal for a reader that has only one type of number.
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

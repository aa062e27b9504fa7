//! Readers of YAML that have nothing in common with ours.

use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::suites::{node, piped};

/// What libyaml takes a text for; `None` when it refuses the text, or finds in it what JSON does not
/// know.
pub fn libyaml(text: &str) -> Option<Value> {
    crate::libyaml::value(text, |key| match key {
        Value::Null => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
        other => Some(other.to_string()),
    })
}

/// What a reader takes a text for; both are missing where it refuses the text.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Reading {
    /// What the text means.
    #[serde(default, deserialize_with = "found")]
    pub value: Option<Value>,
    /// What is in the text, as `tests/judge/nodes.rs` writes it.
    #[serde(default, deserialize_with = "found")]
    pub nodes: Option<Value>,
}

/// A value that is there, which may be null.
fn found<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(value).map(Some)
}

/// What the npm package `yaml` takes each text for, which knows YAML 1.2.
pub fn yaml_package(texts: &[String]) -> Vec<Reading> {
    readings(texts, |input| node("read.mjs", input))
}

/// What Go's readers take each text for: sigs.k8s.io/yaml for its value, go.yaml.in/yaml/v3 for its nodes.
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

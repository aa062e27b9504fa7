//! The original content of a file's `[session_server]`, before the first run, kept in an
//! annotation.
//!
//! The annotation is a JSON object. Each member is a file, with the TOML text that each key had, or `null`
//! for a key that was not there. Earlier versions kept one flat object of values without the file's name.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::config_file::{TABLE, toml_source, toml_value};
use crate::runner::ConfigToml;
use krm::bookkeeping::{CONFIG_BEFORE, annotation};
use krm::patch::Patches;
use krm::resource::Resource;
use yaml_splice::pointer::At as _;

/// The original TOML text of one file's keys; `None` for a key that did not exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record(BTreeMap<String, Option<String>>);

impl Record {
    /// A record of these keys, with the original TOML text of each.
    pub(crate) fn of_keys(keys: impl IntoIterator<Item = (String, Option<String>)>) -> Self {
        Self(keys.into_iter().collect())
    }

    /// True if it covers no key.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The table itself was not there.
    pub(super) fn without_table() -> Self {
        Self(BTreeMap::from([(TABLE.to_owned(), None)]))
    }

    /// True when there was no table.
    pub(crate) fn had_no_table(&self) -> bool {
        self.0.contains_key(TABLE)
    }

    /// True when an earlier run has written this key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.had_no_table() || self.0.contains_key(key)
    }

    /// True when an earlier run has added this key.
    pub(crate) fn has_added(&self, key: &str) -> bool {
        self.had_no_table() || self.0.get(key) == Some(&None)
    }

    /// The original value of a key, as TOML text.
    pub(crate) fn source(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_deref()
    }

    /// The original value of a key.
    pub(super) fn value(&self, key: &str) -> Option<Value> {
        self.source(key).map(toml_value)
    }

    /// Records the original TOML text of a key.
    pub(super) fn note(&mut self, key: &str, source: Option<String>) {
        self.0.entry(key.to_owned()).or_insert(source);
    }

    /// Each key with its original TOML text.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0
            .iter()
            .map(|(key, source)| (key.as_str(), source.as_deref()))
    }

    /// Reads the record of a file that an earlier run left.
    pub(super) fn read(config: &ConfigToml) -> Option<Self> {
        let records = records(&config.object.value)?;
        if is_flat(&records) {
            let is_its_own = !has_other_file(&config.object, &config.key);
            return is_its_own.then(|| Self::of_flat(&records));
        }
        Some(Self::of(records.get(&config.key)?))
    }

    /// True if a record of an earlier version may refer to this file or to another one of the
    /// object.
    pub(super) fn is_doubtful(config: &ConfigToml) -> bool {
        records(&config.object.value)
            .is_some_and(|records| is_flat(&records) && has_other_file(&config.object, &config.key))
    }

    /// Writes the record of a file beside those of the object's other files.
    pub(super) fn store(&self, config: &ConfigToml, patches: &mut Patches) {
        let mut records = records(patches.current(&config.object)).unwrap_or_default();
        if is_flat(&records) {
            records = Map::new();
        }
        records.insert(config.key.clone(), self.to_value());
        let text = Value::Object(records).to_string();
        patches.set(&config.object, &annotation(CONFIG_BEFORE), text.into());
    }

    /// Removes the record of a file, and the annotation if that was the last one.
    pub(super) fn remove(config: &ConfigToml, patches: &mut Patches) {
        let mut records = records(patches.current(&config.object)).unwrap_or_default();
        let is_flat = is_flat(&records);
        records.remove(&config.key);
        let pointer = annotation(CONFIG_BEFORE);
        if is_flat || records.is_empty() {
            patches.remove(&config.object, &pointer);
        } else {
            let text = Value::Object(records).to_string();
            patches.set(&config.object, &pointer, text.into());
        }
    }

    /// The record as JSON.
    pub(crate) fn to_value(&self) -> Value {
        let keys = self.0.iter().map(|(key, source)| {
            let source = source.clone().map_or(Value::Null, Value::from);
            (key.clone(), source)
        });
        Value::Object(keys.collect())
    }

    /// Parses a record from JSON.
    pub(crate) fn of(record: &Value) -> Self {
        let keys = record.as_object().into_iter().flatten();
        let keys = keys.map(|(key, source)| (key.clone(), source.as_str().map(str::to_owned)));
        Self(keys.collect())
    }

    fn of_flat(record: &Map<String, Value>) -> Self {
        let keys = record.iter().map(|(key, value)| {
            let source = (!value.is_null()).then(|| toml_source(value));
            (key.clone(), source)
        });
        Self(keys.collect())
    }
}

/// The files that an object has records of.
pub(super) fn files(object: &Resource) -> Vec<String> {
    let text = object.annotation(CONFIG_BEFORE);
    let records = text.and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok());
    let records = records.unwrap_or_default();
    if is_flat(&records) {
        return Vec::new();
    }
    records.keys().cloned().collect()
}

fn records(object: &Value) -> Option<Map<String, Value>> {
    let note = object.at(&annotation(CONFIG_BEFORE))?;
    serde_json::from_str(note.as_str()?).ok()
}

/// True for the format of earlier versions, which did not include the file name.
fn is_flat(records: &Map<String, Value>) -> bool {
    !records.is_empty() && !records.values().all(Value::is_object)
}

/// Whether the object has another file that a runner may read.
fn has_other_file(object: &Resource, key: &str) -> bool {
    ["data", "stringData"]
        .iter()
        .filter_map(|section| object.value.get(*section)?.as_object())
        .flatten()
        .any(|(name, value)| {
            let is_template = name.contains("template");
            name != key && name.ends_with(".toml") && !is_template && !value.is_null()
        })
}

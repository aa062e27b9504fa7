//! The values that the keys of a `config.toml` had before `configure` edited it in place, kept in a
//! file beside it.
//!
//! The file is JSON. For each `config.toml`, by name, it holds the previous values of the keys and
//! the values that were written. It does not keep TOML comments, because `gitlab-runner register`
//! drops them when it saves.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::session_server::Record;
use crate::session_server::config_file::{
    ADVERTISE_ADDRESS, ConfigFile, LISTEN_ADDRESS, SESSION_TIMEOUT,
};

/// The name of the file.
pub const RECORD_FILE: &str = ".runner-terminal.json";

pub(super) const KEYS: [&str; 3] = [SESSION_TIMEOUT, LISTEN_ADDRESS, ADVERTISE_ADDRESS];

/// The text is not a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a record of this program")]
pub struct NotARecord;

/// The records of the files in one folder.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileRecords(Map<String, Value>);

/// The record of one file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileRecord {
    /// The previous values of the keys.
    before: Record,
    /// The values that were written. There are two while a new value takes the place of an earlier one.
    written: BTreeMap<String, Vec<Value>>,
}

impl FileRecords {
    /// Reads the file's text.
    ///
    /// # Errors
    /// The text is not a JSON object.
    pub fn parse(text: &str) -> Result<Self, NotARecord> {
        serde_json::from_str(text).map(Self).map_err(|_| NotARecord)
    }

    /// The record of a file.
    pub fn get(&self, name: &str) -> Option<FileRecord> {
        let record = self.0.get(name)?;
        let written = record.get("written")?.as_object()?.iter();
        let written = written.map(|(key, values)| {
            let values = values.as_array().cloned().unwrap_or_default();
            (key.clone(), values)
        });
        Some(FileRecord {
            before: Record::of(record.get("before")?),
            written: written.collect(),
        })
    }

    /// Replaces the record of a file.
    pub fn set(&mut self, name: &str, record: Option<FileRecord>) {
        match record {
            Some(FileRecord { before, written }) => {
                let record = json!({"before": before.to_value(), "written": written});
                self.0.insert(name.to_owned(), record);
            }
            None => {
                self.0.remove(name);
            }
        }
    }

    /// The file's text; `None` if there are no records.
    pub fn text(&self) -> Option<String> {
        let text = serde_json::to_string_pretty(&self.0).unwrap_or_default();
        (!self.0.is_empty()).then(|| format!("{text}\n"))
    }
}

impl FileRecord {
    /// The record for the current content of a file.
    pub(super) fn of(before: Record, file: &ConfigFile) -> Option<Self> {
        if before.is_empty() {
            return None;
        }
        let ours = KEYS.iter().filter(|key| before.has(key));
        let written = ours.filter_map(|key| Some(((*key).to_owned(), vec![file.get(key)?])));
        Some(Self {
            written: written.collect(),
            before,
        })
    }

    /// The part of the record that still holds for a file. A key that has another value now belongs
    /// to the user.
    pub(super) fn still_true(&self, file: &ConfigFile) -> Option<Record> {
        let is_ours = |key: &str| self.has_written(key, file.get(key).as_ref());
        let (ours, others): (Vec<&str>, Vec<&str>) = KEYS
            .iter()
            .filter(|key| file.get(key).is_some() || self.has_emptied(key))
            .partition(|key| is_ours(key) || file.get(key).is_none());
        let before = if !self.before.had_no_table() {
            let is_gone = |key: &str| file.get(key).is_none() && self.has_emptied(key);
            let kept = self.before.keys();
            let kept = kept.filter(|(key, _)| is_ours(key) || is_gone(key));
            let kept = kept.map(|(key, source)| (key.to_owned(), source.map(str::to_owned)));
            Record::of_keys(kept)
        } else if others.is_empty() && !ours.is_empty() {
            self.before.clone()
        } else {
            Record::of_keys(ours.into_iter().map(|key| (key.to_owned(), None)))
        };
        (!before.is_empty()).then_some(before)
    }

    /// Combines this record with the earlier one, so that it holds whether or not the file gets
    /// written.
    pub(super) fn or(mut self, earlier: Option<&Self>) -> Self {
        let Some(earlier) = earlier else {
            return self;
        };
        let both = earlier.before.keys().chain(self.before.keys());
        let both = both.map(|(key, source)| (key.to_owned(), source.map(str::to_owned)));
        self.before = Record::of_keys(both);
        for (key, values) in &earlier.written {
            let written = self.written.entry(key.clone()).or_default();
            let others = values.iter().filter(|value| !written.contains(value));
            let others: Vec<Value> = others.cloned().collect();
            written.extend(others);
        }
        self
    }

    /// True for a key that was set to `""`: GitLab Runner saves the file without it.
    fn has_emptied(&self, key: &str) -> bool {
        self.has_written(key, Some(&json!("")))
    }

    fn has_written(&self, key: &str, value: Option<&Value>) -> bool {
        let written = self.written.get(key);
        written.is_some_and(|values| value.is_some_and(|value| values.contains(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_survives_its_file() {
        let text = r#"{"config.toml":{"before":{"listen_address":"':1'","advertise_address":null},"written":{"listen_address":[":2"]}}}"#;
        let mut records = FileRecords::parse(text).unwrap();
        let record = records.get("config.toml");
        assert!(record.is_some());
        assert_eq!(records.get("other.toml"), None);
        records.set("config.toml", record);
        assert_eq!(
            FileRecords::parse(&records.text().unwrap()),
            Ok(records.clone())
        );
        records.set("config.toml", None);
        assert_eq!(records.text(), None);
    }

    #[test]
    fn what_is_no_record_is_refused_or_left_alone() {
        for text in ["", "[]", "{", "null", "\u{feff}{}"] {
            assert_eq!(FileRecords::parse(text), Err(NotARecord), "{text}");
        }
        for text in [
            "{}",
            r#"{"config.toml": 1}"#,
            r#"{"config.toml": {"written": []}}"#,
        ] {
            let records = FileRecords::parse(text).unwrap();
            assert_eq!(records.get("config.toml"), None, "{text}");
        }
    }
}

//! The plan of one `config.toml`: the text that it gets, and the record of what it was.

use serde_json::{Value, json};

use super::config_file::{ADVERTISE_ADDRESS, ConfigFile, LISTEN_ADDRESS, SESSION_TIMEOUT};
use super::record::Record;
use super::{base64_lines, config_checksum, open_config};
use crate::runner::{ConfigToml, Encoding};
use krm::patch::Patches;
use krm::results::Refusal;
use yaml_splice::pointer::At as _;

/// What changes in one `config.toml`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigPlan {
    /// The keys of `[session_server]` that are set, with their values.
    pub keys: Vec<(&'static str, Value)>,
    /// The file's new text, where it changes.
    pub text: Option<String>,
    /// What changes in the record of what the keys were before the first run.
    pub record: RecordPlan,
    /// The sha256 of the file as it will be; none where no manifest holds it.
    pub checksum: Option<String>,
}

/// What changes in the record of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordPlan {
    /// It stays as it is.
    Keep,
    /// It is written.
    Store(Record),
    /// It is removed.
    Remove,
}

impl ConfigPlan {
    /// Writes the file and its record.
    pub(super) fn patch(self, config: &ConfigToml, patches: &mut Patches) {
        if let Some(text) = &self.text {
            write_text(config, text, patches);
        }
        match self.record {
            RecordPlan::Keep => {}
            RecordPlan::Store(record) => record.store(config, patches),
            RecordPlan::Remove => Record::remove(config, patches),
        }
    }
}

/// Writes a file in the encoding of its object; base64 keeps its line width.
fn write_text(config: &ConfigToml, text: &str, patches: &mut Patches) {
    let (object, pointer) = (&config.object, config.pointer());
    let empty = patches.empty_before(object, &pointer);
    if let Some(empty) = empty.filter(|_| text.is_empty()) {
        return patches.set(object, &pointer, empty);
    }
    let encoded = config.encode(text);
    let before = object.value.at(&pointer);
    let written = match (config.encoding, before) {
        (Encoding::Base64, Some(Value::String(before))) => base64_lines::like(before, &encoded),
        _ => encoded,
    };
    patches.fill(object, &pointer, json!(written));
}

/// A `config.toml` while its plan is made.
#[derive(Debug)]
pub(super) struct ConfigDraft<'r> {
    /// The file as its object has it.
    pub(super) config: &'r ConfigToml,
    /// The file as it will be.
    pub(super) file: ConfigFile,
    /// The record of an earlier run.
    pub(super) before: Option<Record>,
    pub(super) keys: Vec<(&'static str, Value)>,
    pub(super) record: RecordPlan,
}

impl<'r> ConfigDraft<'r> {
    /// Opens a runner's configuration.
    ///
    /// # Errors
    /// As [`open_config`].
    pub(super) fn open(config: &'r ConfigToml) -> Result<Self, Refusal> {
        Ok(Self::of(config, open_config(config)?))
    }

    /// A draft of a file that is parsed already.
    pub(super) fn of(config: &'r ConfigToml, file: ConfigFile) -> Self {
        Self {
            before: Record::read(config),
            config,
            file,
            keys: Vec::new(),
            record: RecordPlan::Keep,
        }
    }

    /// Puts back what the keys were before the first run. Does nothing where no run has written
    /// them.
    pub(super) fn restore(&mut self) {
        let Some(record) = &self.before else {
            return;
        };
        if record.had_no_table() {
            let keys = [SESSION_TIMEOUT, LISTEN_ADDRESS, ADVERTISE_ADDRESS];
            self.file.unset(&keys, true);
        } else {
            // New keys stand in the order in which they were added; the last one is removed first.
            let (added, changed): (Vec<_>, Vec<_>) =
                record.keys().partition(|(_, source)| source.is_none());
            let added: Vec<&str> = added.into_iter().map(|(key, _)| key).collect();
            self.file.unset(&added, false);
            for (key, source) in changed {
                if let Some(source) = source {
                    self.file.set_sources(&[(key, source.to_owned())]);
                }
            }
        }
        self.keys.clear();
        self.record = RecordPlan::Remove;
    }

    /// Puts back what the keys were, as if no run had written them.
    pub(super) fn forget(&mut self) {
        self.restore();
        self.before = None;
    }

    /// The finished plan.
    pub(super) fn finish(self) -> ConfigPlan {
        let is_in_manifests = self.config.is_in_manifests();
        let checksum = is_in_manifests.then(|| config_checksum(self.file.text()));
        let text = (self.file.text() != self.config.text).then(|| self.file.into_text());
        ConfigPlan {
            keys: self.keys,
            text,
            record: self.record,
            checksum,
        }
    }
}

//! The plan for one `config.toml`: its new text, and the record of what it was.

use serde_json::{Value, json};

use super::config_file::{ADVERTISE_ADDRESS, ConfigFile, LISTEN_ADDRESS, SESSION_TIMEOUT};
use super::record::Record;
use super::{base64_lines, config_checksum, open_config, settings};
use crate::address::AddressError;
use crate::runner::{ConfigToml, Encoding};
use krm::patch::Patches;
use krm::resource::Identity;
use krm::results::{FunctionResult, Refusal};
use yaml_splice::pointer::At as _;

/// What changes in one `config.toml`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigPlan {
    /// The keys of `[session_server]` that are set, with their values.
    pub keys: Vec<(&'static str, Value)>,
    /// The file's new text, where it changes.
    pub text: Option<String>,
    /// The change to the record of the keys' values before the first run.
    pub record: RecordPlan,
    /// The sha256 of the planned file; `None` if no manifest holds the file.
    pub checksum: Option<String>,
}

/// The change to the record of a file.
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

/// The location of a `config.toml`, for messages about it.
#[derive(Clone, Debug)]
pub struct ConfigLocation<'r> {
    /// The object that holds it, and the field; `None` for a file of its own.
    object: Option<(&'r Identity, String)>,
    /// Its values may be secret.
    is_secret: bool,
}

impl<'r> ConfigLocation<'r> {
    /// A file at the pod's start, which may be of a Secret.
    pub(crate) const FILE: Self = Self {
        object: None,
        is_secret: true,
    };

    /// The location in an object, if one holds the file.
    pub fn of(config: &'r ConfigToml) -> Self {
        if !config.is_in_manifests() {
            return Self::FILE;
        }
        let identity = &config.object.identity;
        Self {
            object: Some((identity, config.field())),
            is_secret: identity.kind == "Secret",
        }
    }

    /// Adds the location to a result.
    pub(super) fn locate(&self, result: FunctionResult) -> FunctionResult {
        match &self.object {
            Some((identity, field)) => result.about(identity).at(field),
            None => result,
        }
    }

    /// The name of the configuration in messages.
    pub(super) fn field(&self) -> &str {
        match &self.object {
            Some((_, field)) => field,
            None => "config.toml",
        }
    }

    /// The `advertise_address` of a configuration, for messages. Passwords are masked, and so is
    /// anything in a Secret that is not a valid address.
    pub fn shown_address(&self, address: &str) -> String {
        settings::shown_address(address, self.is_secret)
    }

    /// Says why a runner cannot advertise the address of a configuration.
    pub(crate) fn refused_address(&self, address: &str, error: AddressError) -> String {
        let error = if self.is_secret {
            error.masked()
        } else {
            error
        };
        let shown = self.shown_address(address);
        format!("advertise_address {shown:?}: {error}")
    }
}

/// A `config.toml` while its plan is made.
#[derive(Debug)]
pub(crate) struct ConfigDraft<'r> {
    /// The file's text before this run.
    original: &'r str,
    /// Where it is.
    pub(crate) location: ConfigLocation<'r>,
    /// The planned file.
    pub(crate) file: ConfigFile,
    /// The record of an earlier run.
    pub(crate) before: Option<Record>,
    pub(super) keys: Vec<(&'static str, Value)>,
    pub(crate) record: RecordPlan,
}

impl<'r> ConfigDraft<'r> {
    /// Opens a runner's configuration.
    ///
    /// # Errors
    /// As [`open_config`].
    pub(super) fn open(config: &'r ConfigToml) -> Result<Self, Refusal> {
        Ok(Self::of(config, open_config(config)?))
    }

    /// A draft of an object's file that is already parsed.
    pub(super) fn of(config: &'r ConfigToml, file: ConfigFile) -> Self {
        let location = ConfigLocation::of(config);
        Self::new(&config.text, location, file, Record::read(config))
    }

    /// A draft of a file, which was parsed from `original`.
    pub(crate) fn new(
        original: &'r str,
        location: ConfigLocation<'r>,
        file: ConfigFile,
        before: Option<Record>,
    ) -> Self {
        Self {
            original,
            location,
            before,
            file,
            keys: Vec::new(),
            record: RecordPlan::Keep,
        }
    }

    /// Restores the values that the keys had before the first run. Does nothing if no run has
    /// written them.
    pub(crate) fn restore(&mut self) {
        let Some(record) = &self.before else {
            return;
        };
        if record.had_no_table() {
            let keys = [SESSION_TIMEOUT, LISTEN_ADDRESS, ADVERTISE_ADDRESS];
            self.file.unset(&keys, true);
        } else {
            // New keys are in the order in which they were added; the last one is removed first.
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

    /// Restores the values of the keys, as if no run had written them.
    pub(super) fn forget(&mut self) {
        self.restore();
        self.before = None;
    }

    /// The finished plan.
    pub(super) fn finish(self) -> ConfigPlan {
        let is_in_object = self.location.object.is_some();
        let checksum = is_in_object.then(|| config_checksum(self.file.text()));
        ConfigPlan {
            text: self.changed_text(),
            keys: self.keys,
            record: self.record,
            checksum,
        }
    }

    /// The file's new text, where it changes.
    pub(crate) fn changed_text(&self) -> Option<String> {
        let text = self.file.text();
        (text != self.original).then(|| text.to_owned())
    }
}

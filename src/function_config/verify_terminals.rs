//! `kind: VerifyTerminals`

use serde::Deserialize;
use serde_json::Value;

use super::Envelope;
use crate::fields::{ConfigError, ConfigReference, RunnerSelector, read, unset_when_empty};

/// Checks the finished manifests of the runners in the list, and changes nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifyTerminals {
    /// `metadata.name`
    pub name: String,
    /// What is asked for.
    pub spec: VerifyTerminalsSpec,
}

/// What is asked for. Every field may be left out.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    default,
    expecting = "a mapping with the fields of a VerifyTerminals' spec"
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VerifyTerminalsSpec {
    /// Which runners of the list; all of them when empty.
    pub runner: RunnerSelector,
    /// The container that runs gitlab-runner, where it cannot be told by its image or command.
    #[serde(deserialize_with = "unset_when_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub container: Option<String>,
    /// The object that holds the runner's `config.toml`, where the manifests do not say which. It
    /// applies to one runner.
    pub config: Option<ConfigReference>,
    /// Fail for a runner whose session server is off or has no address yet. By default that is a
    /// warning: in the first of the two steps no address is known.
    pub require_address: bool,
}

impl VerifyTerminals {
    /// Reads a functionConfig of this kind.
    ///
    /// # Errors
    /// An unknown field, or a value of the wrong type.
    pub fn parse(value: &Value) -> Result<Self, ConfigError> {
        let envelope: Envelope = read("", value)?;
        let spec = match &envelope.spec {
            Value::Null => VerifyTerminalsSpec::default(),
            spec => read("spec", spec)?,
        };
        Ok(Self {
            name: envelope.name(),
            spec,
        })
    }
}

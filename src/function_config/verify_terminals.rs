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
    /// The requested settings.
    pub spec: VerifyTerminalsSpec,
}

/// What the user asks for. Every field is optional.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    default,
    expecting = "a mapping with the fields of a VerifyTerminals' spec"
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VerifyTerminalsSpec {
    /// Which runners of the list. All of them when not set.
    pub runner: RunnerSelector,
    /// The name of the container that runs gitlab-runner. The one whose image or command is that of
    /// gitlab-runner when not set.
    #[serde(deserialize_with = "unset_when_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub container: Option<String>,
    /// The object that holds the runner's `config.toml`, if the manifests do not tell. It applies to
    /// one runner. The one that is mounted at the path that the runner reads when not set.
    pub config: Option<ConfigReference>,
    /// Fail for a runner whose session server is off or has no address yet. With `false`, that is a
    /// warning, because the first of the two steps has no address.
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

//! `spec.configure`: when the runner's `config.toml` gets its session server.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::AddressKind;
use crate::exposure::IpFamily;
use crate::fields::{ConfigError, Seconds, check_resources, unset_when_empty};

/// When and how the runner's `config.toml` gets its `[session_server]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    default,
    expecting = "a mapping such as {at: PodStart, image: registry.example.com/runner-terminal:0.2.0}"
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConfigureSpec {
    /// When `[session_server]` is written. `Build` when not set.
    pub at: ConfigureAt,
    /// With `at: PodStart`, which requires it: the image of the init container, which is that of
    /// runner-terminal.
    #[serde(deserialize_with = "unset_when_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub image: Option<String>,
    /// With `at: PodStart`: `imagePullPolicy` of the init container. The cluster's when not set.
    #[serde(deserialize_with = "unset_when_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<PullPolicy>"))]
    pub image_pull_policy: Option<PullPolicy>,
    /// With `at: PodStart`: `resources` of the init container, such as {limits: {memory: 32Mi}}.
    pub resources: Option<Map<String, Value>>,
    /// With `at: PodStart`: how long a pod waits for its address. 2m when not set.
    pub timeout: Option<Seconds>,
    /// With `at: PodStart`: what to do if there is no address by then. `Disable` when not set.
    pub when_pending: Option<StartWhenPending>,
    /// With `at: PodStart`: which of several addresses to use, in order of preference.
    /// [Hostname, IP] when not set.
    pub prefer: Option<Vec<AddressKind>>,
    /// With `at: PodStart`: use IP addresses of this family only.
    #[serde(deserialize_with = "unset_when_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<IpFamily>"))]
    pub ip_family: Option<IpFamily>,
}

/// When `config.toml` gets its `[session_server]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ConfigureAt {
    /// When the manifests are built: the function edits the object that holds the file. The function
    /// AdvertiseAddress fills in an address that only the cluster knows.
    #[default]
    Build,
    /// When a pod starts: an init container waits for the address and edits the file, wherever it
    /// comes from. No AdvertiseAddress is needed.
    PodStart,
}

/// What an init container does when there is no address in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum StartWhenPending {
    /// The runner starts without terminals, and the log of the init container says why.
    #[default]
    Disable,
    /// The init container fails, and Kubernetes starts it again.
    Fail,
}

/// When a node pulls an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum PullPolicy {
    /// Each time a pod starts.
    Always,
    /// If the node does not have it.
    IfNotPresent,
    /// Not at all: the node must have it already.
    Never,
}

impl StartWhenPending {
    /// The spelling on the command line of `runner-terminal configure`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "Disable",
            Self::Fail => "Fail",
        }
    }
}

impl ConfigureSpec {
    /// True if an init container configures the session server.
    pub fn is_at_pod_start(&self) -> bool {
        self.at == ConfigureAt::PodStart
    }

    /// How long a pod waits for its address.
    pub fn timeout(&self) -> Seconds {
        self.timeout.unwrap_or(Seconds(120))
    }

    /// Checks the fields against each other.
    ///
    /// # Errors
    /// A field that is missing, or that has no effect.
    pub(super) fn check(&self, path: &str) -> Result<(), ConfigError> {
        let set = [
            ("image", self.image.is_some()),
            ("imagePullPolicy", self.image_pull_policy.is_some()),
            ("resources", self.resources.is_some()),
            ("timeout", self.timeout.is_some()),
            ("whenPending", self.when_pending.is_some()),
            ("prefer", self.prefer.is_some()),
            ("ipFamily", self.ip_family.is_some()),
        ];
        if !self.is_at_pod_start() {
            return match set.iter().find(|(_, is_set)| *is_set) {
                Some((field, _)) => Err(ConfigError::new(
                    format!("{path}.{field}"),
                    "is read with at: PodStart only; set that, or leave the field out",
                )),
                None => Ok(()),
            };
        }
        let Some(image) = &self.image else {
            return Err(ConfigError::new(
                format!("{path}.image"),
                "is missing: with at: PodStart an init container runs runner-terminal, so name its \
                 image, such as registry.example.com/runner-terminal:0.2.0",
            ));
        };
        if image.contains(char::is_whitespace) || image.contains("://") {
            return Err(ConfigError::new(
                format!("{path}.image"),
                format!("{image:?} is not the name of an image"),
            ));
        }
        if let Some(resources) = &self.resources {
            check_resources(resources, &format!("{path}.resources"))?;
        }
        if self.prefer.as_ref().is_some_and(Vec::is_empty) {
            return Err(ConfigError::new(
                format!("{path}.prefer"),
                "is empty, so no address would ever do: name Hostname, IP or both",
            ));
        }
        Ok(())
    }
}

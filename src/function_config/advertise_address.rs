//! `kind: AdvertiseAddress`

use serde::Deserialize;
use serde_json::Value;

use super::Envelope;
use crate::address::Address;
use crate::exposure::IpFamily;
use crate::fields::{
    ConfigError, ConfigReference, RunnerSelector, Seconds, read, unset_when_empty,
};

/// Fills in the address that a session server's live Service has been given.
#[derive(Clone, Debug, PartialEq)]
pub struct AdvertiseAddress {
    /// `metadata.name`
    pub name: String,
    /// The requested settings.
    pub spec: AdvertiseAddressSpec,
}

/// What the user asks for. Every field is optional.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    default,
    expecting = "a mapping with the fields of an AdvertiseAddress's spec"
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AdvertiseAddressSpec {
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
    /// Where the address comes from. `Auto` when not set.
    pub source: Source,
    /// With `source: Static`: `host`, `host:port` or `[v6]:port`, without a scheme.
    #[serde(deserialize_with = "unset_when_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub address: Option<String>,
    /// What to do while the Service is absent or has no address. `Disable` when not set.
    pub when_pending: WhenPending,
    /// With `whenPending: Wait`: how long to wait. 5m when not set.
    pub timeout: Option<Seconds>,
    /// Which of several addresses to use, in order of preference. [Hostname, IP] when not set.
    pub prefer: Vec<AddressKind>,
    /// Use IP addresses of this family only.
    #[serde(deserialize_with = "unset_when_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<IpFamily>"))]
    pub ip_family: Option<IpFamily>,
    /// The kubeconfig file for reading the cluster. The files in KUBECONFIG, else ~/.kube/config,
    /// else the service account of the pod when not set.
    #[serde(deserialize_with = "unset_when_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub kubeconfig: Option<String>,
    /// The context of the kubeconfig. Its current one when not set.
    #[serde(deserialize_with = "unset_when_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub context: Option<String>,
}

/// Where an address comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Source {
    /// A live Service among the items, else the cluster.
    #[default]
    Auto,
    /// The cluster only, which the `runner-terminal` command reads.
    Cluster,
    /// A live Service among the items only: with its `status`, as `kubectl get service -o yaml`
    /// prints it.
    Items,
    /// The `address` field.
    Static,
}

/// What to do while there is no address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum WhenPending {
    /// Leave terminals off and warn: jobs run, and no button is broken.
    #[default]
    Disable,
    /// Fail.
    Fail,
    /// Wait until the Service has an address, and fail if it has none within `timeout`. A Service
    /// that does not exist yet is handled as with `Disable`, because only the apply creates it.
    Wait,
}

/// A kind of address in a load balancer's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum AddressKind {
    /// A DNS name.
    Hostname,
    /// An IP address.
    #[serde(rename = "IP")]
    #[cfg_attr(feature = "schema", schemars(rename = "IP"))]
    Ip,
}

impl Default for AdvertiseAddressSpec {
    fn default() -> Self {
        Self {
            runner: RunnerSelector::default(),
            container: None,
            config: None,
            source: Source::Auto,
            address: None,
            when_pending: WhenPending::Disable,
            timeout: None,
            prefer: vec![AddressKind::Hostname, AddressKind::Ip],
            ip_family: None,
            kubeconfig: None,
            context: None,
        }
    }
}

impl AdvertiseAddressSpec {
    /// How long to wait with [`WhenPending::Wait`].
    pub fn timeout(&self) -> Seconds {
        self.timeout.unwrap_or(Seconds(300))
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.check_address()?;
        if let Some(config) = &self.config {
            config.check()?;
        }
        if self.prefer.is_empty() {
            return Err(ConfigError::new(
                "spec.prefer",
                "is empty, so no address would ever do: name Hostname, IP or both",
            ));
        }
        let waits = self.when_pending == WhenPending::Wait;
        if self.timeout.is_some() && !waits {
            return Err(ConfigError::new(
                "spec.timeout",
                "is read with whenPending: Wait only; set that, or leave the timeout out",
            ));
        }
        if matches!(self.source, Source::Auto | Source::Cluster) {
            return Ok(());
        }
        let of_cluster = [
            ("spec.kubeconfig", self.kubeconfig.is_some(), "is read"),
            ("spec.context", self.context.is_some(), "is read"),
            ("spec.whenPending", waits, "can be Wait"),
        ];
        match of_cluster.iter().find(|(_, is_set, _)| *is_set) {
            Some((field, _, what)) => Err(ConfigError::new(
                *field,
                format!("{what} with source: Auto or Cluster only: nothing else asks a cluster"),
            )),
            None => Ok(()),
        }
    }

    fn check_address(&self) -> Result<(), ConfigError> {
        let message = match (&self.address, self.source) {
            (Some(address), Source::Static) => match Address::parse(address) {
                Ok(_) => return Ok(()),
                Err(error) => error.to_string(),
            },
            (None, Source::Static) => {
                "source is Static, so an address is needed: host, host:port or [v6]:port".to_owned()
            }
            (Some(_), _) => {
                "is read with source: Static only; set that, or leave the address out".to_owned()
            }
            (None, _) => return Ok(()),
        };
        Err(ConfigError::new("spec.address", message))
    }
}

impl AdvertiseAddress {
    /// Reads a functionConfig of this kind.
    ///
    /// # Errors
    /// An unknown field, a value of the wrong type, or fields that contradict each other.
    pub fn parse(value: &Value) -> Result<Self, ConfigError> {
        let envelope: Envelope = read("", value)?;
        let spec: AdvertiseAddressSpec = match &envelope.spec {
            Value::Null => AdvertiseAddressSpec::default(),
            spec => read("spec", spec)?,
        };
        spec.check()?;
        Ok(Self {
            name: envelope.name(),
            spec,
        })
    }
}

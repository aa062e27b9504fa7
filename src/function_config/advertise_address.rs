//! `kind: AdvertiseAddress`

use serde::Deserialize;
use serde_json::Value;

use super::{ConfigError, Envelope, RunnerSelector, read, unset_when_empty};
use crate::address::Address;
use crate::exposure::IpFamily;

/// Fills in the address that a session server's live Service has been given.
#[derive(Clone, Debug, PartialEq)]
pub struct AdvertiseAddress {
    /// `metadata.name`
    pub name: String,
    /// What is asked for.
    pub spec: AdvertiseAddressSpec,
}

/// What is asked for. Every field may be left out.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    default,
    expecting = "a mapping with the fields of an AdvertiseAddress's spec"
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AdvertiseAddressSpec {
    /// Which runners of the list; all of them when empty.
    pub runner: RunnerSelector,
    /// The container that runs gitlab-runner, where it cannot be told by its image or command.
    #[serde(deserialize_with = "unset_when_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub container: Option<String>,
    /// Where the address comes from.
    pub source: Source,
    /// With `source: Static`: host, host:port or [v6]:port, without a scheme.
    #[serde(deserialize_with = "unset_when_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub address: Option<String>,
    /// What to do while the Service is absent or has no address.
    pub when_pending: WhenPending,
    /// Which to take of an address that has both a host name and an IP, and of several addresses.
    pub prefer: Vec<AddressKind>,
    /// Take IP addresses of this family only.
    #[serde(deserialize_with = "unset_when_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<IpFamily>"))]
    pub ip_family: Option<IpFamily>,
}

/// Where an address comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Source {
    /// A live Service among the items, or what the host has read from the cluster for this run.
    #[default]
    Auto,
    /// What the host has read from the cluster for this run, alone.
    Cluster,
    /// A live Service among the items alone: with its `status`, as `kubectl get service -o yaml`
    /// prints it.
    Items,
    /// The `address` field.
    Static,
}

/// What to do while there is no address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum WhenPending {
    /// Leave the session server off: jobs run, and there is no broken button.
    #[default]
    Disable,
    /// Fail.
    Fail,
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
            source: Source::Auto,
            address: None,
            when_pending: WhenPending::Disable,
            prefer: vec![AddressKind::Hostname, AddressKind::Ip],
            ip_family: None,
        }
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
        match (&spec.address, spec.source) {
            (Some(address), Source::Static) => {
                Address::parse(address)
                    .map_err(|error| ConfigError::new("spec.address", error.to_string()))?;
            }
            (None, Source::Static) => {
                return Err(ConfigError::new(
                    "spec.address",
                    "source is Static, so an address is needed: host, host:port or [v6]:port",
                ));
            }
            (Some(_), _) => {
                return Err(ConfigError::new(
                    "spec.address",
                    "is read with source: Static only; set that, or leave the address out",
                ));
            }
            (None, _) => {}
        }
        if spec.prefer.is_empty() {
            return Err(ConfigError::new(
                "spec.prefer",
                "is empty, so no address would ever do: name Hostname, IP or both",
            ));
        }
        Ok(Self {
            name: envelope.name(),
            spec,
        })
    }
}

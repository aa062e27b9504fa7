//! Hosts as users name them.

use serde::{Deserialize, Deserializer};

use super::{AddressSource, ExposureContext, refuse};
use crate::address::{Address, Host};
use krm::results::Refusal;

/// A host name or an IP address, without a port.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(transparent)
)]
pub struct NodeAddress(#[cfg_attr(feature = "schema", schemars(with = "String"))] Host);

impl NodeAddress {
    /// host:port, with an IPv6 host in brackets.
    pub fn with_port(&self, port: u16) -> String {
        let address = Address {
            host: self.0.clone(),
            port: None,
        };
        address.with_default_port(port)
    }
}

impl std::fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for NodeAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match Address::parse(&text) {
            Ok(Address { host, port: None }) => Ok(Self(host)),
            Ok(_) => Err(serde::de::Error::custom(format!(
                "{text:?} has a port: give the host alone"
            ))),
            Err(error) => Err(serde::de::Error::custom(error)),
        }
    }
}

/// Placeholder for the number of the shard.
const INDEX: &str = "{index}";

/// A DNS name, by which a proxy tells one backend from another (SNI, RFC 6066).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(transparent)
)]
pub struct HostName(String);

impl HostName {
    /// The name of this runner.
    pub(super) fn of(&self, context: ExposureContext<'_>) -> String {
        self.0
            .replace(INDEX, &context.shard.unwrap_or(0).to_string())
    }

    /// The address at this name.
    ///
    /// # Errors
    /// The runner is a shard, and the name has no placeholder for its number.
    pub(super) fn address_source(
        &self,
        context: ExposureContext<'_>,
        port: u16,
    ) -> Result<AddressSource, Refusal> {
        self.check(context)?;
        Ok(AddressSource::Known(format!("{}:{port}", self.of(context))))
    }

    /// Refuses one name for all shards.
    fn check(&self, context: ExposureContext<'_>) -> Result<(), Refusal> {
        if context.shard.is_none() || self.0.contains(INDEX) {
            return Ok(());
        }
        Err(refuse(
            context,
            "metadata.name",
            format!(
                "is one of several shards, and all would have the host {}: write {INDEX} into \
                 spec.exposure.host, such as {INDEX}.terminals.example.com",
                self.0
            ),
        ))
    }
}

impl<'de> Deserialize<'de> for HostName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match Address::parse(&text.replace(INDEX, "0")) {
            Ok(Address {
                host: Host::Name(name),
                port: None,
            }) if name.contains('_') => Err(serde::de::Error::custom(format!(
                "{text:?} has an underscore, which no Ingress, no Gateway and no certificate takes: \
                 give a name without it"
            ))),
            Ok(Address {
                host: Host::Name(name),
                port: None,
            }) if name.contains('.') => {
                let text = text.trim().to_ascii_lowercase();
                Ok(Self(text.strip_suffix('.').unwrap_or(&text).to_owned()))
            }
            Ok(Address {
                host: Host::Ip(_), ..
            }) => Err(serde::de::Error::custom(format!(
                "{text:?} is an IP address, and a client names none in TLS (SNI), so that nothing \
                 tells this runner from others: give a DNS name"
            ))),
            Ok(_) => Err(serde::de::Error::custom(format!(
                "{text:?} is not a DNS name: write the host alone, such as terminal.example.com"
            ))),
            Err(error) => Err(serde::de::Error::custom(error)),
        }
    }
}

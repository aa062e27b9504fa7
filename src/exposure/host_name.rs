//! Hosts as users name them.

use serde::{Deserialize, Deserializer};

use crate::address::{Address, Host};

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
        match &self.0 {
            Host::Name(name) => f.write_str(name),
            Host::Ip(ip) => ip.fmt(f),
        }
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

/// A DNS name, by which a proxy tells one backend from another (SNI, RFC 6066).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(transparent)
)]
pub struct HostName(String);

impl HostName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// host:port
    pub fn with_port(&self, port: u16) -> String {
        format!("{}:{port}", self.0)
    }
}

impl<'de> Deserialize<'de> for HostName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match Address::parse(&text) {
            Ok(Address {
                host: Host::Name(name),
                port: None,
            }) if name.contains('.') => Ok(Self(name)),
            Ok(Address {
                host: Host::Ip(_), ..
            }) => Err(serde::de::Error::custom(format!(
                "{text:?} is an IP address, and a client names none in TLS (SNI), so that nothing \
                 tells this runner from others: give a DNS name"
            ))),
            Ok(_) => Err(serde::de::Error::custom(format!(
                "{text:?} is no DNS name of a host: write it alone, such as terminal.example.com"
            ))),
            Err(error) => Err(serde::de::Error::custom(error)),
        }
    }
}

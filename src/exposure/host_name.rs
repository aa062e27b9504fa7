//! Hosts as users name them.

use serde::{Deserialize, Deserializer};

use super::{AddressSource, ExposureContext, refuse};
use crate::address::{Address, AddressError, Host};
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
            Err(AddressError::Scheme(scheme)) => Err(serde::de::Error::custom(format!(
                "write the host alone, without {scheme:?}"
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

    /// The address with this host name.
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

    /// Refuses a single name for all shards.
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
                "{text:?} is an IP address, and clients send none in TLS (SNI), so this runner could \
                 not be told from others: give a DNS name"
            ))),
            Ok(_) => Err(serde::de::Error::custom(format!(
                "{text:?} is not a DNS name: write the host alone, such as terminal.example.com"
            ))),
            Err(error) => Err(serde::de::Error::custom(error)),
        }
    }
}

/// Placeholder for the name of the pod.
const POD: &str = "{pod}";

/// A DNS name of each pod: its own name, below a domain. Written `{pod}.DOMAIN`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(transparent)
)]
pub struct PodHost(
    #[cfg_attr(feature = "schema", schemars(regex(pattern = r"^\{pod\}\.")))] String,
);

impl PodHost {
    /// The domain above the pods' names.
    pub fn domain(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for PodHost {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let refuse = |what: &str| {
            Err(serde::de::Error::custom(format!(
                "{text:?} {what}: write {POD} and a domain, such as {POD}.terminals.example.com"
            )))
        };
        let domain = text.trim().strip_prefix(POD);
        let Some(domain) = domain.and_then(|rest| rest.strip_prefix('.')) else {
            return refuse("does not begin with the name of the pod, by which the relay finds it");
        };
        if domain.contains(POD) {
            return refuse("names the pod twice");
        }
        match Address::parse(&format!("p.{domain}")) {
            Ok(Address {
                host: Host::Name(_),
                port: Some(_),
            }) => refuse("has a port, which is set by spec.exposure.port"),
            Ok(Address {
                host: Host::Name(name),
                port: None,
            }) if name.contains('_') => {
                refuse("has an underscore, which no Ingress, no Gateway and no certificate takes")
            }
            Ok(Address {
                host: Host::Name(name),
                port: None,
            }) if name.len() > "p.".len() => Ok(Self(name.chars().skip("p.".len()).collect())),
            _ => refuse("is not a DNS name"),
        }
    }
}

/// Takes the place of a host that another field sets: it must not be set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub(super) struct NoHost;

impl<'de> Deserialize<'de> for NoHost {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // serde defaults a missing field to `None` only if its type is an Option.
        match Option::<serde::de::IgnoredAny>::deserialize(deserializer)? {
            None => Ok(Self),
            Some(_) => Err(serde::de::Error::custom(
                "is the wildcard of spec.exposure.host already: leave it out",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(host: &str) -> Result<String, String> {
        let host = serde_json::from_value::<PodHost>(serde_json::json!(host));
        host.map(|host| host.domain().to_owned())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn each_pod_has_a_name_below_a_domain() {
        for (host, expected) in [
            ("{pod}.terminals.example.com", "terminals.example.com"),
            (
                "{pod}.team-a.Terminals.example.com.",
                "team-a.terminals.example.com",
            ),
            (" {pod}.terminals ", "terminals"),
        ] {
            assert_eq!(domain(host).as_deref(), Ok(expected), "{host}");
        }
        let long = format!("{{pod}}.{}.example.com", "a".repeat(64));
        for (host, word) in [
            ("terminals.example.com", "does not begin with"),
            ("*.terminals.example.com", "does not begin with"),
            ("{pod}", "does not begin with"),
            ("{pod}-a.example.com", "does not begin with"),
            ("a.{pod}.example.com", "does not begin with"),
            ("{pod}.", "is not a DNS name"),
            ("{pod}.{pod}.example.com", "names the pod twice"),
            ("{pod}.{index}.example.com", "is not a DNS name"),
            ("{pod}.example.com:443", "has a port"),
            ("{pod}.exa_mple.com", "underscore"),
            ("{pod}.192.0.2.7", "is not a DNS name"),
            ("{pod}..example.com", "is not a DNS name"),
            (&long, "is not a DNS name"),
        ] {
            let error = domain(host).unwrap_err();
            assert!(error.contains(word), "{host}: {error}");
        }
    }
}

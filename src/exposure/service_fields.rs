//! The fields that a Service may have with every type of exposure.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use super::set_members;
use crate::fields::{ConfigError, metadata, read, unset_when_empty};

/// What every Service may have. Fields of `spec` are those of the Service's own API, which documents
/// them; each is left out of the Service when it is not set here.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServiceFields {
    /// Annotations for the Service, such as those that configure a cloud's load balancer. It must
    /// pass TCP through unchanged: if it terminates TLS, the terminal breaks.
    #[serde(deserialize_with = "annotations")]
    pub annotations: BTreeMap<String, String>,
    /// Labels for the Service, beside those of the runner's workload.
    pub labels: BTreeMap<String, String>,
    /// `spec.internalTrafficPolicy`
    #[serde(deserialize_with = "unset_when_empty")]
    pub internal_traffic_policy: Option<TrafficPolicy>,
    /// `spec.ipFamilyPolicy`
    #[serde(deserialize_with = "unset_when_empty")]
    pub ip_family_policy: Option<IpFamilyPolicy>,
    /// `spec.ipFamilies`
    pub ip_families: Vec<IpFamily>,
}

/// The names of the fields above.
pub(super) const NAMES: [&str; 5] = [
    "annotations",
    "labels",
    "internalTrafficPolicy",
    "ipFamilyPolicy",
    "ipFamilies",
];

impl ServiceFields {
    /// Takes these fields out of an exposure's fields, and parses them.
    ///
    /// # Errors
    /// A value of the wrong type, or an annotation that breaks terminals.
    pub(super) fn take(path: &str, fields: &mut Map<String, Value>) -> Result<Self, ConfigError> {
        let taken: Map<String, Value> = NAMES
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), fields.shift_remove(*name)?)))
            .collect();
        let fields: Self = read(path, &Value::Object(taken))?;
        metadata::check_annotations(&format!("{path}.annotations"), &fields.annotations)?;
        metadata::check_labels(&format!("{path}.labels"), &fields.labels)?;
        Ok(fields)
    }

    /// The fields of the Service's `spec` that are set.
    pub(super) fn spec(&self) -> Map<String, Value> {
        set_members([
            ("internalTrafficPolicy", json!(self.internal_traffic_policy)),
            ("ipFamilyPolicy", json!(self.ip_family_policy)),
            ("ipFamilies", json!(self.ip_families)),
        ])
    }
}

/// Annotations that make a load balancer terminate TLS or speak the PROXY protocol.
///
/// Source: the annotations' pages of the AWS Load Balancer Controller, of the cloud controller
/// managers of AWS, DigitalOcean and Hetzner, and of OpenStack.
const BREAKING: [(&str, &str); 10] = [
    ("service.beta.kubernetes.io/aws-load-balancer-ssl-cert", TLS),
    (
        "service.beta.kubernetes.io/aws-load-balancer-ssl-ports",
        TLS,
    ),
    (
        "service.beta.kubernetes.io/aws-load-balancer-backend-protocol",
        TLS,
    ),
    (
        "service.beta.kubernetes.io/do-loadbalancer-certificate-id",
        TLS,
    ),
    ("service.beta.kubernetes.io/do-loadbalancer-tls-ports", TLS),
    ("load-balancer.hetzner.cloud/http-certificates", TLS),
    (
        "service.beta.kubernetes.io/aws-load-balancer-proxy-protocol",
        PROXY,
    ),
    (
        "service.beta.kubernetes.io/do-loadbalancer-enable-proxy-protocol",
        PROXY,
    ),
    ("load-balancer.hetzner.cloud/uses-proxyprotocol", PROXY),
    ("loadbalancer.openstack.org/proxy-protocol", PROXY),
];
const TLS: &str =
    "makes the load balancer terminate TLS, and GitLab trusts only the runner's own certificate";
const PROXY: &str =
    "makes the load balancer speak the PROXY protocol, which the session server does not";

fn annotations<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let annotations = BTreeMap::<String, String>::deserialize(deserializer)?;
    for (name, why) in BREAKING {
        let is_off = |value: &str| matches!(value, "" | "false" | "tcp");
        if annotations.get(name).is_some_and(|value| !is_off(value)) {
            return Err(serde::de::Error::custom(format!(
                "{name} {why}: leave it out"
            )));
        }
    }
    Ok(annotations)
}

/// Where traffic may go once it has reached a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum TrafficPolicy {
    /// To any node.
    Cluster,
    /// To pods of this node only; keeps the client's address.
    Local,
}

/// How many IP families a Service has.
#[allow(clippy::enum_variant_names, reason = "the names are the Service API's")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum IpFamilyPolicy {
    /// One.
    SingleStack,
    /// Two where the cluster has two.
    PreferDualStack,
    /// Two.
    RequireDualStack,
}

/// An IP family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum IpFamily {
    /// IPv4
    IPv4,
    /// IPv6
    IPv6,
}

/// A network in CIDR notation: `192.0.2.0/24`, `2001:db8::/32`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(transparent)
)]
pub struct Cidr(String);

/// The address and the prefix length of a network.
fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (ip, length) = text.split_once('/')?;
    let ip: IpAddr = ip.parse().ok()?;
    let is_number = length.chars().all(|c| c.is_ascii_digit());
    let length: u8 = length.parse().ok()?;
    let most = if ip.is_ipv4() { 32 } else { 128 };
    (is_number && length <= most).then_some((ip, length))
}

impl Cidr {
    /// True if `inner` is inside this network.
    pub(crate) fn holds(&self, inner: &Self) -> bool {
        // The bits of an address, most significant first.
        let bits = |ip: IpAddr| match ip {
            IpAddr::V4(ip) => u128::from(u32::from(ip)) << 96,
            IpAddr::V6(ip) => u128::from(ip),
        };
        let (Some((outer, length)), Some((inner, inner_length))) =
            (network(&self.0), network(&inner.0))
        else {
            return false;
        };
        let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
        outer.is_ipv4() == inner.is_ipv4()
            && inner_length > length
            && (bits(outer) & mask) == (bits(inner) & mask)
    }
}

impl std::fmt::Display for Cidr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Cidr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if network(&text).is_some() {
            Ok(Self(text))
        } else {
            Err(serde::de::Error::custom(format!(
                "{text:?} is not a network: write it in CIDR notation, such as 192.0.2.0/24"
            )))
        }
    }
}

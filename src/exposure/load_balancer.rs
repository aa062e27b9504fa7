//! `type: LoadBalancer`: a Service that the cloud gives an address.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use crate::function_config::{Port, unset_when_empty};

/// A Service of type LoadBalancer. The fields are those of the Service's own API, which documents
/// them; each is left out of the Service when it is not set here.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LoadBalancer {
    /// The port of the load balancer. 9000 when not set.
    pub port: Option<Port>,
    /// Annotations for the Service, such as those that configure a cloud's load balancer. It must
    /// hand on TCP: a load balancer that ends TLS breaks the terminal.
    pub annotations: BTreeMap<String, String>,
    /// Labels for the Service, beside those of the runner's workload.
    pub labels: BTreeMap<String, String>,
    /// `spec.loadBalancerClass`
    #[serde(deserialize_with = "unset_when_empty")]
    pub load_balancer_class: Option<String>,
    /// `spec.loadBalancerSourceRanges`: the networks that may connect, in CIDR notation. GitLab's
    /// must be among them.
    pub load_balancer_source_ranges: Vec<Cidr>,
    /// `spec.externalTrafficPolicy`
    #[serde(deserialize_with = "unset_when_empty")]
    pub external_traffic_policy: Option<TrafficPolicy>,
    /// `spec.internalTrafficPolicy`
    #[serde(deserialize_with = "unset_when_empty")]
    pub internal_traffic_policy: Option<TrafficPolicy>,
    /// `spec.ipFamilyPolicy`
    #[serde(deserialize_with = "unset_when_empty")]
    pub ip_family_policy: Option<IpFamilyPolicy>,
    /// `spec.ipFamilies`
    pub ip_families: Vec<IpFamily>,
    /// `spec.allocateLoadBalancerNodePorts`
    pub allocate_load_balancer_node_ports: Option<bool>,
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

impl<'de> Deserialize<'de> for Cidr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let fits = text.split_once('/').is_some_and(|(ip, length)| {
            let most = match ip.parse::<IpAddr>() {
                Ok(IpAddr::V4(_)) => 32,
                Ok(IpAddr::V6(_)) => 128,
                Err(_) => return false,
            };
            length.parse::<u8>().is_ok_and(|length| length <= most)
        });
        if fits {
            Ok(Self(text))
        } else {
            Err(serde::de::Error::custom(format!(
                "{text:?} is no network: write it in CIDR notation, such as 192.0.2.0/24"
            )))
        }
    }
}

impl LoadBalancer {
    pub(super) fn service_spec(&self) -> Map<String, Value> {
        let all = json!({
            "type": "LoadBalancer",
            "loadBalancerClass": self.load_balancer_class,
            "loadBalancerSourceRanges": self.load_balancer_source_ranges,
            "externalTrafficPolicy": self.external_traffic_policy,
            "internalTrafficPolicy": self.internal_traffic_policy,
            "ipFamilyPolicy": self.ip_family_policy,
            "ipFamilies": self.ip_families,
            "allocateLoadBalancerNodePorts": self.allocate_load_balancer_node_ports,
        });
        let Value::Object(fields) = all else {
            return Map::new();
        };
        let is_set =
            |value: &Value| !value.is_null() && value.as_array().is_none_or(|a| !a.is_empty());
        fields
            .into_iter()
            .filter(|(_, value)| is_set(value))
            .collect()
    }
}

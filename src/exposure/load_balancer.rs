//! `type: LoadBalancer`: a Service that the cloud gives an address.

use std::net::IpAddr;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    AddressSource, Cidr, ExposureContext, ExposureStrategy, SERVICE_PORT, TrafficPolicy,
    set_members,
};
use crate::address::{Address, Host};
use crate::fields::{ConfigError, Port, unset_when_empty};
use krm::results::Refusal;

/// A Service of type LoadBalancer. The fields are those of the Service's own API, which documents
/// them, unless it says otherwise here; each is left out of the Service when it is not set here.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LoadBalancer {
    /// The port of the load balancer. 9000 when not set.
    pub port: Option<Port>,
    /// The cloud or load balancer, whose own annotations are set: for one that passes TCP through unchanged.
    #[serde(deserialize_with = "unset_when_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Cloud>"))]
    pub cloud: Option<Cloud>,
    /// With `cloud`: reachable from inside the cloud's network only.
    pub internal: bool,
    /// An IP address that is reserved for this load balancer. It is advertised at once.
    #[serde(rename = "loadBalancerIP", deserialize_with = "unset_when_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub load_balancer_ip: Option<IpAddr>,
    /// `spec.loadBalancerClass`
    #[serde(deserialize_with = "unset_when_empty")]
    pub load_balancer_class: Option<String>,
    /// `spec.loadBalancerSourceRanges`: the networks that may connect, in CIDR notation. GitLab's
    /// must be among them.
    pub load_balancer_source_ranges: Vec<Cidr>,
    /// `spec.externalTrafficPolicy`
    #[serde(deserialize_with = "unset_when_empty")]
    pub external_traffic_policy: Option<TrafficPolicy>,
    /// `spec.allocateLoadBalancerNodePorts`
    pub allocate_load_balancer_node_ports: Option<bool>,
}

/// A cloud, or a load balancer of one's own, with annotations of its own.
#[allow(clippy::upper_case_acronyms, reason = "the names are the clouds' own")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Cloud {
    /// A Network Load Balancer by the AWS Load Balancer Controller.
    ///
    /// Source: its guide, "Network Load Balancer" and "Annotations" of Services.
    AWS,
    /// A passthrough Network Load Balancer of Google's.
    ///
    /// Source: GKE's documentation, "LoadBalancer Service parameters".
    GKE,
    /// A Standard Load Balancer of Azure's.
    ///
    /// Source: AKS's documentation, "Use a public Standard Load Balancer" and "internal load
    /// balancer"; the cloud provider's, "LoadBalancer annotations".
    AKS,
    /// MetalLB.
    ///
    /// Source: its documentation, "Usage".
    MetalLB,
}

impl LoadBalancer {
    pub(super) fn check(&self, path: &str) -> Result<(), ConfigError> {
        let internal = format!("{path}.internal");
        match (self.cloud, self.internal) {
            (None, true) => {
                return Err(ConfigError::new(
                    internal,
                    "is read with cloud only: each has its own annotation for it",
                ));
            }
            (Some(Cloud::MetalLB), true) => {
                return Err(ConfigError::new(
                    internal,
                    "MetalLB has no such setting: choose an address pool by the annotation \
                     metallb.io/address-pool",
                ));
            }
            _ => {}
        }
        if let Some(ip) = self.load_balancer_ip {
            Address::parse(&ip.to_string()).map_err(|error| {
                ConfigError::new(format!("{path}.loadBalancerIP"), error.to_string())
            })?;
        }
        if self.cloud == Some(Cloud::AWS) && self.load_balancer_ip.is_some() {
            return Err(ConfigError::new(
                format!("{path}.loadBalancerIP"),
                "AWS takes no IP address: allocate Elastic IPs and name them by the annotation \
                 service.beta.kubernetes.io/aws-load-balancer-eip-allocations, with \
                 spec.advertiseAddress",
            ));
        }
        Ok(())
    }

    /// The port of the load balancer.
    pub(super) fn port(&self) -> u16 {
        self.port.map_or(SERVICE_PORT, |port| port.0)
    }

    /// True if the reserved IP goes into `spec.loadBalancerIP` rather than an annotation.
    fn has_ip_in_spec(&self) -> bool {
        matches!(self.cloud, None | Some(Cloud::GKE))
    }
}

impl ExposureStrategy for LoadBalancer {
    fn service_spec(&self) -> Map<String, Value> {
        let ip = self.load_balancer_ip.filter(|_| self.has_ip_in_spec());
        set_members([
            ("type", json!("LoadBalancer")),
            ("loadBalancerClass", json!(self.load_balancer_class)),
            ("loadBalancerIP", json!(ip)),
            (
                "loadBalancerSourceRanges",
                json!(self.load_balancer_source_ranges),
            ),
            ("externalTrafficPolicy", json!(self.external_traffic_policy)),
            (
                "allocateLoadBalancerNodePorts",
                json!(self.allocate_load_balancer_node_ports),
            ),
        ])
    }

    fn service_port(&self, context: ExposureContext<'_>) -> u16 {
        // Shards that share a reserved IP have a port each.
        match self.load_balancer_ip {
            Some(_) => context.nth(self.port()),
            None => self.port(),
        }
    }

    fn annotations(&self) -> Vec<(String, String)> {
        let ip = self.load_balancer_ip.map(|ip| ip.to_string());
        let pairs: Vec<(&str, String)> = match (self.cloud, self.internal) {
            (Some(Cloud::AWS), internal) => {
                let scheme = if internal {
                    "internal"
                } else {
                    "internet-facing"
                };
                vec![
                    (
                        "service.beta.kubernetes.io/aws-load-balancer-type",
                        "external".to_owned(),
                    ),
                    (
                        "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type",
                        "ip".to_owned(),
                    ),
                    (
                        "service.beta.kubernetes.io/aws-load-balancer-scheme",
                        scheme.to_owned(),
                    ),
                ]
            }
            (Some(Cloud::GKE), true) => {
                vec![(
                    "networking.gke.io/load-balancer-type",
                    "Internal".to_owned(),
                )]
            }
            (Some(Cloud::GKE), false) => {
                vec![("cloud.google.com/l4-rbs", "enabled".to_owned())]
            }
            (Some(Cloud::AKS), internal) => {
                let family = match self.load_balancer_ip {
                    Some(IpAddr::V6(_)) => "service.beta.kubernetes.io/azure-load-balancer-ipv6",
                    _ => "service.beta.kubernetes.io/azure-load-balancer-ipv4",
                };
                let internal = internal.then(|| {
                    (
                        "service.beta.kubernetes.io/azure-load-balancer-internal",
                        "true".to_owned(),
                    )
                });
                internal
                    .into_iter()
                    .chain(ip.map(|ip| (family, ip)))
                    .collect()
            }
            (Some(Cloud::MetalLB), _) => ip
                .map(|ip| ("metallb.io/loadBalancerIPs", ip))
                .into_iter()
                .collect(),
            (None, _) => Vec::new(),
        };
        pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    fn address_source(&self, context: ExposureContext<'_>) -> Result<AddressSource, Refusal> {
        Ok(match self.load_balancer_ip {
            Some(ip) => {
                context.check_nth("spec.exposure.port", self.port())?;
                let address = Address {
                    host: Host::Ip(ip),
                    port: None,
                };
                AddressSource::Known(address.with_default_port(self.service_port(context)))
            }
            None => AddressSource::LiveService,
        })
    }
}

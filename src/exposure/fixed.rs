//! What only one runner can have: a port on every node, an IP address with a port, a host.

use std::net::IpAddr;

use super::{Expose as _, Exposure, Place, Way};

/// An address that a functionConfig gives to one runner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FixedAddress {
    /// A port on every node of the cluster.
    NodePort(u16),
    /// A reserved IP address, and the port of the Service.
    LoadBalancerIp(IpAddr, u16),
    /// A host by which a proxy tells one runner from another.
    Host(String),
}

/// `nodePort 31000`, for messages.
impl std::fmt::Display for FixedAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NodePort(port) => write!(f, "nodePort {port}"),
            Self::LoadBalancerIp(ip, port) => write!(f, "port {port} of the load balancer {ip}"),
            Self::Host(host) => write!(f, "host {host}"),
        }
    }
}

impl Exposure {
    /// The field that gives one runner an address of its own, and so cannot serve two.
    pub fn fixed_field(&self) -> Option<&'static str> {
        match &self.way {
            Way::NodePort(way) => way.node_port.map(|_| "spec.exposure.nodePort"),
            Way::LoadBalancer(way) => match way.load_balancer_ip {
                Some(_) => Some("spec.exposure.loadBalancerIP"),
                None => self.annotated_ip().map(|_| "spec.exposure.annotations"),
            },
            Way::Ingress(_) | Way::Gateway(_) | Way::ApiServer(_) => Some("spec.exposure.host"),
            Way::ClusterIp(_) | Way::Headless(_) => None,
        }
    }

    /// The first IP address that MetalLB's annotation asks for.
    fn annotated_ip(&self) -> Option<IpAddr> {
        let names = [
            "metallb.io/loadBalancerIPs",
            "metallb.universe.tf/loadBalancerIPs",
        ];
        let annotations = &self.service.annotations;
        let addresses = names.iter().find_map(|name| annotations.get(*name))?;
        addresses.split(',').find_map(|ip| ip.trim().parse().ok())
    }

    /// What that field gives to this runner.
    pub fn fixed_address(&self, place: Place<'_>) -> Option<FixedAddress> {
        match &self.way {
            Way::NodePort(way) => way.node_port(place).map(FixedAddress::NodePort),
            Way::LoadBalancer(way) => way
                .load_balancer_ip
                .or_else(|| self.annotated_ip())
                .map(|ip| FixedAddress::LoadBalancerIp(ip, way.service_port(place))),
            Way::Ingress(way) => Some(FixedAddress::Host(way.host.of(place))),
            Way::Gateway(way) => Some(FixedAddress::Host(way.host.of(place))),
            // The relay's host is in no route: two runners of one are told by their configurations.
            Way::ApiServer(_) | Way::ClusterIp(_) | Way::Headless(_) => None,
        }
    }
}

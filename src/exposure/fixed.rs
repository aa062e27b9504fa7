//! Addresses that only one runner can have: a port on every node, an IP address with a port, a host.

use std::net::IpAddr;

use super::{Exposure, ExposureContext, ExposureKind, ExposureStrategy as _};

/// An address that a functionConfig gives to one runner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FixedAddress {
    /// A port on every node of the cluster.
    NodePort(u16),
    /// A reserved IP address, and the port of the Service.
    LoadBalancerIp(IpAddr, u16),
    /// A host by which a proxy tells runners apart.
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
    /// The field that sets a fixed address, which two runners cannot share.
    pub fn fixed_field(&self) -> Option<&'static str> {
        match &self.kind {
            ExposureKind::NodePort(nodes) => nodes.node_port.map(|_| "spec.exposure.nodePort"),
            ExposureKind::LoadBalancer(balancer) => match balancer.load_balancer_ip {
                Some(_) => Some("spec.exposure.loadBalancerIP"),
                None => self.annotated_ip().map(|_| "spec.exposure.annotations"),
            },
            ExposureKind::Ingress(_) | ExposureKind::Gateway(_) | ExposureKind::ApiServer(_) => {
                Some("spec.exposure.host")
            }
            ExposureKind::ClusterIp(_)
            | ExposureKind::Headless(_)
            | ExposureKind::PodIp(_)
            | ExposureKind::HostPort(_)
            | ExposureKind::Relay(_) => None,
        }
    }

    /// The first IP address in MetalLB's annotation.
    fn annotated_ip(&self) -> Option<IpAddr> {
        let names = [
            "metallb.io/loadBalancerIPs",
            "metallb.universe.tf/loadBalancerIPs",
        ];
        let annotations = &self.service.annotations;
        let addresses = names.iter().find_map(|name| annotations.get(*name))?;
        addresses.split(',').find_map(|ip| ip.trim().parse().ok())
    }

    /// The fixed address of this runner.
    pub fn fixed_address(&self, context: ExposureContext<'_>) -> Option<FixedAddress> {
        match &self.kind {
            ExposureKind::NodePort(nodes) => nodes.node_port(context).map(FixedAddress::NodePort),
            ExposureKind::LoadBalancer(balancer) => balancer
                .load_balancer_ip
                .or_else(|| self.annotated_ip())
                .map(|ip| FixedAddress::LoadBalancerIp(ip, balancer.service_port(context))),
            ExposureKind::Ingress(ingress) => Some(FixedAddress::Host(ingress.host.of(context))),
            ExposureKind::Gateway(gateway) => Some(FixedAddress::Host(gateway.host.of(context))),
            // The relay's host is not in a route. Two runners with the same host are found by their
            // configurations.
            ExposureKind::ApiServer(_)
            | ExposureKind::ClusterIp(_)
            | ExposureKind::Headless(_)
            | ExposureKind::PodIp(_)
            | ExposureKind::HostPort(_)
            | ExposureKind::Relay(_) => None,
        }
    }
}

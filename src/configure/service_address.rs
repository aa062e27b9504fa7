//! The address to advertise at pod start: one of the pod's or the node's IPs, or that of the live
//! Service.

use std::net::IpAddr;

use serde_json::Value;

use crate::address::{Address, Host};
use crate::exposure::IpFamily;
use crate::function_config::{AddressKind, AdvertiseAddressSpec};
use crate::session_server::live_service::{self, Known, Resolution};
use krm::resource::Resource;

/// The options that select among addresses.
const OPTIONS: &str = "--prefer and --ip-family";

/// What to look for in a Service.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The number of the Service's port, if the Service is the user's own.
    pub port: Option<u16>,
    /// The hosts at which the node port is reachable; empty to use the Service's own address.
    pub nodes: Vec<Host>,
    /// The acceptable kinds of address, in order of preference; empty accepts both.
    pub prefer: Vec<AddressKind>,
    /// Accept only IP addresses of this family.
    pub ip_family: Option<IpFamily>,
}

/// What a Service says about its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceState {
    /// host:port
    Address(String),
    /// It has none yet, for this reason.
    Pending(String),
    /// It is being deleted, since this time.
    BeingDeleted(String),
    /// It can never have one, for this reason.
    Unusable(String),
}

impl Query {
    /// Reads the address of a live Service. `configured` is the address in the file: among equally
    /// good ones, it is kept.
    pub fn read(&self, service: &Value, configured: Option<&str>) -> ServiceState {
        let nodes = match self.host_of_nodes() {
            Ok(nodes) => nodes,
            Err(reason) => return ServiceState::Unusable(reason),
        };
        let mut spec = AdvertiseAddressSpec {
            ip_family: self.ip_family,
            ..AdvertiseAddressSpec::default()
        };
        if !self.prefer.is_empty() {
            spec.prefer.clone_from(&self.prefer);
        }
        let known = Known {
            configured,
            nodes: nodes.as_deref(),
            port: self.port,
        };
        let service = Resource::new(0, service.clone());
        match live_service::resolve(&service, &spec, known) {
            Resolution::Address(address) => ServiceState::Address(address),
            Resolution::Pending(pending) => ServiceState::Pending(pending.reason(OPTIONS)),
            Resolution::BeingDeleted { since } => ServiceState::BeingDeleted(since),
            Resolution::Refused(reason) => ServiceState::Unusable(reason),
        }
    }

    /// The host at which the node port is reached; `None` for the Service's own address.
    fn host_of_nodes(&self) -> Result<Option<String>, String> {
        if self.nodes.is_empty() {
            return Ok(None);
        }
        match self.nodes.iter().find(|host| fits(host, self.ip_family)) {
            Some(host) => Ok(Some(host.to_string())),
            None => Err(none_of_family("the addresses of the node", &self.nodes)),
        }
    }
}

/// The address of a pod or a node, chosen from its IPs.
///
/// # Errors
/// None of them is of the requested family.
pub fn of_ips(ips: &[IpAddr], ip_family: Option<IpFamily>, port: u16) -> Result<String, String> {
    let hosts: Vec<Host> = ips.iter().map(|ip| Host::Ip(ip.to_canonical())).collect();
    match hosts.iter().find(|host| fits(host, ip_family)) {
        Some(host) => Ok(Address {
            host: host.clone(),
            port: None,
        }
        .with_default_port(port)),
        None => Err(none_of_family("the IPs of --advertise-ip", &hosts)),
    }
}

fn none_of_family(what: &str, hosts: &[Host]) -> String {
    let hosts: Vec<String> = hosts.iter().map(Host::to_string).collect();
    format!(
        "none of {what} ({}) is of the family of --ip-family",
        hosts.join(", ")
    )
}

fn fits(host: &Host, ip_family: Option<IpFamily>) -> bool {
    match (host, ip_family) {
        (Host::Ip(ip), Some(family)) => ip.is_ipv6() == (family == IpFamily::IPv6),
        (Host::Ip(_) | Host::Name(_), _) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ips(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn the_first_ip_of_the_family_is_advertised() {
        let both = ips(&["192.0.2.7", "2001:db8::7"]);
        let of = |family| of_ips(&both, family, 8093);
        assert_eq!(of(None).unwrap(), "192.0.2.7:8093");
        assert_eq!(of(Some(IpFamily::IPv4)).unwrap(), "192.0.2.7:8093");
        assert_eq!(of(Some(IpFamily::IPv6)).unwrap(), "[2001:db8::7]:8093");
        let mapped = ips(&["::ffff:192.0.2.7"]);
        assert_eq!(of_ips(&mapped, None, 1).unwrap(), "192.0.2.7:1");
        let reason = of_ips(&mapped, Some(IpFamily::IPv6), 1).unwrap_err();
        assert!(reason.contains("(192.0.2.7)"), "{reason}");
    }

    fn service(spec: Value, ingress: Value) -> Value {
        let mut service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"},
            "spec": {"type": "LoadBalancer", "ports": [{"name": "session-server", "port": 9000}]},
            "status": {"loadBalancer": {"ingress": ingress}},
        });
        for (key, member) in spec.as_object().unwrap() {
            service["spec"][key] = member.clone();
        }
        service
    }

    #[test]
    fn the_rules_are_those_of_advertise_address() {
        let ingress =
            json!([{"ip": "192.0.2.7"}, {"ip": "2001:db8::7"}, {"hostname": "lb.example.com"}]);
        let live = service(json!({}), ingress);
        let read = |query: Query, configured| match query.read(&live, configured) {
            ServiceState::Address(address) => address,
            other => panic!("{other:?}"),
        };
        assert_eq!(read(Query::default(), None), "lb.example.com:9000");
        let of_ip = |ip_family| Query {
            prefer: vec![AddressKind::Ip],
            ip_family,
            ..Query::default()
        };
        assert_eq!(read(of_ip(None), None), "192.0.2.7:9000");
        assert_eq!(
            read(of_ip(None), Some("[2001:db8::7]:9000")),
            "[2001:db8::7]:9000"
        );
        assert_eq!(
            read(of_ip(Some(IpFamily::IPv6)), None),
            "[2001:db8::7]:9000"
        );
    }

    #[test]
    fn each_state_says_why() {
        let read = |live: Value| Query::default().read(&live, None);
        let none = read(service(json!({}), json!([])));
        assert!(matches!(none, ServiceState::Pending(why) if why.contains("no address yet")));
        let inside = read(service(json!({"type": "ClusterIP"}), json!([])));
        assert!(matches!(inside, ServiceState::Unusable(why) if why.contains("ClusterIP")));
        let mut deleted = service(json!({}), json!([{"ip": "192.0.2.7"}]));
        deleted["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert_eq!(
            read(deleted),
            ServiceState::BeingDeleted("2026-01-01T00:00:00Z".to_owned())
        );
        let query = Query {
            ip_family: Some(IpFamily::IPv6),
            ..Query::default()
        };
        let unfit = query.read(&service(json!({}), json!([{"ip": "192.0.2.7"}])), None);
        assert!(matches!(unfit, ServiceState::Pending(why) if why.contains("--ip-family")));
    }

    #[test]
    fn a_node_port_is_at_the_nodes_host() {
        let ports = json!({"type": "NodePort", "ports": [
            {"name": "a", "port": 80, "nodePort": 30080}, {"name": "b", "port": 9000, "nodePort": 30900},
        ]});
        let live = service(ports, json!([]));
        let query = |ip_family| Query {
            port: Some(9000),
            nodes: vec![
                Host::Ip("192.0.2.7".parse().unwrap()),
                Host::Ip("2001:db8::7".parse().unwrap()),
            ],
            ip_family,
            ..Query::default()
        };
        let address = |family| query(family).read(&live, None);
        let is = |text: &str| ServiceState::Address(text.to_owned());
        assert_eq!(address(None), is("192.0.2.7:30900"));
        assert_eq!(address(Some(IpFamily::IPv6)), is("[2001:db8::7]:30900"));
    }
}

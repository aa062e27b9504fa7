//! The address of a live Service of type LoadBalancer, by its status.
//!
//! | state of the Service | the rule |
//! |---|---|
//! | `metadata.deletionTimestamp` | refused: it is being deleted |
//! | another `spec.type` | refused, unless `spec.externalIPs` says where it answers |
//! | type NodePort | the node port at the address of the annotation [`NODE_ADDRESS`], else of a node; pending without one |
//! | no ingress entry | `spec.externalIPs`, else pending |
//! | an entry whose `ports[].error` is set for our port | skipped; pending with that error if no other is left |
//! | several entries, or an entry with both hostname and ip | the first kind of `prefer` that is present; among equals, the address that the configuration has |
//! | IPs of both families | `ipFamily` when set, else the order of `spec.ipFamilies` |
//! | `ipMode: Proxy` | as any other: it tells nodes, not clients, how to reach the address |
//! | only a hostname (AWS) | the hostname |
//!
//! Source: `LoadBalancerIngress` and `ServiceSpec` in Kubernetes' `core/v1` API.

use std::net::IpAddr;

use serde_json::Value;

use super::service::own_port;
use crate::address::{Address, Host};
use crate::exposure::{IpFamily, NODE_ADDRESS, PORT_NAME};
use crate::function_config::{AddressKind, AdvertiseAddressSpec};
use krm::resource::Resource;
use yaml_splice::pointer::At as _;

/// What a Service's status says about the address.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Resolution {
    /// host:port
    Address(String),
    /// No address yet, for this reason.
    Pending(Pending),
    /// It is being deleted.
    BeingDeleted {
        /// `metadata.deletionTimestamp`
        since: String,
    },
    /// This Service can never be used, for this reason.
    Refused(String),
}

/// Why a Service has no address yet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pending {
    /// `status.loadBalancer` is empty.
    NoAddress,
    /// Its load balancer does not serve the port.
    PortError {
        /// The Service's port.
        port: u16,
        /// `ports[].error`
        error: String,
    },
    /// None of these addresses, each with its port, matches the criteria.
    NoneFits(Vec<String>),
    /// The node port is not assigned yet.
    NoNodePort,
}

impl Pending {
    /// A clause about the Service. `choice` names the settings that select among addresses.
    pub(crate) fn reason(&self, choice: &str) -> String {
        match self {
            Self::NoAddress => "its load balancer has no address yet".to_owned(),
            Self::PortError { port, error } => {
                format!("its load balancer has an error on port {port}: {error}")
            }
            Self::NoneFits(found) => {
                let found = found.join(", ");
                format!("none of its addresses ({found}) fits {choice}")
            }
            Self::NoNodePort => "has no node port yet".to_owned(),
        }
    }
}

/// What is known of a live Service besides its status.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Known<'a> {
    /// The address in the configuration: among equally good ones, it is kept.
    pub(crate) configured: Option<&'a str>,
    /// The address of the nodes in the manifest, which may not be applied yet.
    pub(crate) nodes: Option<&'a str>,
    /// The port that leads to the session server, where the Service is the user's own.
    pub(crate) port: Option<u16>,
}

/// Reads the address of a live Service.
pub(crate) fn resolve(
    service: &Resource,
    spec: &AdvertiseAddressSpec,
    known: Known<'_>,
) -> Resolution {
    let value = &service.value;
    let since = value.at("/metadata/deletionTimestamp");
    if let Some(since) = since.and_then(Value::as_str) {
        return Resolution::BeingDeleted {
            since: since.to_owned(),
        };
    }
    if let Some(nodes) = known.nodes.or(service.annotation(NODE_ADDRESS)) {
        return at_nodes(nodes, value, known.port);
    }
    let address = balancer_port(value, known.port).and_then(|port| {
        let hosts = hosts(value, port)?;
        let host = choose(hosts, spec, value, known.configured, port)?;
        Ok(written(&host, port))
    });
    match address {
        Ok(address) => Resolution::Address(address),
        Err(reason) => reason,
    }
}

/// The port of a Service that has an address outside the cluster.
fn balancer_port(service: &Value, port: Option<u16>) -> Result<u16, Resolution> {
    let kind = service.at("/spec/type").and_then(Value::as_str);
    let kind = kind.unwrap_or("ClusterIP");
    let has_external_ip = external_ips(service).next().is_some();
    if kind != "LoadBalancer" && !has_external_ip {
        return Err(Resolution::Refused(format!(
            "is of type {kind}, which has no address outside the cluster: a type LoadBalancer is \
             needed"
        )));
    }
    our_port(service, port, "port").ok_or_else(|| {
        Resolution::Refused(format!(
            "has several ports and none named {PORT_NAME}, so it cannot be told which one to advertise"
        ))
    })
}

/// The hosts at which a Service can be reached: those of its load balancer, otherwise its external
/// IPs.
fn hosts(service: &Value, port: u16) -> Result<Vec<Host>, Resolution> {
    let entries = service.at("/status/loadBalancer/ingress");
    let entries = entries.and_then(Value::as_array);
    let entries = entries.map_or(&[][..], Vec::as_slice);
    let mut hosts: Vec<Host> = entries
        .iter()
        .filter(|entry| port_error(entry, port).is_none())
        .flat_map(|entry| [("hostname", entry), ("ip", entry)])
        .filter_map(|(field, entry)| host(entry.get(field)?.as_str()?))
        .collect();
    if entries.is_empty() {
        hosts.extend(external_ips(service).map(|address| address.host));
    }
    if !hosts.is_empty() {
        return Ok(hosts);
    }
    let mut errors = entries.iter().filter_map(|entry| port_error(entry, port));
    Err(Resolution::Pending(match errors.next() {
        Some(error) => Pending::PortError { port, error },
        None => Pending::NoAddress,
    }))
}

/// The best of these hosts by the rules of the table above.
fn choose(
    all: Vec<Host>,
    spec: &AdvertiseAddressSpec,
    service: &Value,
    configured: Option<&str>,
    port: u16,
) -> Result<Host, Resolution> {
    let fits = |host: &&Host| {
        let of_family = match (host, spec.ip_family) {
            (Host::Ip(ip), Some(wanted)) => family(ip) == wanted,
            _ => true,
        };
        of_family && spec.prefer.contains(&kind_of(host))
    };
    let order: Vec<&str> = strings(service.at("/spec/ipFamilies")).collect();
    let rank = |host: &&Host| {
        let kind = spec.prefer.iter().position(|kind| *kind == kind_of(host));
        let family = match host {
            Host::Name(_) => None,
            Host::Ip(ip) => order.iter().position(|name| *name == family_name(ip)),
        };
        (kind, family)
    };
    let best = all.iter().filter(fits).map(|host| rank(&host)).min();
    let is_best = |host: &&Host| Some(rank(host)) == best;
    let among_best = || all.iter().filter(fits).filter(is_best);
    let kept = among_best().find(|host| Some(written(host, port).as_str()) == configured);
    // Among equals, the order in the Service decides.
    match kept.or_else(|| among_best().next()) {
        Some(host) => Ok(host.clone()),
        None => {
            let found = all.iter().map(|host| written(host, port)).collect();
            Err(Resolution::Pending(Pending::NoneFits(found)))
        }
    }
}

/// True for a Service of ours that is reached through the nodes but does not specify an address for
/// them.
pub(super) fn is_at_nodes(service: &Resource) -> bool {
    let kind = service.value.at("/spec/type").and_then(Value::as_str);
    kind == Some("NodePort")
        && service.annotation(NODE_ADDRESS).is_none()
        && external_ips(&service.value).next().is_none()
        && service.value.at("/metadata/deletionTimestamp").is_none()
}

/// The IP addresses outside the cluster at which the nodes accept traffic for the Service's port.
pub(super) fn external_ips(service: &Value) -> impl Iterator<Item = Address> {
    let ips = strings(service.at("/spec/externalIPs")).filter_map(host);
    ips.map(|host| Address { host, port: None })
}

/// The address of a Service that is reached at the nodes.
fn at_nodes(nodes: &str, service: &Value, port: Option<u16>) -> Resolution {
    match (host(nodes), our_port(service, port, "nodePort")) {
        (Some(host), Some(port)) => Resolution::Address(written(&host, port)),
        (Some(_), None) => Resolution::Pending(Pending::NoNodePort),
        (None, _) => Resolution::Refused(format!(
            "has the annotation {NODE_ADDRESS}: {nodes}, which is neither a DNS name nor an IP \
             address"
        )),
    }
}

/// A field of the Service's port for the session server: from the entry with this number, otherwise
/// from the one with our port name.
fn our_port(service: &Value, port: Option<u16>, field: &str) -> Option<u16> {
    let ports = service.at("/spec/ports").and_then(Value::as_array);
    let has_number = |entry: &&Value| {
        let number = entry.get("port").and_then(Value::as_u64);
        port.is_some() && number == port.map(u64::from)
    };
    let entry = ports.into_iter().flatten().find(has_number);
    u16::try_from(entry.or_else(|| own_port(service))?.get(field)?.as_u64()?).ok()
}

fn port_error(entry: &Value, port: u16) -> Option<String> {
    let ports = entry.get("ports")?.as_array()?;
    ports.iter().find_map(|status| {
        let ours = status.get("port").and_then(Value::as_u64) == Some(u64::from(port));
        let error = status.get("error")?.as_str()?;
        (ours && !error.is_empty()).then(|| error.to_owned())
    })
}

fn host(text: &str) -> Option<Host> {
    let address = Address::parse(text).ok()?;
    address.port.is_none().then_some(address.host)
}

fn written(host: &Host, port: u16) -> String {
    Address {
        host: host.clone(),
        port: None,
    }
    .with_default_port(port)
}

fn kind_of(host: &Host) -> AddressKind {
    match host {
        Host::Name(_) => AddressKind::Hostname,
        Host::Ip(_) => AddressKind::Ip,
    }
}

fn family(ip: &IpAddr) -> IpFamily {
    match ip {
        IpAddr::V4(_) => IpFamily::IPv4,
        IpAddr::V6(_) => IpFamily::IPv6,
    }
}

fn family_name(ip: &IpAddr) -> &'static str {
    match ip {
        IpAddr::V4(_) => "IPv4",
        IpAddr::V6(_) => "IPv6",
    }
}

fn strings(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use serde_json::json;

    fn service(spec: Value, ingress: Value) -> Resource {
        let mut value = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"},
            "spec": {"type": "LoadBalancer", "ports": [{"name": "session-server", "port": 9000}]},
            "status": {"loadBalancer": {"ingress": ingress}},
        });
        for (key, member) in spec.as_object().unwrap() {
            value["spec"][key] = member.clone();
        }
        Resource::new(0, value)
    }

    fn spec(fields: Value) -> AdvertiseAddressSpec {
        serde_json::from_value(fields).unwrap()
    }

    fn address(resource: &Resource, fields: Value) -> String {
        match resolve(resource, &spec(fields), Known::default()) {
            Resolution::Address(address) => address,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_rule_of_the_table() {
        let plain = json!({});
        let ip4 = json!({"ip": "192.0.2.7"});
        let ip6 = json!({"ip": "2001:db8::7", "ipMode": "Proxy"});
        let name = json!({"hostname": "lb.example.com"});
        let of = |ingress: Value| service(json!({}), ingress);
        for (resource, fields, expected) in [
            (of(json!([ip4])), plain.clone(), "192.0.2.7:9000"),
            (of(json!([ip6])), plain.clone(), "[2001:db8::7]:9000"),
            (of(json!([name])), plain.clone(), "lb.example.com:9000"),
            (of(json!([ip4, name])), plain.clone(), "lb.example.com:9000"),
            (
                of(json!([name, ip4])),
                json!({"prefer": ["IP", "Hostname"]}),
                "192.0.2.7:9000",
            ),
            (of(json!([ip4, ip6])), plain.clone(), "192.0.2.7:9000"),
            (
                of(json!([ip4, ip6])),
                json!({"ipFamily": "IPv6"}),
                "[2001:db8::7]:9000",
            ),
            (
                service(json!({"ipFamilies": ["IPv6", "IPv4"]}), json!([ip4, ip6])),
                plain.clone(),
                "[2001:db8::7]:9000",
            ),
            (
                of(json!([{"ip": "192.0.2.1", "ports": [{"port": 9000, "error": "Taken"}]}, ip4])),
                plain.clone(),
                "192.0.2.7:9000",
            ),
            (
                of(json!([{"ip": "192.0.2.7", "ports": [{"port": 80, "error": "Taken"}]}])),
                plain.clone(),
                "192.0.2.7:9000",
            ),
            (
                service(json!({"externalIPs": ["198.51.100.9"]}), json!([])),
                plain.clone(),
                "198.51.100.9:9000",
            ),
            (
                service(
                    json!({"externalIPs": ["198.51.100.9"], "type": "ClusterIP"}),
                    json!([]),
                ),
                plain.clone(),
                "198.51.100.9:9000",
            ),
            (
                service(json!({"externalIPs": ["198.51.100.9"]}), json!([ip4])),
                plain.clone(),
                "192.0.2.7:9000",
            ),
            (
                service(json!({"ports": [{"port": 7}]}), json!([ip4])),
                plain.clone(),
                "192.0.2.7:7",
            ),
        ] {
            assert_eq!(address(&resource, fields), expected, "{}", resource.value);
        }
    }

    #[test]
    fn a_node_port_is_read_where_the_nodes_address_is_known() {
        let mut resource = service(json!({"type": "NodePort"}), json!([]));
        let with = |resource: &mut Resource, nodes: &str, port: Value| {
            Rc::make_mut(&mut resource.value)["metadata"]["annotations"] =
                json!({NODE_ADDRESS: nodes});
            Rc::make_mut(&mut resource.value)["spec"]["ports"][0]["nodePort"] = port;
            resolve(resource, &spec(json!({})), Known::default())
        };
        assert_eq!(
            with(&mut resource, "2001:db8::1", json!(30900)),
            Resolution::Address("[2001:db8::1]:30900".to_owned())
        );
        assert_eq!(
            with(&mut resource, "nodes.example.com", json!(30900)),
            Resolution::Address("nodes.example.com:30900".to_owned())
        );
        assert!(matches!(
            with(&mut resource, "192.0.2.7", Value::Null),
            Resolution::Pending(_)
        ));
        assert!(matches!(
            with(&mut resource, "a b", json!(30900)),
            Resolution::Refused(_)
        ));
    }

    #[test]
    fn the_current_address_is_kept_among_equals() {
        let service = service(json!({}), json!([{"ip": "192.0.2.7"}, {"ip": "192.0.2.8"}]));
        let known = Known {
            configured: Some("192.0.2.8:9000"),
            ..Known::default()
        };
        let resolved = resolve(&service, &spec(json!({})), known);
        assert_eq!(resolved, Resolution::Address("192.0.2.8:9000".to_owned()));
    }

    #[test]
    fn what_has_no_address_says_why() {
        let pending = |ingress: Value, fields: Value| match resolve(
            &service(json!({}), ingress),
            &spec(fields),
            Known::default(),
        ) {
            Resolution::Pending(pending) => pending.reason("spec.prefer and spec.ipFamily"),
            other => panic!("{other:?}"),
        };
        assert!(pending(json!([]), json!({})).contains("no address yet"));
        let taken = json!([{"ip": "192.0.2.7", "ports": [{"port": 9000, "error": "PortTaken"}]}]);
        assert!(pending(taken, json!({})).contains("PortTaken"));
        let ip4 = json!([{"ip": "192.0.2.7"}]);
        assert!(pending(ip4.clone(), json!({"ipFamily": "IPv6"})).contains("192.0.2.7:9000"));
        assert!(pending(ip4, json!({"prefer": ["Hostname"]})).contains("spec.prefer"));
    }

    #[test]
    fn a_service_that_will_never_do_is_refused() {
        let refused = |service: &Resource| {
            matches!(
                resolve(service, &spec(json!({})), Known::default()),
                Resolution::Refused(_)
            )
        };
        assert!(refused(&service(json!({"type": "ClusterIP"}), json!([]))));
        let two = json!({"ports": [{"name": "a", "port": 1}, {"name": "b", "port": 2}]});
        assert!(refused(&service(two, json!([{"ip": "192.0.2.7"}]))));
        let mut deleted = service(json!({}), json!([{"ip": "192.0.2.7"}]));
        Rc::make_mut(&mut deleted.value)["metadata"]["deletionTimestamp"] =
            json!("2026-01-01T00:00:00Z");
        let since = "2026-01-01T00:00:00Z".to_owned();
        assert_eq!(
            resolve(&deleted, &spec(json!({})), Known::default()),
            Resolution::BeingDeleted { since }
        );
    }
}

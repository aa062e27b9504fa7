//! Which address of the nodes to advertise.
//!
//! | state of the nodes | the rule |
//! |---|---|
//! | not ready, being deleted, or without a Ready condition | passed over |
//! | several kinds of address | the first of ExternalIP, ExternalDNS, InternalIP, InternalDNS, Hostname that any node has |
//! | IPs of both families | `ipFamily` when set, else as the node lists them |
//! | several nodes | the one that is already advertised if it is still suitable, otherwise the first by name |
//!
//! Source: `NodeAddressType` and `NodeCondition` in Kubernetes' `core/v1` API.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::address::{Address, Host};
use crate::exposure::IpFamily;
use yaml_splice::pointer::At as _;

const TYPES: [&str; 5] = [
    "ExternalIP",
    "ExternalDNS",
    "InternalIP",
    "InternalDNS",
    "Hostname",
];

/// True for a node with its status.
pub(crate) fn is_node(value: &Value) -> bool {
    value.get("kind").and_then(Value::as_str) == Some("Node")
        && value.at("/status/addresses").is_some()
}

/// The fields of a node that matter here.
pub(super) fn trimmed(node: &Value) -> Value {
    let name = node.at("/metadata/name").cloned().unwrap_or_default();
    let mut metadata = json!({"name": name});
    if let (Some(since), Some(metadata)) = (
        node.at("/metadata/deletionTimestamp"),
        metadata.as_object_mut(),
    ) {
        metadata.insert("deletionTimestamp".to_owned(), since.clone());
    }
    let conditions = node.at("/status/conditions").and_then(Value::as_array);
    let ready: Vec<Value> = conditions
        .into_iter()
        .flatten()
        .filter(|condition| condition.get("type").and_then(Value::as_str) == Some("Ready"))
        .map(|condition| json!({"type": "Ready", "status": condition.get("status")}))
        .collect();
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": metadata,
        "status": {
            "addresses": node.at("/status/addresses"),
            "conditions": ready,
        },
    })
}

/// Chooses a host. `current` is the one that is currently advertised.
pub(crate) fn choose(
    nodes: &[Value],
    family: Option<IpFamily>,
    current: Option<&Host>,
) -> Option<Host> {
    let mut ready: Vec<&Value> = nodes.iter().filter(|node| is_ready(node)).collect();
    ready.sort_by_key(|node| node.at("/metadata/name").and_then(Value::as_str));
    TYPES.iter().find_map(|kind| {
        let hosts: Vec<Host> = ready
            .iter()
            .flat_map(|node| hosts(node, kind))
            .filter(|host| match (host, family) {
                (Host::Ip(IpAddr::V4(_)), Some(family)) => family == IpFamily::IPv4,
                (Host::Ip(IpAddr::V6(_)), Some(family)) => family == IpFamily::IPv6,
                _ => true,
            })
            .collect();
        let kept = hosts.iter().find(|host| Some(*host) == current);
        kept.or(hosts.first()).cloned()
    })
}

fn is_ready(node: &Value) -> bool {
    let conditions = node.at("/status/conditions").and_then(Value::as_array);
    let ready = conditions.into_iter().flatten().any(|condition| {
        let is =
            |field: &str, value: &str| condition.get(field).and_then(Value::as_str) == Some(value);
        is("type", "Ready") && is("status", "True")
    });
    ready && node.at("/metadata/deletionTimestamp").is_none()
}

fn hosts(node: &Value, kind: &str) -> Vec<Host> {
    let addresses = node.at("/status/addresses").and_then(Value::as_array);
    addresses
        .into_iter()
        .flatten()
        .filter(|address| address.get("type").and_then(Value::as_str) == Some(kind))
        .filter_map(|address| Address::parse(address.get("address")?.as_str()?).ok())
        .filter(|address| address.port.is_none())
        .map(|address| address.host)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, ready: &str, addresses: Value) -> Value {
        trimmed(&json!({
            "metadata": {"name": name, "labels": {"a": "b"}},
            "status": {
                "addresses": addresses,
                "conditions": [{"type": "MemoryPressure", "status": "False"},
                    {"type": "Ready", "status": ready, "reason": "x"}],
                "images": [{"names": ["x"]}],
            },
        }))
    }

    fn ip(text: &str) -> Host {
        Host::Ip(text.parse().unwrap())
    }

    #[test]
    fn each_rule_of_the_table() {
        let external = |ip: &str| json!({"type": "ExternalIP", "address": ip});
        let internal = |ip: &str| json!({"type": "InternalIP", "address": ip});
        let b = node(
            "b",
            "True",
            json!([internal("10.0.0.2"), external("192.0.2.2")]),
        );
        let a = node(
            "a",
            "True",
            json!([
                internal("10.0.0.1"),
                external("192.0.2.1"),
                external("2001:db8::1")
            ]),
        );
        let down = node("0", "False", json!([external("192.0.2.9")]));
        let mut going = node("0", "True", json!([external("192.0.2.8")]));
        going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        let all = [b.clone(), a, down, going];
        assert_eq!(choose(&all, None, None), Some(ip("192.0.2.1")));
        assert_eq!(
            choose(&all, None, Some(&ip("192.0.2.2"))),
            Some(ip("192.0.2.2"))
        );
        assert_eq!(
            choose(&all, None, Some(&ip("192.0.2.9"))),
            Some(ip("192.0.2.1"))
        );
        assert_eq!(
            choose(&all, Some(IpFamily::IPv6), None),
            Some(ip("2001:db8::1"))
        );
        let inside = [node(
            "a",
            "True",
            json!([{"type": "Hostname", "address": "node-a"},
            internal("10.0.0.1")]),
        )];
        assert_eq!(choose(&inside, None, None), Some(ip("10.0.0.1")));
        let named = [node(
            "a",
            "True",
            json!([{"type": "Hostname", "address": "node-a.example.com"}]),
        )];
        assert_eq!(
            choose(&named, None, None),
            Some(Host::Name("node-a.example.com".to_owned()))
        );
        assert_eq!(choose(&[], None, None), None);
    }
}

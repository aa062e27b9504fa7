//! Who may connect to the session server, as the cluster's network enforces it.

use serde_json::{Value, json};

use crate::exposure;
use crate::function_config::NetworkPolicySpec;
use crate::resource::Identity;
use crate::runner::Runner;

/// A NetworkPolicy for the runner's pods: these peers may connect to the session server, and what
/// else its containers declare stays open to everybody, as it was.
///
/// Source: `NetworkPolicySpec` in Kubernetes' `networking/v1` API: a pod that any policy selects
/// takes only what some policy lets in.
pub(super) fn object(
    policy: &NetworkPolicySpec,
    service: &Identity,
    runner: &Runner,
    listen_port: u16,
) -> Value {
    let mut rules = vec![json!({
        "from": policy.from,
        "ports": [{"port": listen_port, "protocol": "TCP"}],
    })];
    let others = other_ports(runner, listen_port);
    if !others.is_empty() {
        rules.push(json!({"ports": others}));
    }
    let spec = json!({
        "podSelector": {"matchLabels": runner.workload.selector()},
        "policyTypes": ["Ingress"],
        "ingress": rules,
    });
    exposure::object("networking.k8s.io/v1", "NetworkPolicy", service, spec)
}

/// The ports that the pod's containers declare, without the session server's.
fn other_ports(runner: &Runner, listen_port: u16) -> Vec<Value> {
    let containers: Vec<_> = runner.workload.containers().collect();
    let ports = containers
        .iter()
        .filter_map(|container| container.value.get("ports")?.as_array())
        .flatten();
    ports
        .filter(|port| port.get("containerPort") != Some(&json!(listen_port)))
        .filter_map(|port| {
            let number = port.get("containerPort")?;
            let protocol = port.get("protocol").cloned().unwrap_or(json!("TCP"));
            Some(json!({"port": number, "protocol": protocol}))
        })
        .collect()
}

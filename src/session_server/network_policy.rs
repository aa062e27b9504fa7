//! The NetworkPolicy: who may connect to the session server.

use serde_json::{Value, json};

use super::port;
use crate::exposure::{self, Exposure, ExposureKind};
use crate::function_config::NetworkPolicySpec;
use crate::runner::{MetricsPort, Runner};
use krm::resource::Identity;
use krm::results::{FunctionResult, field_path};

/// The peers that may connect: those of the functionConfig and, if it connects to the pods, the
/// relay. `None` if there are no such peers; an empty list admits everybody.
pub(super) fn peers(policy: &NetworkPolicySpec, exposure: &Exposure) -> Option<Vec<Value>> {
    let asked = policy.from.iter().flatten().map(|peer| json!(peer));
    let ExposureKind::Relay(exposure) = &exposure.kind else {
        return Some(asked.collect());
    };
    let peers: Vec<Value> = exposure.relay.peer().into_iter().chain(asked).collect();
    (!peers.is_empty()).then_some(peers)
}

/// A NetworkPolicy for the runner's pods. Only the peers may connect to the session server; the other
/// ports that the containers declare stay open to everybody.
///
/// Source: `NetworkPolicySpec` in Kubernetes' `networking/v1` API: a pod that any policy selects
/// accepts only traffic that some policy allows.
pub(super) fn object(
    peers: Option<&[Value]>,
    service: &Identity,
    runner: &Runner,
    listen_port: u16,
) -> Value {
    let of_peers = |peers: &[Value]| json!({"from": peers, "ports": [{"port": listen_port, "protocol": "TCP"}]});
    let mut rules: Vec<Value> = peers.map(of_peers).into_iter().collect();
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

/// Warns of a metrics port that no container declares, as the policy closes it.
pub(super) fn metrics_cut_off(
    runner: &Runner,
    metrics: Option<MetricsPort>,
) -> Option<FunctionResult> {
    let MetricsPort { port, said_by } = metrics?;
    let declared = other_ports(runner, 0);
    if declared
        .iter()
        .any(|other| other.get("port") == Some(&json!(port)))
    {
        return None;
    }
    let pointer = runner.container_pointer("/ports");
    Some(
        FunctionResult::warning(format!(
            "the metrics are served at port {port} ({said_by}), which no container \
             declares, so the NetworkPolicy of spec.networkPolicy cuts them off: add it as \
             a containerPort"
        ))
        .about(&runner.workload.resource.identity)
        .at(field_path(&pointer)),
    )
}

/// The ports that the pod's containers and sidecars declare, except that of the session server,
/// which may have had another number in an earlier run.
fn other_ports(runner: &Runner, listen_port: u16) -> Vec<Value> {
    let is_listening = |entry: &Value| {
        port::is_tcp(entry) && entry.get("containerPort") == Some(&json!(listen_port))
    };
    let of_containers = runner.workload.containers().flat_map(|container| {
        let ports = port::ports(container.value);
        ports.filter(move |entry| !port::is_added(runner, container, entry))
    });
    let of_sidecars = port::sidecars(&runner.workload).flat_map(port::ports);
    let others = of_containers.chain(of_sidecars);
    let others = others.filter(|entry| !is_listening(entry));
    let rule = |entry: &Value| {
        let number = entry.get("containerPort")?;
        let protocol = entry.get("protocol").cloned().unwrap_or(json!("TCP"));
        Some(json!({"port": number, "protocol": protocol}))
    };
    others.filter_map(rule).collect()
}

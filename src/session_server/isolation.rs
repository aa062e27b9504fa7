//! Policies of the list that keep GitLab out of the session server.
//!
//! Sources: Kubernetes' documentation, "Network Policies" (a pod that a policy selects for ingress
//! takes only what some policy lets in); Istio's `PeerAuthentication` (the most specific policy of a
//! workload decides, a port's own mode first).

use serde_json::{Map, Value};

use super::owned::is_ours;
use crate::exposure::{PORT_NAME, Way};
use crate::function_config::{Selector, SessionServerSpec};
use crate::pointer::At as _;
use crate::resource::Resource;
use crate::resource_list::{ReadError, ResourceList, is_compatible};
use crate::results::FunctionResult;
use crate::runner::{Runner, Workload};

/// Istio's root namespace, as it is installed: a policy without a selector is for the whole mesh.
const MESH_NAMESPACE: &str = "istio-system";

/// Warns about NetworkPolicies and Istio's strict mutual TLS in front of the session server.
///
/// # Errors
/// A policy that cannot be parsed.
pub(super) fn warnings(
    list: &ResourceList<'_>,
    spec: &SessionServerSpec,
    runner: &Runner,
    listen_port: u16,
) -> Result<Vec<FunctionResult>, ReadError> {
    let mut found = Vec::new();
    if spec.network_policy.is_none() {
        found.extend(network_policies(list, spec, &runner.workload, listen_port)?);
    }
    found.extend(mutual_tls(list, &runner.workload, listen_port)?);
    Ok(found)
}

fn network_policies(
    list: &ResourceList<'_>,
    spec: &SessionServerSpec,
    workload: &Workload,
    listen_port: u16,
) -> Result<Option<FunctionResult>, ReadError> {
    let mut policies = Vec::new();
    for item in list.candidates(&["NetworkPolicy"], "podSelector") {
        let policy = list.resource(item)?;
        let is_standard = policy.identity.api_version == "networking.k8s.io/v1";
        // One of an earlier run goes with spec.networkPolicy.
        if is_standard
            && !is_ours(&policy)
            && selects(&policy, "/spec/podSelector", workload)
            && is_for_ingress(&policy)
        {
            policies.push(policy);
        }
    }
    let Some(first) = policies.first() else {
        return Ok(None);
    };
    let rules = policies.iter().filter_map(|policy| {
        let rules = policy.value.at("/spec/ingress")?.as_array()?;
        Some(rules.iter().filter(|rule| opens(rule, listen_port)))
    });
    let rules: Vec<&Value> = rules.flatten().collect();
    let policy = &first.identity;
    let remedy = "set spec.networkPolicy of the functionConfig, which adds a NetworkPolicy that lets \
                  GitLab in";
    let from_outside = match spec.exposure.way {
        Way::LoadBalancer(_) => Some("a load balancer"),
        Way::NodePort(_) => Some("a port of the nodes"),
        _ => None,
    };
    let message = if rules.is_empty() {
        format!(
            "{policy} lets nobody connect to port {listen_port} of these pods, so GitLab cannot open \
             a terminal: {remedy}"
        )
    } else if let Some(way) = from_outside
        && rules.iter().all(|rule| lets_only_pods_in(rule))
    {
        format!(
            "{policy} lets only pods connect to port {listen_port} of these pods, and GitLab comes \
             through {way}: {remedy}"
        )
    } else {
        return Ok(None);
    };
    Ok(Some(
        FunctionResult::warning(message).about(&workload.resource.identity),
    ))
}

/// A policy without `policyTypes` is for ingress.
fn is_for_ingress(policy: &Resource) -> bool {
    let types = policy.value.at("/spec/policyTypes");
    types
        .and_then(Value::as_array)
        .is_none_or(|types| types.iter().any(|kind| kind == "Ingress"))
}

/// True for a rule that lets somebody connect to a port. A rule without ports is for all of them.
fn opens(rule: &Value, port: u16) -> bool {
    let ports = rule.get("ports").and_then(Value::as_array);
    ports.is_none_or(|ports| {
        ports.is_empty()
            || ports.iter().any(|entry| {
                let is_tcp = matches!(
                    entry.get("protocol").and_then(Value::as_str),
                    None | Some("TCP")
                );
                let last = entry.get("endPort").and_then(Value::as_u64);
                is_tcp
                    && match entry.get("port") {
                        None | Some(Value::Null) => true,
                        Some(Value::String(name)) => name == PORT_NAME,
                        Some(first) => first.as_u64().is_some_and(|first| {
                            (first..=last.unwrap_or(first)).contains(&port.into())
                        }),
                    }
            })
    })
}

/// True for a rule whose peers are all pods. A rule without peers lets everybody in.
fn lets_only_pods_in(rule: &Value) -> bool {
    let peers = rule.get("from").and_then(Value::as_array);
    peers.is_some_and(|peers| {
        !peers.is_empty() && peers.iter().all(|peer| peer.get("ipBlock").is_none())
    })
}

fn mutual_tls(
    list: &ResourceList<'_>,
    workload: &Workload,
    listen_port: u16,
) -> Result<Option<FunctionResult>, ReadError> {
    let metadata = |section: &str| {
        let value = workload.pod(&format!("/metadata/{section}/sidecar.istio.io~1inject"));
        value.and_then(Value::as_str)
    };
    if [metadata("labels"), metadata("annotations")].contains(&Some("false")) {
        return Ok(None);
    }
    let excluded =
        workload.pod("/metadata/annotations/traffic.sidecar.istio.io~1excludeInboundPorts");
    let excluded = excluded.and_then(Value::as_str).unwrap_or_default();
    let port = listen_port.to_string();
    if excluded.split(',').any(|excluded| excluded.trim() == port) {
        return Ok(None);
    }
    let mut deciding: Option<(u8, Resource)> = None;
    for item in list.candidates(&["PeerAuthentication"], "istio.io") {
        let policy = list.resource(item)?;
        let is_for_workload = policy.value.at("/spec/selector/matchLabels").is_some();
        let is_for_mesh = policy.identity.namespace == MESH_NAMESPACE && !is_for_workload;
        let rank = match (is_for_mesh, is_for_workload) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => 2,
        };
        let applies = is_for_mesh || selects(&policy, "/spec/selector", workload);
        if policy.identity.kind == "PeerAuthentication"
            && applies
            && deciding.as_ref().is_none_or(|(best, _)| rank > *best)
        {
            deciding = Some((rank, policy));
        }
    }
    let Some((_, policy)) = deciding else {
        return Ok(None);
    };
    let of_port = policy
        .value
        .at(&format!("/spec/portLevelMtls/{port}/mode"))
        .and_then(Value::as_str);
    let of_all = policy.value.at("/spec/mtls/mode").and_then(Value::as_str);
    if of_port.or(of_all) != Some("STRICT") {
        return Ok(None);
    }
    let message = format!(
        "{} asks for mutual TLS of the mesh on port {port} of these pods, and GitLab has no \
         certificate of the mesh, so it cannot open a terminal: annotate the pods with \
         traffic.sidecar.istio.io/excludeInboundPorts: \"{port}\", or set the port's mode to \
         PERMISSIVE in portLevelMtls of a PeerAuthentication that selects them",
        policy.identity
    );
    Ok(Some(
        FunctionResult::warning(message).about(&workload.resource.identity),
    ))
}

/// True for a policy of the workload's namespace whose selector selects its pods. No selector
/// selects all.
fn selects(policy: &Resource, pointer: &str, workload: &Workload) -> bool {
    let namespace = &workload.resource.identity.namespace;
    let selector = match policy.value.at(pointer) {
        None | Some(Value::Null) => Some(Selector::default()),
        Some(selector) => serde_json::from_value(selector.clone()).ok(),
    };
    is_compatible(&policy.identity.namespace, namespace)
        && selector.is_some_and(|selector: Selector| matches(&selector, workload.pod_labels()))
}

fn matches(selector: &Selector, labels: &Map<String, Value>) -> bool {
    let label = |key: &str| labels.get(key).and_then(Value::as_str);
    let mut wanted = selector.match_labels.iter();
    wanted.all(|(key, value)| label(key) == Some(value))
        && selector.match_expressions.iter().all(|expression| {
            expression
                .operator
                .holds(label(&expression.key), &expression.values)
        })
}

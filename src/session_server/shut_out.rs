//! What blocks GitLab's connections to a pod: NetworkPolicies and Istio.
//!
//! Source: `NetworkPolicySpec` in Kubernetes' `networking/v1` API; Istio's reference,
//! "PeerAuthentication".

use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use crate::exposure::{Dial, ExposureKind, PORT_NAME, RelaySpec, relay_labels};
use crate::function_config::{Expression, Operator, Selector, SessionServerSpec};
use crate::ownership::is_ours;
use crate::runner::Runner;
use krm::resource::Resource;
use krm::resource_list::{ReadError, ResourceList, is_compatible};
use krm::results::FunctionResult;
use yaml_splice::pointer::At as _;

/// The namespace in which Istio's resources apply to the whole mesh.
const ISTIO_ROOT: &str = "istio-system";
const EXCLUDED_PORTS: &str = "traffic.sidecar.istio.io/excludeInboundPorts";
const INJECT: &str = "sidecar.istio.io/inject";

/// Warns of what blocks GitLab.
///
/// # Errors
/// A NetworkPolicy or a PeerAuthentication that cannot be parsed.
pub(super) fn warnings(
    list: &ResourceList<'_>,
    spec: &SessionServerSpec,
    runner: &Runner,
    port: u16,
) -> Result<Vec<FunctionResult>, ReadError> {
    let client = match &spec.exposure.kind {
        // A port-forward ends inside the pod, where neither applies.
        ExposureKind::ApiServer(_) => return Ok(Vec::new()),
        ExposureKind::Relay(exposure) if exposure.relay.dial == Dial::Api => return Ok(Vec::new()),
        ExposureKind::Relay(exposure) => Client::Relay(&exposure.relay),
        ExposureKind::LoadBalancer(_) | ExposureKind::NodePort(_) => Client::Outside,
        _ => Client::Anybody,
    };
    let mut warnings = Vec::new();
    if spec.network_policy.is_none() {
        warnings.extend(network_policies(list, client, runner, port)?);
    }
    warnings.extend(strict_mtls(list, runner, port)?);
    let identity = &runner.workload.resource.identity;
    Ok(warnings
        .into_iter()
        .map(|warning| FunctionResult::warning(warning).about(identity))
        .collect())
}

/// Who connects to the pods.
#[derive(Clone, Copy)]
enum Client<'a> {
    /// Pods or addresses that are not known here.
    Anybody,
    /// Those of nodes or clients of a load balancer, which are not pods.
    Outside,
    /// The relay's pods.
    Relay(&'a RelaySpec),
}

impl Client<'_> {
    /// True if a peer of a NetworkPolicy may match this client.
    fn may_be(self, peer: &Value) -> bool {
        let selector = |field: &str| peer.get(field).filter(|selector| !selector.is_null());
        let selects = |selector: &Value, labels: &Map<String, Value>| {
            read(selector).is_none_or(|selector| selector.selects(labels))
        };
        match self {
            Self::Anybody => true,
            Self::Outside => peer.get("ipBlock").is_some(),
            // Whether an ipBlock means pods too depends on the network.
            Self::Relay(_) if selector("ipBlock").is_some() => true,
            Self::Relay(relay) => {
                selector("podSelector").is_none_or(|pods| selects(pods, &relay_labels(&relay.name)))
                    && selector("namespaceSelector").is_none_or(|namespaces| {
                        namespace_label(namespaces).is_none_or(|name| name == relay.namespace)
                    })
            }
        }
    }

    /// True if this client may be in the namespace of a policy.
    fn is_in(self, namespace: &str) -> bool {
        match self {
            Self::Relay(relay) => is_compatible(&relay.namespace, namespace),
            Self::Anybody | Self::Outside => true,
        }
    }

    /// The client's name in a message that no policy admits it.
    fn shown(self) -> String {
        match self {
            Self::Anybody => "anybody".to_owned(),
            Self::Outside => "addresses outside the cluster".to_owned(),
            Self::Relay(relay) => {
                format!("the pods of the relay {}/{}", relay.namespace, relay.name)
            }
        }
    }
}

/// The namespace name that a namespace selector requires. Other labels of namespaces are not known
/// here.
fn namespace_label(selector: &Value) -> Option<&str> {
    selector
        .at("/matchLabels/kubernetes.io~1metadata.name")?
        .as_str()
}

/// Names the policies that select the pods, if none of them allows the port.
fn network_policies(
    list: &ResourceList<'_>,
    client: Client<'_>,
    runner: &Runner,
    port: u16,
) -> Result<Option<String>, ReadError> {
    let mut names = Vec::new();
    for item in list.candidates(&["NetworkPolicy"], "podSelector") {
        let policy = list.resource(item)?;
        if !is_about(&policy, runner) {
            continue;
        }
        let rules = policy.value.at("/spec/ingress").and_then(Value::as_array);
        let mut rules = rules.into_iter().flatten();
        if rules.any(|rule| lets_in(rule, runner, port, client)) {
            return Ok(None);
        }
        names.push(policy.identity.name);
    }
    if names.is_empty() {
        return Ok(None);
    }
    Ok(Some(format!(
        "NetworkPolicy {} keeps GitLab out, as no policy lets {} in at port {port}: set \
         spec.networkPolicy of the functionConfig, or add such an ingress rule",
        names.join(", "),
        client.shown(),
    )))
}

/// True for a NetworkPolicy of the user's that restricts connections to a runner's pods.
fn is_about(policy: &Resource, runner: &Runner) -> bool {
    let version = &policy.identity.api_version;
    let own = &runner.workload.resource.identity;
    let is_of_kubernetes =
        version.starts_with("networking.k8s.io/") || version.starts_with("extensions/");
    let types = policy.value.at("/spec/policyTypes");
    let is_about_ingress = types
        .and_then(Value::as_array)
        .is_none_or(|types| types.is_empty() || types.contains(&json!("Ingress")));
    let selector = policy.value.at("/spec/podSelector").and_then(read);
    is_of_kubernetes
        && is_about_ingress
        && !is_ours(policy)
        && is_compatible(&policy.identity.namespace, &own.namespace)
        && selector.is_some_and(|selector| selector.selects(runner.workload.pod_labels()))
}

/// A label selector; `None` for one that the API server rejects. A null member counts as absent.
fn read(selector: &Value) -> Option<Selector> {
    let members = selector.as_object().into_iter().flatten();
    let set = members.filter(|(_, member)| !member.is_null());
    let set = set.map(|(name, member)| (name.clone(), member.clone()));
    Selector::deserialize(Value::Object(set.collect())).ok()
}

/// True for a rule that allows connections to the port.
fn lets_in(rule: &Value, runner: &Runner, port: u16, client: Client<'_>) -> bool {
    let array = |field: &str| {
        let array = rule.get(field).and_then(Value::as_array);
        array.filter(|array| !array.is_empty())
    };
    let namespace = &runner.workload.resource.identity.namespace;
    let of_peer = |peer: &Value| {
        let is_set = |field: &str| peer.get(field).is_some_and(|value| !value.is_null());
        let is_local = is_set("podSelector") && !is_set("namespaceSelector");
        client.may_be(peer) && (!is_local || client.is_in(namespace))
    };
    let peers = array("from").is_none_or(|peers| peers.iter().any(of_peer));
    let number = |entry: &Value, field: &str| entry.get(field).and_then(Value::as_u64);
    let of_port = |entry: &Value| {
        let is_tcp = matches!(
            entry.get("protocol").and_then(Value::as_str),
            None | Some("TCP")
        );
        let named = || {
            let target = json!({"targetPort": entry.get("port")});
            super::port::target_of(&target, &runner.workload).map(u64::from)
        };
        let first = match entry.get("port") {
            None | Some(Value::Null) => return is_tcp,
            // If no container has a port with that name, it refers to the port that will be added.
            Some(Value::String(name)) if name == PORT_NAME => named().or(Some(u64::from(port))),
            Some(Value::String(_)) => named(),
            Some(_) => number(entry, "port"),
        };
        let last = number(entry, "endPort").or(first);
        let port = u64::from(port);
        is_tcp && first.is_some_and(|first| first <= port) && last.is_some_and(|last| port <= last)
    };
    peers && array("ports").is_none_or(|ports| ports.iter().any(of_port))
}

/// Warns if Istio's mode for the port is STRICT.
fn strict_mtls(
    list: &ResourceList<'_>,
    runner: &Runner,
    port: u16,
) -> Result<Option<String>, ReadError> {
    let workload = &runner.workload;
    let in_pod = |section: &str, name: &str| {
        let texts = workload.pod(&format!("/metadata/{section}"))?;
        texts.get(name)?.as_str()
    };
    let excluded = in_pod("annotations", EXCLUDED_PORTS).unwrap_or_default();
    let is_out = ["labels", "annotations"]
        .iter()
        .any(|section| in_pod(section, INJECT) == Some("false"));
    let is_excluded = |entry: &str| entry.trim() == "*" || entry.trim() == port.to_string();
    if is_out || excluded.split(',').any(is_excluded) {
        return Ok(None);
    }
    // The most specific mode wins: first the pods', then the namespace's, then the mesh's.
    let mut best: Option<(u8, bool, Resource)> = None;
    for item in list.candidates(&["PeerAuthentication"], "mtls") {
        let policy = list.resource(item)?;
        let Some((rank, is_strict)) = mode(&policy, runner, port) else {
            continue;
        };
        if best.as_ref().is_none_or(|(other, ..)| rank < *other) {
            best = Some((rank, is_strict, policy));
        }
    }
    let strict = best.filter(|(_, is_strict, _)| *is_strict);
    Ok(strict.map(|(_, _, policy)| {
        format!(
            "{} lets only mutual TLS of the mesh in, so where Istio's sidecar runs in these pods \
             GitLab is shut out: set portLevelMtls {port}: {{mode: PERMISSIVE}} in a \
             PeerAuthentication that selects them, or the pods' annotation {EXCLUDED_PORTS}: \
             '{port}'",
            policy.identity
        )
    }))
}

/// The rank of a PeerAuthentication, 0 for the most specific, and whether its mode for the port is STRICT.
fn mode(policy: &Resource, runner: &Runner, port: u16) -> Option<(u8, bool)> {
    if !policy
        .identity
        .api_version
        .starts_with("security.istio.io/")
    {
        return None;
    }
    let workload = &runner.workload;
    let namespace = &policy.identity.namespace;
    let is_beside = is_compatible(namespace, &workload.resource.identity.namespace);
    let selector = policy.value.at("/spec/selector/matchLabels");
    let selector = selector
        .and_then(Value::as_object)
        .filter(|labels| !labels.is_empty());
    let labels = workload.pod_labels();
    let rank = match selector {
        Some(selector) => {
            let fits = |(key, value): (&String, &Value)| labels.get(key) == Some(value);
            (is_beside && selector.iter().all(fits)).then_some(0)
        }
        None if is_beside => Some(1),
        None => (namespace == ISTIO_ROOT).then_some(2),
    }?;
    let of_port = policy.value.at(&format!("/spec/portLevelMtls/{port}/mode"));
    let mode = of_port
        .filter(|_| rank == 0)
        .or_else(|| policy.value.at("/spec/mtls/mode"));
    match mode.and_then(Value::as_str) {
        None | Some("UNSET") => None,
        Some(mode) => Some((rank, mode == "STRICT")),
    }
}

impl Selector {
    /// True when it selects these labels.
    fn selects(&self, labels: &Map<String, Value>) -> bool {
        let label = |key: &str| labels.get(key).and_then(Value::as_str);
        let has_label = |(key, value): (&String, &String)| label(key) == Some(value);
        let holds = |condition: &Expression| {
            let value = label(&condition.key);
            let is_one = || value.is_some_and(|value| condition.values.iter().any(|v| v == value));
            match condition.operator {
                Operator::In => is_one(),
                Operator::NotIn => !is_one(),
                Operator::Exists => value.is_some(),
                Operator::DoesNotExist => value.is_none(),
            }
        };
        self.match_labels.iter().all(has_label) && self.match_expressions.iter().all(holds)
    }
}

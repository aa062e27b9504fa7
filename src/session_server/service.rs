//! The Service in front of the session server.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::{ADDRESS_FROM, live_item, owned, port};
use crate::digest::short_hash;
use crate::exposure::{
    AddressSource, Exposure, ExposureContext, NODE_ADDRESS, NODE_PORT, PORT_NAME, RELAY_NAMESPACE,
    record_exposure,
};
use crate::observed::{self, OBSERVED};
use crate::ownership::is_ours;
use crate::runner::{WORKLOAD_KINDS, Workload};
use krm::Internal;
use krm::bookkeeping::annotation;
use krm::patch::Patches;
use krm::resource::{Identity, Resource};
use krm::resource_list::{ReadError, ResourceList, is_compatible};
use krm::results::{FunctionResult, Refusal};
use yaml_splice::pointer::At as _;

/// Fields of a Service's spec that this function sets, and removes when they are no longer
/// requested.
const MANAGED: [&str; 8] = [
    "loadBalancerIP",
    "loadBalancerClass",
    "loadBalancerSourceRanges",
    "externalTrafficPolicy",
    "internalTrafficPolicy",
    "ipFamilyPolicy",
    "ipFamilies",
    "allocateLoadBalancerNodePorts",
];

/// What the list already has for the session server's Service.
#[derive(Debug)]
pub(super) enum Existing {
    /// Nothing; the identity of the Service to make.
    None(Identity),
    /// A Service that this function made.
    Ours(Resource),
    /// A Service of that name that this function did not make.
    Foreign(Resource),
}

const SUFFIX: &str = "-session-server";

/// The name of a workload's Service: `<workload>-session-server`, as in the upstream chart, changed to
/// be a valid name of a Service (RFC 1035, 63 characters).
pub(super) fn name(workload: &str) -> String {
    let mut stem = stem(workload);
    if stem.len() + SUFFIX.len() > 63 {
        stem = with_hash(&stem, workload);
    }
    format!("{stem}{SUFFIX}")
}

/// The name of a Service if the [`name`] of another workload is the same, such as for `runner.prod`
/// and `runner-prod`, or for a StatefulSet and a Deployment with the same name.
fn name_apart(workload: &Identity) -> String {
    let unique = format!("{}/{}", workload.kind, workload.name);
    format!("{}{SUFFIX}", with_hash(&stem(&workload.name), &unique))
}

fn stem(workload: &str) -> String {
    let mut stem = workload.replace('.', "-");
    // The value of an OpenShift Template's parameter is not known.
    let is_parameter = stem.starts_with("${");
    if !is_parameter && !stem.starts_with(|c: char| c.is_ascii_lowercase()) {
        stem.insert_str(0, "r-");
    }
    stem
}

/// As much of a stem as fits, with a hash of the full name.
fn with_hash(stem: &str, of: &str) -> String {
    let hash = short_hash(of);
    let most = 63 - SUFFIX.len() - 1 - hash.len();
    let kept: String = stem.chars().take(most).collect();
    format!("{}-{hash}", kept.trim_end_matches('-'))
}

/// The other workloads of the list whose Service would have the same name.
fn rivals(list: &ResourceList<'_>, workload: &Workload) -> Result<Vec<Workload>, Refusal> {
    let own = &workload.resource;
    let wanted = name(&own.identity.name);
    let mut rivals = Vec::new();
    let namespaces = BTreeSet::from([own.identity.namespace.as_str()]);
    // The quick check first: making a name takes longer than comparing two.
    let may_share = |other: &str| !other.is_empty() && may_share(other, &own.identity.name);
    for item in list.named_beside(&WORKLOAD_KINDS, &namespaces, may_share) {
        let (kind, other, namespace) = list.head(item);
        let is_own = item == own.item || (kind, other) == (&own.identity.kind, &own.identity.name);
        if is_own || !is_compatible(namespace, &own.identity.namespace) || name(other) != wanted {
            continue;
        }
        rivals.extend(Workload::new(list.resource(item)?));
    }
    Ok(rivals)
}

/// False for names that cannot lead to the same [`name`]; cheaper than computing both. Names that
/// are not truncated lead to the same one only if they differ just in dots and hyphens, or in the
/// prefix of [`stem`].
fn may_share(one: &str, other: &str) -> bool {
    let is_cut = |name: &str| name.len() + SUFFIX.len() > 61;
    let plain = |name: &str| name.strip_prefix("r-").unwrap_or(name).len();
    let length = plain(one);
    is_cut(one)
        || is_cut(other)
        || length == plain(other) && tail(one, length).eq(tail(other, length))
}

/// The last bytes of a name in reverse order, with dots replaced by hyphens.
fn tail(name: &str, length: usize) -> impl Iterator<Item = u8> {
    let bytes = name.bytes().rev().take(length);
    bytes.map(|byte| if byte == b'.' { b'-' } else { byte })
}

/// The precedence of workloads whose Services would have the same name. The first one keeps it. A
/// workload whose name is part of it unchanged comes before the others.
fn precedence(workload: &Identity) -> (bool, &str, &str) {
    let is_changed = name(&workload.name) != format!("{}{SUFFIX}", workload.name);
    (is_changed, &workload.kind, &workload.name)
}

/// The identity of a workload's Service, whether or not it exists.
pub fn identity(workload: &Workload) -> Identity {
    let workload = &workload.resource.identity;
    Identity {
        api_version: "v1".to_owned(),
        kind: "Service".to_owned(),
        name: name(&workload.name),
        namespace: workload.namespace.clone(),
        ..Identity::default()
    }
}

/// The command that shows a Service's address.
pub(super) fn kubectl(service: &Identity) -> String {
    if service.namespace.is_empty() {
        format!("kubectl get service {}", service.name)
    } else {
        format!(
            "kubectl --namespace {} get service {}",
            service.namespace, service.name
        )
    }
}

/// Says that the removal of a Service from the manifests does not delete it in the cluster.
pub(super) fn removed(service: &Resource) -> FunctionResult {
    let kind = service.value.at("/spec/type").and_then(Value::as_str);
    let what = match kind {
        Some("LoadBalancer") => "it and its load balancer stay",
        _ => "it stays",
    };
    let namespace = match service.identity.namespace.as_str() {
        "" => String::new(),
        namespace => format!("--namespace {namespace} "),
    };
    FunctionResult::info(format!(
        "is removed from the manifests; in the cluster {what} until an apply that prunes, or \
         `kubectl {namespace}delete service {}`, deletes it",
        service.identity.name
    ))
    .about(&service.identity)
}

/// Finds a workload's Service in the list. A live Service among the items is an observation and not a
/// manifest; [`live_item`] tells which are both.
///
/// # Errors
/// A Service of that name, or a workload whose Service would have it, that cannot be parsed.
pub(super) fn find(list: &ResourceList<'_>, workload: &Workload) -> Result<Existing, Refusal> {
    let plain = identity(workload);
    let own = &workload.resource.identity;
    let apart = Identity {
        name: name_apart(own),
        ..plain.clone()
    };
    let rivals = rivals(list, workload)?;
    let is_first = rivals
        .iter()
        .all(|rival| precedence(own) < precedence(&rival.resource.identity));
    let leads_to_rival = |service: &Resource| rivals.iter().any(|rival| leads_to(service, rival));
    let mut is_taken = false;
    let mut observed = None;
    for wanted in [&plain, &apart] {
        let mut services = named(list, wanted)?;
        // The list may have a live Service beside its manifest.
        services.sort_by_key(observed::is_live);
        for service in services {
            if service.annotation(OBSERVED).is_some() {
                continue;
            }
            if is_ours(&service) {
                let belongs = rivals.is_empty()
                    || wanted.name == apart.name
                    || leads_to(&service, workload)
                    || is_first && !leads_to_rival(&service);
                if !belongs {
                    is_taken = true;
                } else if live_item::is_observation(&service) {
                    observed.get_or_insert(service.identity);
                } else {
                    return Ok(Existing::Ours(service));
                }
            } else if is_first && wanted.name == plain.name && !live_item::is_observation(&service)
            {
                return Ok(Existing::Foreign(service));
            }
        }
    }
    Ok(Existing::None(match observed {
        Some(identity) => Identity {
            namespace: plain.namespace,
            path: None,
            index: None,
            ..identity
        },
        None if is_first && !is_taken => plain,
        None => apart,
    }))
}

/// The Services of a name and namespace. A manifest without a namespace fits any.
fn named(list: &ResourceList<'_>, service: &Identity) -> Result<Vec<Resource>, ReadError> {
    let exact = owned::find(list, &service.kind, &service.name, &service.namespace)?;
    if !exact.is_empty() {
        return Ok(exact);
    }
    if service.namespace.is_empty() {
        // If two namespaces have Services with this name, it is ambiguous.
        let mut found = Vec::new();
        for item in list.candidates(&["Service"], &service.name) {
            let (_, name, _) = list.head(item);
            if name == service.name {
                found.push(list.resource(item)?);
            }
        }
        let namespaces: BTreeSet<&str> = found
            .iter()
            .map(|service| service.identity.namespace.as_str())
            .collect();
        return Ok(if namespaces.len() == 1 {
            found
        } else {
            Vec::new()
        });
    }
    owned::find(list, &service.kind, &service.name, "")
}

/// The first entry of a Service's ports that leads to `port` of the workload's pods.
pub fn entry_to<'s>(service: &'s Resource, workload: &Workload, port: u16) -> Option<&'s Value> {
    entries_to(service, workload, port).into_iter().next()
}

/// The entries of a Service's ports that lead to `port` of the workload's pods.
pub(super) fn entries_to<'s>(
    service: &'s Resource,
    workload: &Workload,
    port: u16,
) -> Vec<&'s Value> {
    if !leads_to(service, workload) {
        return Vec::new();
    }
    let ports = service.value.at("/spec/ports").and_then(Value::as_array);
    let is_tcp = |entry: &Value| {
        let protocol = entry.get("protocol").and_then(Value::as_str);
        matches!(protocol, None | Some("TCP"))
    };
    // If no container has a port with that name, it refers to the port that will be added.
    let leads = |entry: &Value| match port::target_of(entry, workload) {
        Some(target) => target == port,
        None => entry.get("targetPort") == Some(&json!(PORT_NAME)),
    };
    let entries = ports.into_iter().flatten();
    entries
        .filter(|entry| is_tcp(entry) && leads(entry))
        .collect()
}

/// True when a Service selects the workload's pods.
pub fn leads_to(service: &Resource, workload: &Workload) -> bool {
    let selector = service.value.at("/spec/selector");
    let selector = selector.and_then(Value::as_object);
    selector.is_some_and(|selector| !selector.is_empty() && selects(selector, workload))
}

/// The entry for the session server's port: the one with its name, otherwise the only one.
pub fn own_port(service: &Value) -> Option<&Value> {
    let ports = service.at("/spec/ports")?.as_array()?;
    let named = ports
        .iter()
        .find(|port| port.get("name").and_then(Value::as_str) == Some(PORT_NAME));
    let only = match ports.as_slice() {
        [only] => Some(only),
        _ => None,
    };
    named.or(only)
}

/// True when a selector selects the pods of a workload.
pub(super) fn selects(selector: &Map<String, Value>, workload: &Workload) -> bool {
    let labels = workload.pod_labels();
    selector
        .iter()
        .all(|(key, value)| labels.get(key) == Some(value))
}

/// What happens to the Service in front of a runner.
#[derive(Clone, Debug)]
pub enum ServicePlan {
    /// It is added.
    Made {
        /// What it is called.
        identity: Identity,
        /// The Service.
        service: Value,
    },
    /// The Service of an earlier run is updated.
    Updated {
        /// The current Service.
        existing: Resource,
        /// The desired Service.
        desired: Value,
    },
    /// It is the user's own, and stays as it is.
    Adopted(Identity),
    /// Each pod is reached individually. The companions have the name that the Service would have.
    None(Identity),
    /// The same, and the one of an earlier run is removed.
    Removed(Resource),
}

impl ServicePlan {
    /// Plans a Service of ours.
    pub(super) fn ours(
        existing: Option<Resource>,
        context: ExposureContext<'_>,
        exposure: &Exposure,
        source: &AddressSource,
        target_port: &Value,
    ) -> Result<Self, Refusal> {
        let desired = desired(context, exposure, source, target_port)?;
        Ok(match existing {
            Some(existing) => Self::Updated { existing, desired },
            None => {
                let made = Resource::new(usize::MAX, desired);
                Self::Made {
                    identity: made.identity,
                    service: Rc::unwrap_or_clone(made.value),
                }
            }
        })
    }

    /// What the Service is called.
    pub fn identity(&self) -> &Identity {
        match self {
            Self::Made { identity, .. } | Self::Adopted(identity) | Self::None(identity) => {
                identity
            }
            Self::Updated { existing, .. } | Self::Removed(existing) => &existing.identity,
        }
    }

    /// Writes the Service; a new one comes after its workload.
    pub(super) fn patch(self, workload: &Resource, patches: &mut Patches) -> Result<(), Refusal> {
        match self {
            Self::Made { service, .. } => patches.add_after(workload, service),
            Self::Updated { existing, desired } => update(&existing, &desired, patches)?,
            Self::Removed(existing) => patches.remove_item(&existing),
            Self::Adopted(_) | Self::None(_) => {}
        }
        Ok(())
    }
}

fn update(existing: &Resource, desired: &Value, patches: &mut Patches) -> Result<(), Refusal> {
    if observed::is_live(existing) {
        live_item::declare(existing, patches);
    }
    owned::update_metadata(existing, desired, patches);
    for name in [ADDRESS_FROM, NODE_ADDRESS, RELAY_NAMESPACE] {
        if desired.at(&annotation(name)).is_none() {
            patches.remove(existing, &annotation(name));
        }
    }
    // It is no longer headless.
    let cluster_ip = "/spec/clusterIP";
    if existing.value.at(cluster_ip) == Some(&json!("None")) && desired.at(cluster_ip).is_none() {
        patches.remove(existing, cluster_ip);
    }
    let Some(spec) = desired.get("spec").and_then(Value::as_object) else {
        return Err(Internal::new("a planned Service has no spec").into());
    };
    for (key, value) in spec.iter().filter(|(key, _)| *key != "ports") {
        patches.set(existing, &format!("/spec/{key}"), value.clone());
    }
    for key in MANAGED {
        if !spec.contains_key(key) {
            patches.remove(existing, &format!("/spec/{key}"));
        }
    }
    update_port(existing, desired, patches)?;
    remove_node_ports(existing, desired, patches);
    Ok(())
}

/// Removes the node port that an earlier exposure has set and this one does not. A Service of type
/// ClusterIP keeps none at all, as Kubernetes refuses them there.
fn remove_node_ports(existing: &Resource, desired: &Value, patches: &mut Patches) {
    let is_inside = desired.at("/spec/type") == Some(&json!("ClusterIP"));
    let is_set = desired.at("/spec/ports/0/nodePort").is_some();
    let was_set = owned::set_by_exposure(existing).any(|entry| entry == NODE_PORT);
    let own = desired.at("/spec/ports/0/name").cloned();
    let ports = patches.current(existing).at("/spec/ports");
    let ports = ports.and_then(Value::as_array).into_iter().flatten();
    let is_to_go =
        |port: &Value| is_inside || was_set && !is_set && port.get("name") == own.as_ref();
    let to_go = ports.enumerate().filter(|(_, port)| is_to_go(port));
    let places: Vec<usize> = to_go.map(|(index, _)| index).collect();
    for index in places {
        patches.remove(existing, &format!("/spec/ports/{index}/nodePort"));
    }
}

/// Updates our port. Ports that others added, and fields that they set on ours, are left alone.
fn update_port(existing: &Resource, desired: &Value, patches: &mut Patches) -> Result<(), Refusal> {
    let Some(port) = desired.at("/spec/ports/0").and_then(Value::as_object) else {
        return Err(Internal::new("a planned Service has no port").into());
    };
    let ports = patches.current(existing).at("/spec/ports");
    let ports = ports
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let with = |field: &str| {
        ports
            .iter()
            .position(|entry| entry.get(field) == port.get(field))
    };
    // A port without a name is identified by its number, or is the only one: in a Service with
    // several ports, each must have a name.
    let only = || (ports.len() == 1 && ports.iter().all(|p| p.get("name").is_none())).then_some(0);
    match with("name").or_else(|| with("port")).or_else(only) {
        Some(index) => {
            for (key, value) in port {
                patches.set(
                    existing,
                    &format!("/spec/ports/{index}/{key}"),
                    value.clone(),
                );
            }
        }
        None => patches.push(existing, "/spec/ports", Value::Object(port.clone())),
    }
    Ok(())
}

fn desired(
    context: ExposureContext<'_>,
    exposure: &Exposure,
    source: &AddressSource,
    target_port: &Value,
) -> Result<Value, Refusal> {
    let workload = context.workload;
    let strategy = exposure.strategy();
    let mut spec = exposure.service_spec();
    spec.insert("selector".to_owned(), Value::Object(workload.selector()));
    let mut port = Map::from_iter([
        ("name".to_owned(), json!(PORT_NAME)),
        ("port".to_owned(), json!(strategy.service_port(context))),
        ("protocol".to_owned(), json!("TCP")),
        ("targetPort".to_owned(), target_port.clone()),
    ]);
    if let Some(node_port) = strategy.node_port(context) {
        port.insert("nodePort".to_owned(), json!(node_port));
    }
    spec.insert("ports".to_owned(), json!([port]));
    let mut annotations: BTreeMap<String, String> = strategy.annotations().into_iter().collect();
    annotations.extend(exposure.service.annotations.clone());
    let labels = &exposure.service.labels;
    let sets_node_port = strategy.node_port(context).is_some();
    record_exposure(&mut annotations, labels, sets_node_port);
    if let AddressSource::Known(_) | AddressSource::Given = source {
        annotations.insert(ADDRESS_FROM.to_owned(), "exposure".to_owned());
    }
    let mut service = context.service.skeleton();
    service.insert("spec".to_owned(), Value::Object(spec));
    owned::mark(Value::Object(service), workload, labels, &annotations)
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn names_fit_a_service() {
        assert_eq!(name("gr-gitlab-runner"), "gr-gitlab-runner-session-server");
        assert_eq!(name("runner.prod"), "runner-prod-session-server");
        assert_eq!(name("0runner"), "r-0runner-session-server");
        let (one, other) = (name(&"a".repeat(80)), name(&"a".repeat(81)));
        assert!(one.len() <= 63 && other.len() <= 63 && one != other);
    }
}

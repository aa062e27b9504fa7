//! The user's own Services that already lead to a session server. They are adopted instead of
//! adding another Service.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::companions::{self, CompanionScope};
use super::pods::namespaces;
use super::{live_item, live_service, service};
use crate::address::Address;
use crate::observed::OBSERVED;
use crate::ownership::is_ours;
use crate::runner::{WORKLOAD_KINDS, Workload};
use krm::bookkeeping::OWNED_BY;
use krm::resource::{Identity, Resource};
use krm::resource_list::{ReadError, ResourceList, is_compatible};
use krm::results::{FunctionResult, Refusal};
use yaml_splice::pointer::At as _;

/// A Service that this function did not make, and its port that leads to the session server.
#[derive(Clone, Debug)]
pub struct Adoptable {
    /// The Service as it is in the list.
    pub service: Resource,
    /// The Service's port, not the pod's.
    pub port: u16,
    /// The port on every node, if the manifest sets one.
    pub node_port: Option<u16>,
}

impl Adoptable {
    /// `None` where the Service does not lead to this port of the workload's pods. If several of its
    /// ports do, it is the one of `address`, which is advertised already; otherwise the first.
    pub fn of(
        service: &Resource,
        workload: &Workload,
        listen_port: u16,
        address: Option<&str>,
    ) -> Option<Self> {
        let advertised = address.and_then(|address| Address::parse(address).ok()?.port);
        // At the nodes, unless the Service has addresses of its own.
        let kind = service.value.at("/spec/type").and_then(Value::as_str);
        let is_node_port =
            kind == Some("NodePort") && live_service::external_ips(&service.value).next().is_none();
        let field = if is_node_port { "nodePort" } else { "port" };
        let number = |entry: &Value, field: &str| u16::try_from(entry.get(field)?.as_u64()?).ok();
        let entries = service::entries_to(service, workload, listen_port);
        let is_advertised =
            |entry: &&&Value| advertised.is_some() && number(entry, field) == advertised;
        let entry = entries.iter().find(is_advertised).or(entries.first())?;
        Some(Self {
            port: number(entry, "port")?,
            node_port: number(entry, "nodePort"),
            service: service.clone(),
        })
    }
}

/// The user's Services of a list by the labels that they select.
#[derive(Debug, Default)]
pub struct Services {
    by_label: BTreeMap<(String, String), Vec<Resource>>,
    /// Services that an earlier run made.
    own: Vec<Resource>,
}

impl Services {
    /// Collects the Services that may select the pods of these runners.
    ///
    /// # Errors
    /// A Service that mentions a runner's label and cannot be parsed.
    pub fn of<W: Borrow<Workload>>(
        list: &ResourceList<'_>,
        runners: &[W],
    ) -> Result<Self, ReadError> {
        let labels = runners.iter().flat_map(|one| one.borrow().pod_labels());
        let words: BTreeSet<&str> = labels.filter_map(|(_, value)| value.as_str()).collect();
        let items = list.candidates_beside(&["Service"], &namespaces(runners), &words);
        let mut services = Self::default();
        for item in items {
            let service = list.resource(item)?;
            if service.annotation(OBSERVED).is_some() {
                continue;
            }
            if is_ours(&service) {
                services.own.push(service);
                continue;
            }
            let selector = service
                .value
                .at("/spec/selector")
                .and_then(Value::as_object);
            for (key, value) in selector.into_iter().flatten() {
                let label = (key.clone(), value.as_str().unwrap_or_default().to_owned());
                let of_label = services.by_label.entry(label).or_default();
                of_label.push(service.clone());
            }
        }
        Ok(services)
    }

    /// Warns of Services that an earlier run made for these pods when their workload had another name,
    /// and of what it made for them. `made` is the Service of this run.
    ///
    /// # Errors
    /// An object of ours that cannot be parsed.
    pub(super) fn left_behind(
        &self,
        list: &ResourceList<'_>,
        workload: &Workload,
        made: &Identity,
    ) -> Result<Vec<FunctionResult>, ReadError> {
        let others = self.own.iter().filter(|service| {
            let identity = &service.identity;
            identity.name != made.name
                && is_compatible(&identity.namespace, &made.namespace)
                && service::leads_to(service, workload)
                && !live_item::is_observation(service)
        });
        let warn = |service: &Resource| {
            let with = with_companions(list, service)?;
            let or = match service.value.at("/spec/type").and_then(Value::as_str) {
                Some("LoadBalancer") => ", or it keeps a second load balancer",
                _ => "",
            };
            Ok(FunctionResult::warning(format!(
                "leads to the pods of {}, and was made by this function when that had another name: \
                 {} takes its place, so remove it{with}{or}",
                workload.resource.identity, made.name
            ))
            .about(&service.identity))
        };
        others.map(warn).collect()
    }

    /// The user's Services that lead to the pods of a workload.
    pub(super) fn leading_to(&self, workload: &Workload) -> Vec<&Resource> {
        let mut services = self.selecting(workload.pod_labels());
        services.retain(|service| service::leads_to(service, workload));
        services
    }

    /// The Services that select one of these labels, in the order of the list.
    fn selecting(&self, labels: &Map<String, Value>) -> Vec<&Resource> {
        let found = labels.iter().filter_map(|(key, value)| {
            let value = value.as_str().unwrap_or_default();
            self.by_label.get(&(key.clone(), value.to_owned()))
        });
        let by_item = found.flatten().map(|service| (service.item, service));
        by_item.collect::<BTreeMap<_, _>>().into_values().collect()
    }
}

/// The Services that earlier runs made and that are not named after a workload of their namespace,
/// and, if there are any, all workloads. `skipped` are the places in the list of Services to leave
/// out.
///
/// # Errors
/// A resource that cannot be parsed.
pub(super) fn not_named_after_workloads(
    list: &ResourceList<'_>,
    skipped: &BTreeSet<usize>,
) -> Result<(Vec<Resource>, Vec<Workload>), ReadError> {
    let mut candidates = list.candidates(&["Service"], OWNED_BY);
    candidates.retain(|item| !skipped.contains(item));
    if candidates.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let workloads = list.resources().filter_map(|item| {
        let (kind, name, namespace) = list.head(item);
        let is_workload = WORKLOAD_KINDS.contains(&kind);
        is_workload.then(|| (service::name(name), namespace))
    });
    let named: BTreeSet<(String, &str)> = workloads.collect();
    let mut services = Vec::new();
    for item in candidates {
        let (_, name, namespace) = list.head(item);
        if !named.contains(&(name.to_owned(), namespace)) {
            services.push(list.resource(item)?);
        }
    }
    services.retain(is_ours);
    let mut workloads = Vec::new();
    if !services.is_empty() {
        for item in list.candidates(&WORKLOAD_KINDS, "") {
            workloads.extend(Workload::new(list.resource(item)?));
        }
    }
    Ok((services, workloads))
}

/// Warns of Services that an earlier run made for a workload that is not in the list, or is in another
/// namespace now. `removed` are the places in the list of what this run removes.
///
/// # Errors
/// A resource that cannot be parsed.
pub fn left_without_workload(
    list: &ResourceList<'_>,
    removed: &BTreeSet<usize>,
) -> Result<Vec<FunctionResult>, ReadError> {
    let (services, workloads) = not_named_after_workloads(list, removed)?;
    let mut results = Vec::new();
    for service in services {
        let is_observed =
            service.annotation(OBSERVED).is_some() || live_item::is_observation(&service);
        let is_behind = |workload: &Workload| {
            let namespace = &workload.resource.identity.namespace;
            is_compatible(namespace, &service.identity.namespace)
                && service::leads_to(&service, workload)
        };
        if !is_observed && !workloads.iter().any(is_behind) {
            let with = with_companions(list, &service)?;
            let message = format!(
                "was made by this function for a workload that is not in the list: if that is gone, or \
                 has another namespace now, remove it{with}"
            );
            results.push(FunctionResult::warning(message).about(&service.identity));
        }
    }
    Ok(results)
}

/// What was made for a Service, to be read after it: ` and Role ci/a, RoleBinding ci/a`, or nothing.
fn with_companions(list: &ResourceList<'_>, service: &Resource) -> Result<String, ReadError> {
    let companions = companions::made(list, CompanionScope::of(service))?;
    let names: Vec<String> = companions
        .iter()
        .map(|one| one.identity.to_string())
        .collect();
    Ok(match names.is_empty() {
        true => String::new(),
        false => format!(" and {}", names.join(", ")),
    })
}

/// Finds the Service through which GitLab reaches a runner's session server on `listen_port`.
///
/// `address` is the address that is advertised already, if any. With `inside`, a Service without an
/// address outside the cluster counts too, as something else may be in front of it.
///
/// # Errors
/// There are several, and none of them has the address.
pub fn find(
    services: &Services,
    workload: &Workload,
    listen_port: u16,
    address: Option<&str>,
    inside: bool,
) -> Result<Option<Adoptable>, Refusal> {
    let mut found = leading(services, workload, listen_port, address);
    found.retain(|one| inside || rank(&one.service) < INSIDE);
    if let Some(address) = address {
        let has_it = |one: &Adoptable| has_address(one, address);
        if found.iter().any(has_it) {
            found.retain(has_it);
        }
    }
    let best = found.iter().map(|one| rank(&one.service)).min();
    found.retain(|one| Some(rank(&one.service)) == best);
    match (found.len(), found.pop()) {
        (0 | 1, last) => Ok(last),
        (_, last) => {
            let names: Vec<String> = found
                .iter()
                .chain(&last)
                .map(|one| one.service.identity.to_string())
                .collect();
            Err(Box::new(
                FunctionResult::error(format!(
                    "several Services lead to port {listen_port} of its pods ({}), so it cannot be \
                     told which one GitLab is to use: leave one of them, or give the others another \
                     selector or targetPort",
                    names.join(", ")
                ))
                .about(&workload.resource.identity)
                .at("spec.selector"),
            ))
        }
    }
}

/// The user's Services that lead to a port of the workload's pods.
fn leading(
    services: &Services,
    workload: &Workload,
    port: u16,
    address: Option<&str>,
) -> Vec<Adoptable> {
    let namespace = &workload.resource.identity.namespace;
    let mut found: Vec<Adoptable> = Vec::new();
    for service in services.selecting(workload.pod_labels()) {
        if !is_compatible(&service.identity.namespace, namespace) {
            continue;
        }
        let Some(one) = Adoptable::of(service, workload, port, address) else {
            continue;
        };
        // A manifest and its live export count as one Service.
        let identity = &one.service.identity;
        let same = found.iter().position(|other| {
            other.service.identity.name == identity.name
                && is_compatible(&other.service.identity.namespace, &identity.namespace)
        });
        match same.and_then(|place| found.get_mut(place)) {
            Some(other) if live_item::is_observation(&other.service) => *other = one,
            Some(_) => {}
            None => found.push(one),
        }
    }
    found
}

/// The rank of Services without an address outside the cluster.
const INSIDE: u8 = 2;

/// How likely GitLab uses a Service; lower is likelier.
fn rank(service: &Resource) -> u8 {
    let spec = |field: &str| service.value.at(&format!("/spec/{field}"));
    let external = spec("externalIPs").and_then(Value::as_array);
    if external.is_some_and(|all| !all.is_empty()) {
        return 0;
    }
    match spec("type").and_then(Value::as_str) {
        Some("LoadBalancer") => 0,
        Some("NodePort") => 1,
        _ if spec("clusterIP") != Some(&json!("None")) => INSIDE,
        _ => INSIDE + 1,
    }
}

/// True when the Service's manifest or status names this address.
fn has_address(one: &Adoptable, address: &str) -> bool {
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => (host, port.parse().ok()),
        _ => (address, None),
    };
    let host = host.trim_matches(['[', ']']);
    let value = &one.service.value;
    let ingress = value.at("/status/loadBalancer/ingress");
    let ingress = ingress.and_then(Value::as_array).into_iter().flatten();
    let mut hosts: Vec<&str> = ingress
        .flat_map(|entry| [entry.get("ip"), entry.get("hostname")])
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    hosts.extend(value.at("/spec/loadBalancerIP").and_then(Value::as_str));
    let external = value.at("/spec/externalIPs").and_then(Value::as_array);
    hosts.extend(external.into_iter().flatten().filter_map(Value::as_str));
    for name in [
        "external-dns.alpha.kubernetes.io/hostname",
        "metallb.io/loadBalancerIPs",
        "metallb.universe.tf/loadBalancerIPs",
    ] {
        let names = one.service.annotation(name).unwrap_or_default();
        hosts.extend(names.split(',').map(str::trim));
    }
    hosts.contains(&host) && port.is_none_or(|port: u16| port == one.port)
}

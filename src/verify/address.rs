//! Checks whether an `advertise_address` belongs to the Services of a runner.
//!
//! | the host | what is checked |
//! |---|---|
//! | `NAME.NAMESPACE.svc…`, or `NAME.NAMESPACE` of a Service of the list | that Service leads to the runner, and has the port |
//! | `POD.NAME.NAMESPACE.svc…` | that pod is the StatefulSet's, below its headless Service |
//! | a host of an Ingress, HTTPProxy, IngressRouteTCP, Route or TLSRoute | its backend is such a Service |
//! | a host of the relay | its route selects the runner's pods |
//! | any other | the port, and a fixed IP address or node address. The rest is not in the manifests |
//!
//! Source of the names: Kubernetes' documentation, "DNS for Services and Pods".

use std::net::IpAddr;

use serde_json::Value;

use super::inventory::{same_namespace, selector_of};
use super::route;
use super::target;
use super::terminal::{Reaching, Terminal, governing_service};
use crate::address::{Address, Host};
use crate::exposure::NODE_ADDRESS;
use crate::runner::Runner;
use crate::session_server::ADDRESS_FROM;
use krm::resource::{Identity, Resource, display_name};
use krm::resource_list::{ReadError, ResourceList};
use yaml_splice::pointer::At as _;

/// What is known of an address.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It leads to the runner, as far as manifests can tell.
    Right,
    /// It may: the answer depends on something that is not in the manifests.
    Doubtful(String),
    /// It does not.
    Wrong(String),
}

use Judgement::{Doubtful, Right, Wrong};

/// A name in the cluster's own DNS.
#[derive(Debug, PartialEq, Eq)]
struct ClusterName<'n> {
    pod: Option<&'n str>,
    service: &'n str,
    namespace: &'n str,
    /// What follows `svc`: the cluster's domain, unless it is an external domain.
    domain: String,
}

/// Judges an address.
pub(super) fn judge(
    list: &ResourceList<'_>,
    terminal: &Terminal<'_>,
    address: &Address,
    listen_port: u16,
    reaching: &[Reaching<'_>],
) -> Result<Judgement, ReadError> {
    let Some(port) = address.port else {
        return Ok(Wrong(
            "has no port, and the runner makes its certificate for the wrong host: write host:port"
                .to_owned(),
        ));
    };
    let host = match &address.host {
        Host::Name(name) => name.trim_end_matches('.').to_ascii_lowercase(),
        Host::Ip(ip) => ip.to_string(),
    };
    if let Host::Name(_) = &address.host
        && let Some(name) = cluster_name(&host, terminal)
    {
        let judgement = in_cluster(list, terminal, &name, port, listen_port, reaching);
        return Ok(judgement);
    }
    if let Some(judgement) = at_relay(list, terminal, &host, listen_port)? {
        return Ok(judgement);
    }
    Ok(at_service(
        list,
        terminal,
        &address.host,
        &host,
        port,
        reaching,
    ))
}

/// A host that is neither in the cluster's DNS nor that of the relay. `name`: the same in lower
/// case.
fn at_service(
    list: &ResourceList<'_>,
    terminal: &Terminal<'_>,
    host: &Host,
    name: &str,
    port: u16,
    reaching: &[Reaching<'_>],
) -> Judgement {
    let hosts: Vec<(String, Identity)> = terminal
        .inventory
        .routes
        .iter()
        .filter(|object| {
            reaching
                .iter()
                .any(|one| route::leads_to(list, object, one))
        })
        .flat_map(|object| {
            let hosts = route::hosts(object).into_iter();
            hosts.map(|host| (host, object.identity.clone()))
        })
        .collect();
    if hosts.iter().any(|(known, _)| fits(known, name)) {
        return Right;
    }
    let judgements: Vec<Judgement> = reaching
        .iter()
        .map(|one| outside(host, port, one))
        .collect();
    if judgements.contains(&Right) || reaching.is_empty() || has_relay_elsewhere(terminal, reaching)
    {
        return Right;
    }
    if let Some((known, object)) = hosts.first() {
        return Doubtful(format!(
            "is not the host of {object}, {known}, which leads to this runner. Advertise that one, \
             unless this one is an alias of it"
        ));
    }
    let doubt = judgements.into_iter().find(|one| *one != Right);
    doubt.unwrap_or(Right)
}

/// Parses a name in the cluster's DNS. A short name counts only if the list has a Service with that
/// name.
fn cluster_name<'n>(host: &'n str, terminal: &'n Terminal<'_>) -> Option<ClusterName<'n>> {
    let labels: Vec<&str> = host.split('.').collect();
    match labels.as_slice() {
        [service, namespace, "svc", domain @ ..] => Some(ClusterName {
            pod: None,
            service,
            namespace,
            domain: domain.join("."),
        }),
        [pod, service, namespace, "svc", domain @ ..] => Some(ClusterName {
            pod: Some(pod),
            service,
            namespace,
            domain: domain.join("."),
        }),
        [service, namespace] if terminal.inventory.service(service, namespace).is_some() => {
            Some(ClusterName {
                pod: None,
                service,
                namespace,
                domain: String::new(),
            })
        }
        [service]
            if terminal
                .inventory
                .service(service, terminal.namespace())
                .is_some() =>
        {
            Some(ClusterName {
                pod: None,
                service,
                namespace: terminal.namespace(),
                domain: String::new(),
            })
        }
        _ => None,
    }
}

/// A name in the cluster's DNS must be that of a Service that leads to the runner.
fn in_cluster(
    list: &ResourceList<'_>,
    terminal: &Terminal<'_>,
    name: &ClusterName<'_>,
    port: u16,
    listen_port: u16,
    reaching: &[Reaching<'_>],
) -> Judgement {
    let is_named = |service: &Resource| {
        service.identity.name == name.service
            && same_namespace(&service.identity.namespace, name.namespace)
    };
    let Some(one) = reaching.iter().find(|one| is_named(one.service)) else {
        return not_ours(terminal, name, reaching);
    };
    if let Some(pod) = name.pod {
        return of_pod(list, terminal.runner, pod, port, listen_port, one);
    }
    let ports = if is_headless(one.service) {
        vec![listen_port]
    } else {
        ports(one, "port")
    };
    has_port(&one.service.identity, &ports, port)
}

/// The name belongs to a Service that does not lead to the runner.
fn not_ours(
    terminal: &Terminal<'_>,
    name: &ClusterName<'_>,
    reaching: &[Reaching<'_>],
) -> Judgement {
    let named = display_name("Service", name.service, name.namespace);
    let right: Vec<String> = reaching
        .iter()
        .map(|one| one.service.identity.to_string())
        .collect();
    let instead = if right.is_empty() {
        String::new()
    } else {
        format!(" What leads to this runner is {}.", right.join(" or "))
    };
    let Some(other) = terminal.inventory.service(name.service, name.namespace) else {
        let is_of_cluster = ["", "cluster.local"].contains(&name.domain.as_str())
            || reaching
                .iter()
                .any(|one| one.service.annotation(ADDRESS_FROM).is_some());
        if !is_of_cluster {
            return Doubtful(format!(
                "reads as the name of {named}, which is not in these manifests.{instead} Right only \
                 where {} is a domain outside the cluster",
                name.domain
            ));
        }
        return Wrong(format!(
            "names {named}, which is not in these manifests.{instead} Where a namespace or a prefix \
             was set after the SessionServer wrote the address, run the SessionServer in the \
             kustomization that sets it"
        ));
    };
    let selector = selector_of(other);
    let mut selected = terminal
        .inventory
        .selected(&selector, &other.identity.namespace);
    let runs_something_else = selected
        .next()
        .is_some_and(|workload| !terminal.inventory.runners.contains(&workload.resource.item));
    if runs_something_else {
        return Doubtful(format!(
            "names {named}, which leads to other pods: right only where these pass TCP through to \
             the runner.{instead}"
        ));
    }
    Wrong(format!(
        "names {named}, which does not lead to the session server of this runner.{instead}"
    ))
}

/// The name of a StatefulSet's pod.
fn of_pod(
    list: &ResourceList<'_>,
    runner: &Runner,
    pod: &str,
    port: u16,
    listen_port: u16,
    one: &Reaching<'_>,
) -> Judgement {
    let resource = &runner.workload.resource;
    let service = &one.service.identity;
    let governing = governing_service(runner);
    // kustomize updates serviceName at the end of a build.
    let is_below = governing.is_some_and(|name| {
        name == service.name || list.has_renamed_items() && one.service.answers_to(name)
    });
    if !is_below {
        return Wrong(format!(
            "names a pod below {service}, and pods have names only below the Service that \
             spec.serviceName of a StatefulSet names: {}",
            match governing {
                Some(name) => format!("that is {name} in {}", resource.identity),
                None => format!("{} has none", resource.identity),
            }
        ));
    }
    let start = resource.value.at("/spec/ordinals/start");
    let first = start.and_then(Value::as_u64).unwrap_or(0);
    let expected = format!("{}-{first}", resource.identity.name);
    if pod != expected {
        return Wrong(format!(
            "names the pod {pod}, and the pod of {} is {expected}. Where a prefix was set after the \
             SessionServer wrote the address, run the SessionServer in the kustomization that sets it",
            resource.identity
        ));
    }
    let ports = if is_headless(one.service) {
        vec![listen_port]
    } else {
        ports(one, "port")
    };
    has_port(service, &ports, port)
}

fn has_port(service: &Identity, ports: &[u16], port: u16) -> Judgement {
    if ports.contains(&port) {
        return Right;
    }
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    Wrong(format!(
        "has the port {port}, and {service} leads to the session server at {}",
        ports.join(", ")
    ))
}

/// An address outside the cluster, and one of the runner's Services.
fn outside(host: &Host, port: u16, one: &Reaching<'_>) -> Judgement {
    let service = one.service;
    let identity = &service.identity;
    let text = |pointer: &str| service.value.at(pointer).and_then(Value::as_str);
    let kind = text("/spec/type").unwrap_or("ClusterIP");
    let external = service
        .value
        .at("/spec/externalIPs")
        .and_then(Value::as_array);
    let external: Vec<IpAddr> = external
        .into_iter()
        .flatten()
        .filter_map(|ip| ip.as_str()?.parse().ok())
        .collect();
    let (ports, node_ports) = (ports(one, "port"), ports(one, "nodePort"));
    let is_node_port = node_ports.contains(&port);
    match kind {
        "LoadBalancer" => {
            let fixed = text("/spec/loadBalancerIP").and_then(|ip| ip.parse::<IpAddr>().ok());
            if let (Some(fixed), Host::Ip(ip)) = (fixed, host)
                && fixed != *ip
                && !external.contains(ip)
                && !is_node_port
            {
                return Doubtful(format!("is not the loadBalancerIP of {identity}, {fixed}"));
            }
            doubt_port(identity, port, &[ports, node_ports].concat())
        }
        "NodePort" => {
            if let Host::Ip(ip) = host
                && external.contains(ip)
            {
                return doubt_port(identity, port, &[ports, node_ports].concat());
            }
            let nodes = service.annotation(NODE_ADDRESS);
            if let Some(nodes) = nodes
                && !nodes.eq_ignore_ascii_case(&host.to_string())
            {
                return Doubtful(format!(
                    "has another host than the address of the nodes that {identity} has in its \
                     annotation {NODE_ADDRESS}, {nodes}"
                ));
            }
            // The cluster chooses the port, and the manifests do not have it.
            if node_ports.is_empty() {
                return Right;
            }
            doubt_port(identity, port, &node_ports)
        }
        _ => match host {
            Host::Ip(ip) if external.contains(ip) => doubt_port(identity, port, &ports),
            Host::Ip(ip)
                if text("/spec/clusterIP").and_then(|text| text.parse().ok()) == Some(*ip) =>
            {
                doubt_port(identity, port, &ports)
            }
            _ => Doubtful(format!(
                "is outside the cluster, and {identity} is of type {kind}: nothing in these \
                 manifests leads from there to the Service. Right only where something else passes \
                 TCP through to it"
            )),
        },
    }
}

fn doubt_port(service: &Identity, port: u16, ports: &[u16]) -> Judgement {
    if ports.contains(&port) {
        return Right;
    }
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    Doubtful(format!(
        "has the port {port}, which {service} does not have (it has {}): right only where something \
         in front of the Service passes that port on to it",
        ports.join(", ")
    ))
}

/// The numbers in a field of the entries that lead to the session server.
fn ports(one: &Reaching<'_>, field: &str) -> Vec<u16> {
    let numbers = one.entries.iter();
    numbers
        .filter_map(|entry| target::number(entry.get(field)?))
        .collect()
}

fn is_headless(service: &Resource) -> bool {
    service.value.at("/spec/clusterIP").and_then(Value::as_str) == Some("None")
}

/// Matches a host against a host pattern of a route, in which `*.` stands for one or more labels.
fn fits(known: &str, host: &str) -> bool {
    let known = known.to_ascii_lowercase();
    match known.strip_prefix('*') {
        Some(suffix) => {
            suffix.starts_with('.') && host.ends_with(suffix) && host.len() > suffix.len()
        }
        None => known == host,
    }
}

/// Checks the relay's routes for this host: one of them must select the runner's pods. `None` if
/// there is no such route.
pub(super) fn at_relay(
    list: &ResourceList<'_>,
    terminal: &Terminal<'_>,
    host: &str,
    listen_port: u16,
) -> Result<Option<Judgement>, ReadError> {
    let workload = &terminal.runner.workload;
    let identity = &workload.resource.identity;
    let mut wrong = None;
    for (relay, route) in route::relay_routes(list, terminal.inventory)? {
        if !fits(&route.host, host) {
            continue;
        }
        let selects =
            same_namespace(&route.namespace, &identity.namespace) && route.selects(workload);
        if selects && route.port == listen_port {
            return Ok(Some(Right));
        }
        let reason = match selects {
            true => format!(
                "is the host of a route of {relay} to port {}, and the session server listens on \
                 {listen_port}",
                route.port
            ),
            false => format!(
                "is the host of a route of {relay}, which looks for pods with {} in the namespace {}: \
                 those of {identity} are not among them. Where a namespace, a prefix or labels were \
                 set after the SessionServer ran, run it in the kustomization that sets them",
                route.selector, route.namespace
            ),
        };
        // A route to another port of the runner's pods says more than one to other pods.
        if wrong.is_none() || selects {
            wrong = Some(reason);
        }
    }
    Ok(wrong.map(Wrong))
}

/// True if there is an account for a relay whose own manifests are elsewhere.
fn has_relay_elsewhere(terminal: &Terminal<'_>, reaching: &[Reaching<'_>]) -> bool {
    reaching.iter().any(|one| {
        let service = &one.service.identity;
        terminal.inventory.owned.iter().any(|object| {
            let account = &object.identity;
            let stem = account.name.rsplit_once("-relay");
            account.kind == "ServiceAccount"
                && stem.is_some_and(|(stem, suffix)| format!("{stem}{suffix}") == service.name)
                && same_namespace(&account.namespace, &service.namespace)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_wildcard_fits_below_it_alone() {
        for (known, host, expected) in [
            ("a.example.com", "a.example.com", true),
            ("A.example.com", "a.example.com", true),
            ("*.example.com", "a.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", ".example.com", false),
            ("*example.com", "a.example.com", false),
            ("*", "a.example.com", false),
        ] {
            assert_eq!(fits(known, host), expected, "{known} {host}");
        }
    }
}

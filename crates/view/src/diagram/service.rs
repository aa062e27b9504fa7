//! Finds the Service in front of a runner, and checks whether it leads to the session server.

use std::fmt;

use serde_json::Value;

use krm::resource::{Identity, Resource};
use krm::resource_list::ResourceList;
use runner_terminal::exposure::PORT_NAME;
use runner_terminal::observed::{OBSERVED, is_live};
use runner_terminal::ownership::is_ours;
use runner_terminal::runner::Workload;
use runner_terminal::session_server::adopt::{self, Services};
use runner_terminal::session_server::port::target_of;
use runner_terminal::session_server::service::{entry_to, identity, leads_to, own_port};

/// The session server's port of a Service.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Port {
    pub(super) number: u16,
    pub(super) target: Target,
    /// Its number, if a container has a port with that name.
    in_pod: Option<u16>,
}

/// The port in the pod, as a Service names it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Target {
    Number(u16),
    Name(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// How to recognise a Service of the user's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Adopted<'a> {
    /// The port of the pod that it leads to.
    pub(super) listen_port: u16,
    /// `advertise_address`, where the configuration has one.
    pub(super) address: Option<&'a str>,
}

/// Finds the Service: one that this function added; otherwise, if possible, the user's own that
/// leads to the session server; otherwise one with the name that this function would use.
pub(super) fn in_front_of(
    list: &ResourceList<'_>,
    workload: &Workload,
    adopted: Option<Adopted<'_>>,
) -> Option<Resource> {
    let named = made_or_named(list, workload);
    if named.as_ref().is_some_and(is_ours) {
        return named;
    }
    let users = adopted.and_then(
        |Adopted {
             listen_port,
             address,
         }| {
            let leads_there =
                |service: &&Resource| entry_to(service, workload, listen_port).is_some();
            match named.as_ref().filter(leads_there) {
                Some(service) => Some(service.clone()),
                None => {
                    let services = Services::of(list, &[workload]).ok()?;
                    let inside = address.is_some();
                    let found = adopt::find(&services, workload, listen_port, address, inside);
                    found.ok().flatten().map(|found| found.service)
                }
            }
        },
    );
    users.or(named)
}

/// A Service that selects the runner's pods, among those that this function added, or that have the
/// name that it would use.
fn made_or_named(list: &ResourceList<'_>, workload: &Workload) -> Option<Resource> {
    let Identity {
        kind,
        name,
        namespace,
        ..
    } = identity(workload);
    // Almost every Service has this name; only the others require a search through all of them.
    let mut items: Vec<usize> = list.named(&kind, &name, &namespace).collect();
    if items.is_empty() {
        items = list.candidates(&[&kind], PORT_NAME);
    }
    let services = items
        .into_iter()
        .filter_map(|item| list.resource(item).ok());
    let services = services.filter(|service| {
        service.identity.kind == kind
            && service.identity.namespace == namespace
            && service.annotation(OBSERVED).is_none()
            && (service.answers_to(&name) || is_ours(service) && leads_to(service, workload))
    });
    // An exported live Service may be beside its manifest.
    services.min_by_key(|service| {
        (
            !leads_to(service, workload),
            is_live(service),
            !is_ours(service),
        )
    })
}

/// The session server's port: of a Service of the user's, the one that leads to `listens`.
pub(super) fn port(service: &Resource, workload: &Workload, listens: Option<u16>) -> Option<Port> {
    let leading = listens
        .filter(|_| !is_ours(service))
        .and_then(|listens| entry_to(service, workload, listens));
    let port = leading.or_else(|| own_port(&service.value))?;
    let number = u16::try_from(port.get("port")?.as_u64()?).ok()?;
    let target = match port.get("targetPort") {
        Some(Value::String(name)) => Target::Name(name.clone()),
        None | Some(Value::Null) => Target::Number(number),
        Some(target) => Target::Number(u16::try_from(target.as_u64()?).ok()?),
    };
    Some(Port {
        number,
        target,
        in_pod: target_of(port, workload),
    })
}

/// Why connections to a Service do not reach the session server, which listens on `listens`.
pub(super) fn problem(
    service: &Resource,
    port: Option<&Port>,
    workload: &Workload,
    listens: Option<u16>,
) -> Option<String> {
    if !leads_to(service, workload) {
        return Some(format!(
            "its selector does not select the pods of {}",
            workload.resource.identity
        ));
    }
    let Some(port) = port else {
        return Some(format!(
            "has no port named {PORT_NAME}: add it to spec.ports"
        ));
    };
    let target = &port.target;
    let Some(number) = port.in_pod else {
        return Some(format!(
            "its targetPort is {target}, and no container of the pod has a port of that name"
        ));
    };
    let listens = listens.filter(|listens| *listens != number)?;
    Some(format!(
        "its targetPort {target} is port {number} of the pod, and the session server listens on \
         {listens}"
    ))
}

//! The Service in front of a runner: which it is, and whether it leads to the session server.

use std::fmt;

use serde_json::Value;

use crate::exposure::PORT_NAME;
use crate::observed::{OBSERVED, is_live};
use crate::resource::{Identity, Resource};
use crate::resource_list::ResourceList;
use crate::runner::Workload;
use crate::session_server::owned::is_ours;
use crate::session_server::service::{identity, leads_to, own_port};

/// The port of a Service that is the session server's.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Port {
    pub(super) number: u16,
    pub(super) target: Target,
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

/// Finds the Service: of those that this function made, or that are called as it would call its own,
/// one that selects the runner's pods.
pub(super) fn in_front_of(list: &ResourceList<'_>, workload: &Workload) -> Option<Resource> {
    let Identity {
        kind,
        name,
        namespace,
        ..
    } = identity(workload);
    // Nearly every one is called so; the others are looked for among all.
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
    // One that is exported from the cluster may stand beside its manifest.
    services.min_by_key(|service| {
        (
            !leads_to(service, workload),
            is_live(service),
            !is_ours(service),
        )
    })
}

/// The session server's port.
pub(super) fn port(service: &Resource) -> Option<Port> {
    let port = own_port(&service.value)?;
    let number = u16::try_from(port.get("port")?.as_u64()?).ok()?;
    let target = match port.get("targetPort") {
        Some(Value::String(name)) => Target::Name(name.clone()),
        Some(target) => Target::Number(u16::try_from(target.as_u64()?).ok()?),
        None => Target::Number(number),
    };
    Some(Port { number, target })
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
    let (target, number) = match &port.target {
        Target::Number(number) => (number.to_string(), Some(*number)),
        Target::Name(name) => (name.clone(), container_port(workload, name)),
    };
    let Some(number) = number else {
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

fn container_port(workload: &Workload, name: &str) -> Option<u16> {
    let mut ports = workload.containers().flat_map(|container| {
        let ports = container.value.get("ports").and_then(Value::as_array);
        ports.into_iter().flatten()
    });
    let port = ports.find(|port| port.get("name").and_then(Value::as_str) == Some(name))?;
    u16::try_from(port.get("containerPort")?.as_u64()?).ok()
}

//! The container port that the session server listens on.

use serde_json::{Value, json};

use super::ADDED_PORT;
use crate::exposure::PORT_NAME;
use crate::function_config::SessionServerSpec;
use crate::runner::{Container, Runner, Workload, field};
use krm::bookkeeping::annotation;
use krm::patch::Patches;
use krm::resource::Resource;
use krm::results::FunctionResult;
use krm::results::Refusal;
use yaml_splice::pointer::At as _;

/// The upstream chart's default.
const DEFAULT_PORT: u16 = 8093;
/// What the port is called: the first of these that no other container of the pod has.
const NAMES: [&str; 3] = [PORT_NAME, "runner-terminal", "web-terminal"];

/// The port that the session server is to listen on: what the functionConfig says, else what
/// the configuration says, else a port that is there by name, else 8093.
pub(super) fn listen_port(
    spec: &SessionServerSpec,
    configured: Option<u16>,
    runner: &Runner,
) -> u16 {
    match spec.listen_port {
        Some(port) => port.0,
        None => of_container(configured, runner),
    }
}

/// [`listen_port`] where no functionConfig says one.
pub fn of_container(configured: Option<u16>, runner: &Runner) -> u16 {
    let added = runner.workload.resource.annotation(ADDED_PORT);
    let by_name = || {
        ports(runner.container()?.value)
            .find(|port| {
                let name = port.get("name").and_then(Value::as_str);
                name.is_some() && (name == Some(PORT_NAME) || name == added)
            })
            .and_then(number)
    };
    configured.or_else(by_name).unwrap_or(DEFAULT_PORT)
}

/// Makes the container port and gives what the Service's `targetPort` names it by: its name, or its
/// number where another container has a port of that name.
///
/// # Errors
/// The number, or the name, belongs to something else in the pod.
pub(super) fn ensure(
    runner: &Runner,
    port: u16,
    metrics_port: Option<u16>,
    patches: &mut Patches,
) -> Result<Value, Refusal> {
    let resource = &runner.workload.resource;
    let pointer = runner.container_pointer("/ports");
    let refuse = |message: String| {
        Box::new(
            FunctionResult::error(message)
                .about(&resource.identity)
                .at(field(&pointer)),
        )
    };
    if metrics_port == Some(port) {
        return Err(refuse(format!(
            "port {port} is where the runner's metrics server listens (listen_address of \
             config.toml): set spec.listenPort of the functionConfig to another one"
        )));
    }
    for (name, container) in others(runner) {
        if ports(container).any(|p| number(p) == Some(port) && is_tcp(p)) {
            return Err(refuse(format!(
                "port {port} is in use by container {name:?} of the same pod: set spec.listenPort of \
                 the functionConfig to another one"
            )));
        }
    }
    // Kubernetes takes the first port of a name that any container of the pod has.
    let is_taken = |name: &str| {
        let mut others = others(runner).into_iter();
        others.any(|(_, container)| ports(container).any(|p| text(p, "name") == Some(name)))
    };
    let added = added(resource).map(|(_, name)| name);
    let by_name = |name: &str| {
        // Another name than the Service's own says nothing to a reader: the number does.
        if is_taken(name) || added == Some(name) && name != PORT_NAME {
            json!(port)
        } else {
            json!(name)
        }
    };
    let own = patches.current(resource).at(&pointer);
    let own = own.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if let Some(existing) = own.iter().find(|p| number(p) == Some(port) && is_tcp(p)) {
        return match text(existing, "name") {
            Some("metrics") => Err(refuse(format!(
                "port {port} is the container's port \"metrics\": set spec.listenPort of the \
                 functionConfig to another one"
            ))),
            Some(name) => Ok(by_name(name)),
            None => Ok(json!(port)),
        };
    }
    let named = |name: &str| own.iter().position(|p| text(p, "name") == Some(name));
    if let Some(name) = added
        && let Some(index) = named(name)
    {
        let pointer = format!("{pointer}/{index}/containerPort");
        patches.set(resource, &pointer, json!(port));
        return Ok(by_name(name));
    }
    if named(PORT_NAME).is_some() {
        return Err(refuse(format!(
            "the container has a port named {PORT_NAME:?} with another number than {port}: rename \
             it, or set spec.listenPort of the functionConfig to its number"
        )));
    }
    let Some(name) = NAMES
        .into_iter()
        .find(|name| !is_taken(name) && named(name).is_none())
    else {
        return Err(refuse(format!(
            "other ports of the pod have the names {}: rename one of them",
            NAMES.join(", ")
        )));
    };
    let entry = json!({"name": name, "containerPort": port, "protocol": "TCP"});
    patches.push(resource, &pointer, entry);
    patches.set(resource, &annotation(ADDED_PORT), json!(note(runner, name)));
    Ok(if name == PORT_NAME {
        json!(name)
    } else {
        json!(port)
    })
}

/// The port of the pod that a Service's `targetPort` leads to, as Kubernetes looks it up: the first
/// TCP port of that name in any container, sidecars among the init containers last.
///
/// Source: `FindPort` in Kubernetes' `pkg/api/v1/pod`.
pub fn target_of(entry: &Value, workload: &Workload) -> Option<u16> {
    let target = entry.get("targetPort").filter(|target| !target.is_null());
    match target.or_else(|| entry.get("port"))? {
        Value::String(name) => {
            let containers: Vec<&Value> = workload
                .containers()
                .map(|container| container.value)
                .chain(sidecars(workload))
                .collect();
            let mut all = containers.into_iter().flat_map(ports);
            let found = all.find(|p| text(p, "name") == Some(name.as_str()) && is_tcp(p));
            found.and_then(number)
        }
        number => number.as_u64()?.try_into().ok(),
    }
}

/// The containers that run beside the runner's, by name: those of the pod, and its sidecars.
fn others(runner: &Runner) -> Vec<(&str, &Value)> {
    let own = runner.container().map(|container| container.index);
    let containers = runner.workload.containers();
    containers
        .filter(|container| Some(container.index) != own)
        .map(|container| container.value)
        .chain(sidecars(&runner.workload))
        .map(|container| (text(container, "name").unwrap_or_default(), container))
        .collect()
}

/// The init containers that go on running.
fn sidecars(workload: &Workload) -> impl Iterator<Item = &Value> {
    let containers = workload.pod("/spec/initContainers");
    let containers = containers.and_then(Value::as_array).into_iter().flatten();
    containers.filter(|container| text(container, "restartPolicy") == Some("Always"))
}

fn text<'v>(value: &'v Value, field: &str) -> Option<&'v str> {
    value.get(field)?.as_str()
}

/// What [`ADDED_PORT`] is to say: the port's name, and before it the container's, where nothing else
/// tells which container it is.
fn note(runner: &Runner, name: &str) -> String {
    let Some(own) = runner.container() else {
        return name.to_owned();
    };
    let others_have_it = runner
        .workload
        .containers()
        .any(|other| other.index != own.index && position(other, name).is_some());
    if others_have_it || !runner.workload.is_runner(own) {
        format!("{}/{name}", own.name)
    } else {
        name.to_owned()
    }
}

/// The port that an earlier run added: its container, where that is noted, and its name.
fn added(resource: &Resource) -> Option<(Option<&str>, &str)> {
    let note = resource.annotation(ADDED_PORT)?;
    Some(match note.split_once('/') {
        Some((container, name)) => (Some(container), name),
        None => (None, note),
    })
}

/// Takes away the port that [`ensure`] made, in the runner's container alone. False when there is
/// one, and several containers may be the one that has it.
pub(super) fn withdraw(
    workload: &Workload,
    own_container: Option<usize>,
    patches: &mut Patches,
) -> bool {
    let resource = &workload.resource;
    let Some((noted, name)) = added(resource) else {
        return true;
    };
    let having: Vec<Container<'_>> = workload
        .containers()
        .filter(|container| position(*container, name).is_some())
        .collect();
    let by = |is_it: &dyn Fn(&Container<'_>) -> bool| {
        let mut found = having.iter().filter(|container| is_it(container));
        let first = found.next();
        first.filter(|_| found.next().is_none())
    };
    let found = match noted {
        Some(noted) => by(&|container| container.name == noted),
        None => by(&|container| Some(container.index) == own_container)
            .or_else(|| by(&|container| workload.is_runner(*container)))
            .or_else(|| by(&|_| own_container.is_none())),
    };
    if let Some(container) = found
        && let Some(index) = position(*container, name)
    {
        let pointer = format!("/spec/containers/{}/ports/{index}", container.index);
        patches.remove(resource, &workload.pod_pointer(&pointer));
    }
    patches.remove(resource, &annotation(ADDED_PORT));
    found.is_some() || having.is_empty() || own_container.is_some()
}

/// The place of the port of a name among a container's ports.
fn position(container: Container<'_>, name: &str) -> Option<usize> {
    ports(container.value).position(|port| port.get("name").and_then(Value::as_str) == Some(name))
}

fn ports(container: &Value) -> impl Iterator<Item = &Value> {
    container
        .get("ports")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn number(port: &Value) -> Option<u16> {
    port.get("containerPort")?.as_u64()?.try_into().ok()
}

fn is_tcp(port: &Value) -> bool {
    matches!(
        port.get("protocol").and_then(Value::as_str),
        None | Some("TCP")
    )
}

//! The container port that the session server listens on.

use serde_json::{Value, json};

use super::ADDED_PORT;
use crate::exposure::PORT_NAME;
use crate::function_config::SessionServerSpec;
use crate::patch::{Patches, annotation};
use crate::pointer::At as _;
use crate::resource::Resource;
use crate::results::FunctionResult;
use crate::runner::{Container, Refusal, Runner, Workload, field};

/// The upstream chart's default.
const DEFAULT_PORT: u16 = 8093;

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
pub(super) fn of_container(configured: Option<u16>, runner: &Runner) -> u16 {
    let by_name = || {
        ports(runner.container()?.value)
            .find(|port| port.get("name").and_then(Value::as_str) == Some(PORT_NAME))
            .and_then(number)
    };
    configured.or_else(by_name).unwrap_or(DEFAULT_PORT)
}

/// Makes the container port and gives what the Service's `targetPort` names it by.
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
    let own_index = runner.container().map(|container| container.index);
    for other in runner.workload.containers() {
        if Some(other.index) != own_index && ports(other.value).any(|p| number(p) == Some(port)) {
            return Err(refuse(format!(
                "port {port} is in use by container {:?} of the same pod: set spec.listenPort of \
                 the functionConfig to another one",
                other.name
            )));
        }
    }
    let own = patches.current(resource).at(&pointer);
    let own = own.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let ours = added(resource).is_some();
    if let Some(existing) = own.iter().find(|p| number(p) == Some(port) && is_tcp(p)) {
        return match existing.get("name").and_then(Value::as_str) {
            Some("metrics") => Err(refuse(format!(
                "port {port} is the container's port \"metrics\": set spec.listenPort of the \
                 functionConfig to another one"
            ))),
            Some(name) => Ok(json!(name)),
            None => Ok(json!(port)),
        };
    }
    let named = own
        .iter()
        .position(|p| p.get("name").and_then(Value::as_str) == Some(PORT_NAME));
    match named {
        Some(index) if ours => {
            patches.set(
                resource,
                &format!("{pointer}/{index}/containerPort"),
                json!(port),
            );
        }
        Some(_) => {
            return Err(refuse(format!(
                "the container has a port named {PORT_NAME:?} with another number than {port}: \
                 rename it, or set spec.listenPort of the functionConfig to its number"
            )));
        }
        None => {
            let entry = json!({"name": PORT_NAME, "containerPort": port, "protocol": "TCP"});
            patches.push(resource, &pointer, entry);
            patches.set(resource, &annotation(ADDED_PORT), json!(note(runner)));
        }
    }
    Ok(json!(PORT_NAME))
}

/// What [`ADDED_PORT`] is to say: the port's name, and before it the container's, where nothing else
/// tells which container it is.
fn note(runner: &Runner) -> String {
    let Some(own) = runner.container() else {
        return PORT_NAME.to_owned();
    };
    let others_have_it = runner
        .workload
        .containers()
        .any(|other| other.index != own.index && position(other, PORT_NAME).is_some());
    if others_have_it || !runner.workload.is_runner(own) {
        format!("{}/{PORT_NAME}", own.name)
    } else {
        PORT_NAME.to_owned()
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

//! Which pod port a Service's port leads to.
//!
//! Source: `FindPort` in Kubernetes' `pkg/api/v1/pod`: a name means the first port of that name and
//! protocol among the containers, then among the native sidecars (init containers with
//! `restartPolicy: Always`).

use serde_json::Value;

use crate::runner::{Runner, Workload};

/// The port number in the pod that an entry of a Service's `ports` leads to; `None` where its
/// `targetPort` is a name that no container has.
pub(super) fn port_of(entry: &Value, workload: &Workload) -> Option<u16> {
    let target = entry.get("targetPort").or_else(|| entry.get("port"))?;
    match target {
        Value::String(name) => named(name, protocol(entry), workload).map(|(_, port)| port),
        // 0 and null count as absent.
        Value::Null => number(entry.get("port")?),
        other if other.as_u64() == Some(0) => number(entry.get("port")?),
        other => number(other),
    }
}

/// True when an entry of a Service's `ports` leads to a port of the runner's own container.
pub(super) fn reaches(entry: &Value, runner: &Runner, port: u16) -> bool {
    protocol(entry) == "TCP" && port_of(entry, &runner.workload) == Some(port)
}

/// The first container port of a name, and the name of its container.
fn named<'w>(name: &str, wanted: &str, workload: &'w Workload) -> Option<(&'w str, u16)> {
    let init = workload
        .pod("/spec/initContainers")
        .and_then(Value::as_array);
    let sidecars = init.into_iter().flatten().filter(|container| {
        container.get("restartPolicy").and_then(Value::as_str) == Some("Always")
    });
    let containers = workload.containers().map(|container| container.value);
    containers.chain(sidecars).find_map(|container| {
        let ports = container.get("ports")?.as_array()?;
        let port = ports.iter().find(|port| {
            port.get("name").and_then(Value::as_str) == Some(name) && protocol(port) == wanted
        })?;
        let owner = container.get("name").and_then(Value::as_str);
        Some((
            owner.unwrap_or_default(),
            number(port.get("containerPort")?)?,
        ))
    })
}

fn protocol(port: &Value) -> &str {
    port.get("protocol")
        .and_then(Value::as_str)
        .unwrap_or("TCP")
}

/// A port number.
pub(super) fn number(value: &Value) -> Option<u16> {
    u16::try_from(value.as_u64()?).ok().filter(|port| *port > 0)
}

/// The entries of a Service's `ports`.
pub(super) fn entries(service: &Value) -> impl Iterator<Item = &Value> {
    let ports = service
        .get("spec")
        .and_then(|spec| spec.get("ports")?.as_array());
    ports.into_iter().flatten()
}

/// `9000 (targetPort session-server)`, for messages.
pub(super) fn display_port(entry: &Value) -> String {
    let port = entry.get("port").map(Value::to_string).unwrap_or_default();
    match entry.get("targetPort") {
        Some(Value::String(name)) => format!("{port} (targetPort {name})"),
        Some(target) => format!("{port} (targetPort {target})"),
        None => port,
    }
}

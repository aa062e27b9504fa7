//! The container port that the session server listens on.

use serde_json::{Map, Value, json};

use super::ADDED_PORT;
use crate::exposure::PORT_NAME;
use crate::function_config::SessionServerSpec;
use crate::runner::{Container, MetricsPort, Runner, Workload};
use krm::Internal;
use krm::bookkeeping::annotation;
use krm::patch::Patches;
use krm::resource::Resource;
use krm::results::{FunctionResult, Refusal, field_path};
use yaml_splice::pointer::At as _;

/// The upstream chart's default.
const DEFAULT_PORT: u16 = 8093;
/// Names for the port. The first one that no other container of the pod has is used.
const NAMES: [&str; 3] = [PORT_NAME, "runner-terminal", "web-terminal"];

/// The port that the session server listens on: from the functionConfig, the configuration, or the
/// container port with its name, in this order; otherwise 8093.
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

/// [`listen_port`] without a functionConfig.
pub fn of_container(configured: Option<u16>, runner: &Runner) -> u16 {
    let added = added(&runner.workload.resource).map(|(_, name)| name);
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

/// The container port, and the required change.
#[derive(Clone, Debug, PartialEq)]
pub struct PortPlan {
    /// The port that the session server listens on.
    pub number: u16,
    /// `targetPort` of the Service: the port's name, or its number where another container has a port
    /// of that name.
    pub target: Value,
    /// What changes in the workload.
    pub change: PortChange,
}

/// What changes among a container's ports.
#[derive(Clone, Debug, PartialEq)]
pub enum PortChange {
    /// Nothing: the container has the port.
    None,
    /// The port that an earlier run added gets another number.
    Renumber {
        /// JSON pointer of the port.
        pointer: String,
        /// `hostPort`
        host: Option<u16>,
    },
    /// A port is added.
    Add {
        /// JSON pointer of the container's ports.
        ports: String,
        /// The port.
        entry: Value,
        /// The value of the annotation [`ADDED_PORT`].
        note: String,
    },
}

/// The numbers of the port.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    /// Where the session server listens in its pod.
    pub(super) listen: u16,
    /// `hostPort`: the port of the node that leads there.
    pub(super) host: Option<u16>,
}

/// Plans the container port.
///
/// # Errors
/// The number or the name is already used in the pod.
pub(super) fn plan(
    runner: &Runner,
    ports: Ports,
    metrics: Option<MetricsPort>,
) -> Result<PortPlan, Refusal> {
    let Ports { listen: port, host } = ports;
    let pod = PodPorts::of(runner);
    if let Some(message) = pod.conflict(port, metrics) {
        return Err(pod.refuse(message));
    }
    let plan = |target: Value, change: PortChange| PortPlan {
        number: port,
        target,
        change,
    };
    let ours = pod.added.and_then(|name| pod.named(name));
    if let Some(host) = host {
        pod.check_host_port(host, port)?;
    }
    let at_number = pod.own.iter().position(|entry| is_at(entry, port));
    if let Some(place) = at_number.filter(|place| Some(*place) != ours)
        && let Some(existing) = pod.own.get(place)
    {
        if let Some(host) = host
            && existing.get("hostPort") != Some(&json!(host))
        {
            return Err(pod.refuse(format!(
                "the container has port {port} already, without hostPort {host}: add it there, or \
                 remove the port, so that this function adds it"
            )));
        }
        let target = text(existing, "name").map_or(json!(port), |name| pod.target(name, port));
        return Ok(plan(target, PortChange::None));
    }
    if let Some(name) = pod.added
        && let Some(index) = pod.named(name)
    {
        let pointer = format!("{}/{index}", pod.pointer);
        let is_right = pod.own.get(index).is_some_and(|entry| {
            is_at(entry, port) && entry.get("hostPort") == host.map(|host| json!(host)).as_ref()
        });
        let change = match is_right {
            true => PortChange::None,
            false => PortChange::Renumber { pointer, host },
        };
        return Ok(plan(pod.target(name, port), change));
    }
    if let Some(entry) = pod.named(PORT_NAME).and_then(|index| pod.own.get(index)) {
        let message = match text(entry, "protocol") {
            Some(protocol) if protocol != "TCP" => format!(
                "the container has a port named {PORT_NAME:?} for {protocol}, and terminals need \
                 TCP: rename it"
            ),
            _ => format!(
                "the container has a port named {PORT_NAME:?} whose number is not {port}: rename \
                 it, or set spec.listenPort of the functionConfig to its number"
            ),
        };
        return Err(pod.refuse(message));
    }
    let is_free = |name: &&str| !pod.is_taken(name) && pod.named(name).is_none();
    let Some(name) = NAMES.into_iter().find(is_free) else {
        return Err(pod.refuse(format!(
            "other ports of the pod have the names {}: rename one of them",
            NAMES.join(", ")
        )));
    };
    let target = if name == PORT_NAME {
        json!(name)
    } else {
        json!(port)
    };
    let mut entry = Map::from_iter([
        ("name".to_owned(), json!(name)),
        ("containerPort".to_owned(), json!(port)),
    ]);
    entry.extend(host.map(|host| ("hostPort".to_owned(), json!(host))));
    entry.insert("protocol".to_owned(), json!("TCP"));
    let change = PortChange::Add {
        entry: Value::Object(entry),
        note: note(runner, name)?,
        ports: pod.pointer,
    };
    Ok(plan(target, change))
}

/// The ports that a runner's pod has.
struct PodPorts<'r> {
    runner: &'r Runner,
    /// JSON pointer of the ports of the runner's container.
    pointer: String,
    /// Those ports.
    own: &'r [Value],
    /// The other containers, by name.
    others: Vec<(&'r str, &'r Value)>,
    /// The name of the port that an earlier run added.
    added: Option<&'r str>,
}

impl<'r> PodPorts<'r> {
    fn of(runner: &'r Runner) -> Self {
        let resource = &runner.workload.resource;
        let pointer = runner.container_pointer("/ports");
        let own = resource.value.at(&pointer).and_then(Value::as_array);
        Self {
            own: own.map_or(&[][..], Vec::as_slice),
            others: others(runner),
            added: added(resource).map(|(_, name)| name),
            runner,
            pointer,
        }
    }

    fn refuse(&self, message: String) -> Refusal {
        Box::new(
            FunctionResult::error(message)
                .about(&self.runner.workload.resource.identity)
                .at(field_path(&self.pointer)),
        )
    }

    /// Why the session server cannot listen on a port that is already in use.
    fn conflict(&self, port: u16, metrics: Option<MetricsPort>) -> Option<String> {
        if let Some(metrics) = metrics.filter(|metrics| metrics.port == port) {
            return Some(format!(
                "port {port} is where the runner's metrics server listens ({}): set \
                 spec.listenPort of the functionConfig to another one",
                metrics.said_by
            ));
        }
        let mut others = self.others.iter();
        if let Some((name, _)) =
            others.find(|(_, container)| ports(container).any(|entry| is_at(entry, port)))
        {
            return Some(format!(
                "port {port} is in use by container {name:?} of the same pod: set spec.listenPort \
                 of the functionConfig to another one"
            ));
        }
        let own = self.own.iter().find(|entry| is_at(entry, port))?;
        (text(own, "name") == Some("metrics")).then(|| {
            format!(
                "port {port} is the container's port \"metrics\": set spec.listenPort of the \
                 functionConfig to another one"
            )
        })
    }

    /// Refuses a host port that another port of the pod uses.
    fn check_host_port(&self, host: u16, listen: u16) -> Result<(), Refusal> {
        let has_it = |entry: &&Value| entry.get("hostPort") == Some(&json!(host)) && is_tcp(entry);
        let others = self.others.iter().flat_map(|(_, other)| ports(other));
        let own = self
            .own
            .iter()
            .filter(|entry| number(entry) != Some(listen));
        if others.chain(own).any(|entry| has_it(&entry)) {
            return Err(self.refuse(format!(
                "host port {host} belongs to another port of the same pod: set \
                 spec.exposure.hostPort of the functionConfig to another one"
            )));
        }
        let at_one_ip = |entry: &&Value| has_it(entry) && text(entry, "hostIP").is_some();
        if self.own.iter().any(|entry| at_one_ip(&entry)) {
            return Err(self.refuse(format!(
                "host port {host} is bound to one IP address of the node by hostIP, which need not be \
                 the one that the pod advertises: leave hostIP out"
            )));
        }
        Ok(())
    }

    /// True if another container has a port with this name: Kubernetes uses the first one.
    fn is_taken(&self, name: &str) -> bool {
        let mut ports = self.others.iter().flat_map(|(_, other)| ports(other));
        ports.any(|entry| text(entry, "name") == Some(name))
    }

    /// The index of the runner's port of this name.
    fn named(&self, name: &str) -> Option<usize> {
        let mut own = self.own.iter();
        own.position(|entry| text(entry, "name") == Some(name))
    }

    /// `targetPort` for the runner's port with this name. If an earlier run invented the name, the
    /// number is more useful to a reader.
    fn target(&self, name: &str, port: u16) -> Value {
        let is_made_up = self.added == Some(name) && name != PORT_NAME;
        if self.is_taken(name) || is_made_up {
            json!(port)
        } else {
            json!(name)
        }
    }
}

/// True for a TCP port of this number.
fn is_at(entry: &Value, port: u16) -> bool {
    number(entry) == Some(port) && is_tcp(entry)
}

impl PortPlan {
    /// Writes the port into its workload.
    pub(super) fn patch(self, workload: &Resource, patches: &mut Patches) {
        match self.change {
            PortChange::None => {}
            PortChange::Renumber { pointer, host } => {
                let number = format!("{pointer}/containerPort");
                patches.set(workload, &number, json!(self.number));
                let host_port = format!("{pointer}/hostPort");
                match host {
                    Some(host) => patches.set(workload, &host_port, json!(host)),
                    None => patches.remove(workload, &host_port),
                }
            }
            PortChange::Add { ports, entry, note } => {
                patches.push(workload, &ports, entry);
                patches.set(workload, &annotation(ADDED_PORT), json!(note));
            }
        }
    }
}

/// The pod's port that a Service's `targetPort` leads to. As in Kubernetes, a name means the first TCP
/// port of that name in any container; sidecars among the init containers come last.
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

/// The containers that run alongside the runner's, including sidecars, with their names.
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

/// The init containers that keep running.
pub(super) fn sidecars(workload: &Workload) -> impl Iterator<Item = &Value> {
    let containers = workload.pod("/spec/initContainers");
    let containers = containers.and_then(Value::as_array).into_iter().flatten();
    containers.filter(|container| text(container, "restartPolicy") == Some("Always"))
}

fn text<'v>(value: &'v Value, field: &str) -> Option<&'v str> {
    value.get(field)?.as_str()
}

/// The value of [`ADDED_PORT`]: the port's name, after the container's name if the container cannot be
/// found again otherwise.
fn note(runner: &Runner, name: &str) -> Result<String, Refusal> {
    let own = runner
        .container()
        .ok_or_else(|| Internal::new("the container of a runner is not among those of its pod"))?;
    let others_have_it = runner
        .workload
        .containers()
        .any(|other| other.index != own.index && position(other, name).is_some());
    Ok(if others_have_it || !runner.workload.is_runner(own) {
        format!("{}/{name}", own.name)
    } else {
        name.to_owned()
    })
}

/// The container, if it is noted, and the name of the port that an earlier run added.
fn added(resource: &Resource) -> Option<(Option<&str>, &str)> {
    let note = resource.annotation(ADDED_PORT)?;
    Some(match note.split_once('/') {
        Some((container, name)) => (Some(container), name),
        None => (None, note),
    })
}

/// True for the port that an earlier run added to a container.
pub(super) fn is_added(runner: &Runner, container: Container<'_>, entry: &Value) -> bool {
    let Some((noted, name)) = added(&runner.workload.resource) else {
        return false;
    };
    let has_it = match noted {
        Some(noted) => container.name == noted,
        None => runner
            .container()
            .is_some_and(|own| own.index == container.index),
    };
    has_it && text(entry, "name") == Some(name)
}

/// What an undo does with the port that an earlier run added.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Withdrawal {
    /// No run has added a port, or it no longer exists.
    None,
    /// It is removed: its JSON pointer in the workload.
    Remove(String),
    /// Several containers have a port with that name, so it is ambiguous.
    Unknown,
}

/// Finds the port that an earlier run added to the runner's container.
pub(super) fn withdrawal(workload: &Workload, own_container: Option<usize>) -> Withdrawal {
    let Some((noted, name)) = added(&workload.resource) else {
        return Withdrawal::None;
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
        return Withdrawal::Remove(workload.pod_pointer(&pointer));
    }
    if having.is_empty() || own_container.is_some() {
        Withdrawal::None
    } else {
        Withdrawal::Unknown
    }
}

/// The index of the port of this name among a container's ports.
fn position(container: Container<'_>, name: &str) -> Option<usize> {
    ports(container.value).position(|port| port.get("name").and_then(Value::as_str) == Some(name))
}

/// The ports that a container declares.
pub(super) fn ports(container: &Value) -> impl Iterator<Item = &Value> {
    container
        .get("ports")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn number(port: &Value) -> Option<u16> {
    port.get("containerPort")?.as_u64()?.try_into().ok()
}

pub(super) fn is_tcp(port: &Value) -> bool {
    matches!(
        port.get("protocol").and_then(Value::as_str),
        None | Some("TCP")
    )
}

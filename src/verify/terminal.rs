//! One runner: its configuration, the Services in front of it, and its processes.

use std::net::IpAddr;

use serde_json::Value;

use super::address::{self, Judgement};
use super::inventory::{Inventory, same_namespace, selector_of, selects};
use super::{checksum_pointer, start, target};
use crate::address::Address;
use crate::exposure::PORT_NAME;
use crate::ownership::is_ours;
use crate::runner::start_container::{POD_NAME, StartContainer, StartSource};
use crate::runner::start_record::INIT_CONTAINER;
use crate::runner::{self, Runner};
use crate::session_server::ConfigLocation;
use crate::session_server::config_file::{ADVERTISE_ADDRESS, ConfigFile, LISTEN_ADDRESS, port_of};
use crate::session_server::settings::CHART_PLACEHOLDER;
use crate::session_server::{config_checksum, config_types, open_config};
use krm::resource::{Resource, display_name};
use krm::resource_list::{ReadError, ResourceList};
use krm::results::{FunctionResult, Severity, field_path};
use yaml_splice::pointer::At as _;

/// A runner and the Services that select its pods.
pub(super) struct Terminal<'a> {
    pub(super) runner: &'a Runner,
    pub(super) inventory: &'a Inventory,
    /// The Services that select its pods, whatever their ports.
    selecting: Vec<&'a Resource>,
}

/// A Service that leads to the session server.
#[derive(Clone, Debug)]
pub(super) struct Reaching<'a> {
    pub(super) service: &'a Resource,
    /// The entries of `spec.ports` that lead there.
    pub(super) entries: Vec<&'a Value>,
}

impl<'a> Terminal<'a> {
    /// Looks for the Services of a runner.
    pub(super) fn new(runner: &'a Runner, inventory: &'a Inventory) -> Self {
        let workload = &runner.workload;
        let namespace = &workload.resource.identity.namespace;
        let selecting = inventory.services.iter().filter(|service| {
            same_namespace(&service.identity.namespace, namespace)
                && selects(&selector_of(service), workload)
        });
        Self {
            runner,
            inventory,
            selecting: selecting.collect(),
        }
    }

    /// The problems of this runner; without any, where its terminals are reached.
    pub(super) fn findings(
        &self,
        list: &ResourceList<'_>,
        require_address: bool,
    ) -> Result<Vec<FunctionResult>, ReadError> {
        let config = match open_config(&self.runner.config) {
            Ok(config) => config,
            Err(refusal) => return Ok(vec![*refusal]),
        };
        let is_at_start = self.runner.start.is_some();
        let replaced: &[&str] = if is_at_start {
            &[ADVERTISE_ADDRESS]
        } else {
            &[]
        };
        let location = ConfigLocation::of(&self.runner.config);
        if let Err(refusal) = config_types::check(&config, &location, replaced) {
            return Ok(vec![*refusal]);
        }
        if is_at_start {
            return self.at_start(list, &config);
        }
        self.at_build(list, &config, require_address)
    }

    /// The problems of a runner that is configured when its pods start.
    fn at_start(
        &self,
        list: &ResourceList<'_>,
        config: &ConfigFile,
    ) -> Result<Vec<FunctionResult>, ReadError> {
        let workload = &self.runner.workload;
        let mut findings = start::whole(workload);
        if self.runner.config.is_in_manifests() {
            findings.extend(self.stale_checksum(config));
        }
        let start = StartContainer::find(workload);
        let start = start.and_then(|start| Some((start.source()?, start.listen_port()?)));
        let Some((source, port)) = start else {
            return Ok(findings);
        };
        let reaching = self.reaching(port);
        let services: Vec<&Resource> = reaching.iter().map(|one| one.service).collect();
        // Each of these pods has an address of its own.
        let is_of_each_pod = match source {
            StartSource::Pod(_) | StartSource::PodName { .. } => true,
            // A port of the node itself is used without a Service.
            StartSource::Node(_) => reaching.is_empty(),
            StartSource::Known(_) | StartSource::Service(_) => false,
        };
        if !is_of_each_pod {
            findings.extend(self.not_reached(&reaching, port));
            findings.extend(self.processes(list, &services));
        }
        match source {
            StartSource::Service(name) => {
                let inventory = self.inventory;
                let problem = start::service(list, inventory, workload, name, &services)?;
                findings.extend(problem);
            }
            StartSource::Known(address) => {
                findings.extend(self.address(list, address, port, &reaching)?);
            }
            StartSource::Pod(_) | StartSource::Node(_) => {
                findings.extend(self.wrong_port_at_start(source, port, &reaching));
            }
            StartSource::PodName { domain, .. } => {
                findings.extend(self.not_led_to_by_name(list, domain, port)?);
            }
        }
        let is_wrong = |found: &FunctionResult| found.severity == Severity::Error;
        if !findings.iter().any(is_wrong) {
            findings.push(self.right_at_start(source, port, &reaching));
        }
        Ok(findings)
    }

    /// What is wrong with a port of the pod or its node that the init container advertises. `listen` is
    /// the port that the session server listens on.
    fn wrong_port_at_start(
        &self,
        source: StartSource<'_>,
        listen: u16,
        reaching: &[Reaching<'_>],
    ) -> Option<FunctionResult> {
        let workload = &self.runner.workload;
        let variable = |name: &str| StartContainer::find(workload)?.field_of(name);
        let (message, is_right) = match source {
            StartSource::Pod(advertised) => (
                format!("advertises port {advertised} of the pod's address"),
                advertised.parse() == Ok(listen)
                    && matches!(
                        variable("SESSION_SERVER_POD_IP"),
                        Some("status.podIP" | "status.podIPs")
                    ),
            ),
            StartSource::Node(advertised) => {
                let is_node_port = |one: &Reaching<'_>| {
                    let mut ports = one.entries.iter().filter_map(|entry| entry.get("nodePort"));
                    ports.any(|port| port.as_u64() == advertised.parse().ok())
                };
                let is_led_to = self.is_at_node(listen, advertised.parse().ok())
                    || reaching.iter().any(is_node_port);
                (
                    format!("advertises port {advertised} of the pod's node"),
                    is_led_to
                        && matches!(
                            variable("SESSION_SERVER_NODE_IP"),
                            Some("status.hostIP" | "status.hostIPs")
                        ),
                )
            }
            StartSource::Known(_) | StartSource::PodName { .. } | StartSource::Service(_) => {
                return None;
            }
        };
        (!is_right).then(|| {
            FunctionResult::error(format!(
                "its init container {INIT_CONTAINER} {message}, which does not lead to port {listen}, \
                 where its session server listens. {}",
                start::REMEDY
            ))
            .about(&workload.resource.identity)
            .at(field_path(&workload.pod_pointer("/spec/initContainers")))
        })
    }

    /// Reports that no relay routes the pods' names below a domain to their session servers, which
    /// listen on this port.
    fn not_led_to_by_name(
        &self,
        list: &ResourceList<'_>,
        domain: &str,
        port: u16,
    ) -> Result<Option<FunctionResult>, ReadError> {
        let workload = &self.runner.workload;
        let field = StartContainer::find(workload).and_then(|start| start.field_of(POD_NAME));
        let reason = if field == Some("metadata.name") {
            match address::at_relay(list, self, &format!("pod.{domain}"), port)? {
                Some(Judgement::Right) => return Ok(None),
                Some(Judgement::Doubtful(reason) | Judgement::Wrong(reason)) => reason,
                None => format!(
                    "is the host of no route of a relay of these manifests. {}",
                    start::REMEDY
                ),
            }
        } else {
            format!(
                "is not made of the pod's name, as its variable {POD_NAME} is not metadata.name. {}",
                start::REMEDY
            )
        };
        Ok(Some(
            FunctionResult::error(format!(
                "{{pod}}.{domain}, which its pods advertise, {reason}"
            ))
            .about(&workload.resource.identity)
            .at(field_path(&workload.pod_pointer("/spec/initContainers"))),
        ))
    }

    /// Reports a runner without problems that finds its address when its pods start.
    fn right_at_start(
        &self,
        source: StartSource<'_>,
        port: u16,
        reaching: &[Reaching<'_>],
    ) -> FunctionResult {
        let address = match source {
            StartSource::Known(address) => return self.right(address, port, reaching),
            StartSource::Pod(_) => {
                return self.right_at_each_pod(format!("port {port} of each pod's own address"));
            }
            StartSource::PodName { domain, port } => {
                return self.right_at_each_pod(format!("{{pod}}.{domain}:{port}"));
            }
            StartSource::Node(node_port) if reaching.is_empty() => {
                return self.right_at_each_pod(format!("port {node_port} of each pod's node"));
            }
            StartSource::Node(node_port) => format!("port {node_port} of the pod's node"),
            StartSource::Service(name) => {
                let namespace = self.namespace();
                format!(
                    "the address of {}",
                    display_name("Service", name, namespace)
                )
            }
        };
        FunctionResult::info(format!(
            "terminals are reached at {address}, which its pods find when they start; port {port} \
             of its pod is behind it"
        ))
        .about(&self.runner.workload.resource.identity)
    }

    fn right_at_each_pod(&self, address: String) -> FunctionResult {
        FunctionResult::info(format!(
            "terminals are reached at {address}, which the pod finds when it starts"
        ))
        .about(&self.runner.workload.resource.identity)
    }

    /// The problems of a runner whose configuration was written when the manifests were built.
    fn at_build(
        &self,
        list: &ResourceList<'_>,
        config: &ConfigFile,
        require_address: bool,
    ) -> Result<Vec<FunctionResult>, ReadError> {
        let mut findings = Vec::new();
        findings.extend(self.stale_checksum(config));
        let listen = text(config, LISTEN_ADDRESS);
        let owned: Vec<&Resource> = self
            .selecting
            .iter()
            .copied()
            .filter(|s| is_ours(s))
            .collect();
        let Some(listen) = listen else {
            if !owned.is_empty() {
                findings.extend(self.processes(list, &owned));
                findings.extend(owned.iter().filter_map(|service| self.lost_target(service)));
            }
            findings.push(self.off(config, &owned, require_address));
            return Ok(findings);
        };
        let port = match listen_port(&listen) {
            Ok(port) => port,
            Err(problem) => {
                findings.push(self.in_config(format!("listen_address {listen:?} {problem}")));
                return Ok(findings);
            }
        };
        let metrics = self.runner.metrics(config.metrics_port());
        if let Some(metrics) = metrics.filter(|metrics| metrics.port == port) {
            findings.push(self.in_config(format!(
                "the session server and the metrics server ({}) both listen on port {port}: set \
                 spec.listenPort of the SessionServer to another one",
                metrics.said_by
            )));
        }
        self.listening(list, config, &listen, port, require_address, findings)
    }

    /// The findings about a session server that listens on a port, added to the given ones.
    fn listening(
        &self,
        list: &ResourceList<'_>,
        config: &ConfigFile,
        listen: &str,
        port: u16,
        require_address: bool,
        mut findings: Vec<FunctionResult>,
    ) -> Result<Vec<FunctionResult>, ReadError> {
        let reaching = self.reaching(port);
        findings.extend(self.not_reached(&reaching, port));
        let services: Vec<&Resource> = reaching.iter().map(|one| one.service).collect();
        findings.extend(self.processes(list, &services));
        let Some(advertised) = text(config, ADVERTISE_ADDRESS) else {
            findings.push(self.in_config(format!(
                "listen_address is {listen:?} and there is no advertise_address: GitLab is told an \
                 address that leads nowhere, so the Debug button is there and broken. Run the \
                 function AdvertiseAddress, or set spec.advertiseAddress of the SessionServer"
            )));
            return Ok(findings);
        };
        if advertised == CHART_PLACEHOLDER {
            let message = "advertise_address is found by the chart's scripts when the runner \
                           starts, so it was not checked";
            let severity = if require_address {
                Severity::Error
            } else {
                Severity::Warning
            };
            findings.push(self.about_config(FunctionResult::new(severity, message)));
            return Ok(findings);
        }
        findings.extend(self.address(list, &advertised, port, &reaching)?);
        if !findings
            .iter()
            .any(|found| found.severity == Severity::Error)
        {
            findings.push(self.right(&advertised, port, &reaching));
        }
        Ok(findings)
    }

    /// The namespace of the runner; empty where the manifests name none.
    pub(super) fn namespace(&self) -> &str {
        &self.runner.workload.resource.identity.namespace
    }

    /// The Services, with the ports that lead to the session server.
    fn reaching(&self, port: u16) -> Vec<Reaching<'a>> {
        let reaching = self.selecting.iter().map(|service| Reaching {
            service,
            entries: target::entries(&service.value)
                .filter(|entry| target::reaches(entry, self.runner, port))
                .collect(),
        });
        reaching.filter(|one| !one.entries.is_empty()).collect()
    }

    /// Reports that the configuration has changed since the pods were last restarted for it.
    fn stale_checksum(&self, config: &ConfigFile) -> Option<FunctionResult> {
        let workload = &self.runner.workload;
        let written = workload.pod(&checksum_pointer())?.as_str()?;
        let current = config_checksum(config.text());
        if written == current {
            return None;
        }
        let place = &self.runner.config;
        let result = FunctionResult::error(format!(
            "its checksum was made for another configuration than {} in {}, which the pods mount: it \
             was changed or replaced after the SessionServer ran. Run the function last, in the \
             outermost kustomization",
            place.key, place.object.identity
        ));
        Some(
            result
                .about(&workload.resource.identity)
                .at(field_path(&workload.pod_pointer(&checksum_pointer())))
                .values(written, current),
        )
    }

    /// Reports that GitLab cannot reach the session server through any Service.
    fn not_reached(&self, reaching: &[Reaching<'_>], port: u16) -> Option<FunctionResult> {
        if !reaching.is_empty() || self.is_at_node(port, None) {
            return None;
        }
        let workload = &self.runner.workload.resource.identity;
        if self.selecting.is_empty() {
            let message = format!(
                "listens on port {port}, and no Service of these manifests selects its pods: run \
                 the SessionServer on them, or add the Service to the manifests that are checked"
            );
            return Some(FunctionResult::error(message).about(workload));
        }
        let ours = self.selecting.iter().find(|service| is_ours(service));
        let service = ours.or(self.selecting.first())?;
        let ports: Vec<String> = target::entries(&service.value)
            .map(target::display_port)
            .collect();
        let message = format!(
            "selects the pods of {workload}, and none of its ports leads to the session server, \
             which listens on {port}. Its ports: {}",
            ports.join(", ")
        );
        Some(
            FunctionResult::error(message)
                .about(&service.identity)
                .at("spec.ports"),
        )
    }

    /// True if the node itself exposes the pod's port, at this port or any other.
    fn is_at_node(&self, listen: u16, node: Option<u16>) -> bool {
        let host_network = self.runner.workload.pod("/spec/hostNetwork");
        let is_wanted = |port: u16| node.is_none_or(|wanted| wanted == port);
        let ports = self
            .runner
            .container()
            .and_then(|container| container.value.get("ports")?.as_array());
        host_network == Some(&Value::Bool(true)) && is_wanted(listen)
            || ports.into_iter().flatten().any(|entry| {
                let number = |field: &str| entry.get(field).and_then(target::number);
                number("containerPort") == Some(listen) && number("hostPort").is_some_and(is_wanted)
            })
    }

    /// A Service of ours whose `targetPort` is a name that no container has.
    fn lost_target(&self, service: &Resource) -> Option<FunctionResult> {
        let mut entries = target::entries(&service.value);
        let entry = entries.find(|entry| {
            entry.get("name").and_then(Value::as_str) == Some(PORT_NAME)
                && target::port_of(entry, &self.runner.workload).is_none()
        })?;
        let message = format!(
            "its port {} leads to no container port of {}",
            target::display_port(entry),
            self.runner.workload.resource.identity
        );
        Some(
            FunctionResult::error(message)
                .about(&service.identity)
                .at("spec.ports"),
        )
    }

    /// Reports that more than one process would answer at these Services.
    fn processes(&self, list: &ResourceList<'_>, services: &[&Resource]) -> Vec<FunctionResult> {
        let workload = &self.runner.workload;
        let identity = &workload.resource.identity;
        let mut findings = Vec::new();
        if let Err(refusal) = runner::check_single_process(list, workload) {
            findings.push(*refusal);
        }
        for service in services {
            let selector = selector_of(service);
            let namespace = &service.identity.namespace;
            let other = self
                .inventory
                .selected(&selector, namespace)
                .find(|other| other.resource.item != workload.resource.item);
            if let Some(other) = other {
                findings.push(
                    FunctionResult::error(format!(
                        "selects the pods of {identity} and those of {}, so a terminal may reach the \
                         wrong process. Give the pods of one of them a label that the other does not \
                         have, and select by it",
                        other.resource.identity
                    ))
                    .about(&service.identity)
                    .at("spec.selector"),
                );
            }
        }
        findings
    }

    /// Checks `advertise_address` against the Services.
    fn address(
        &self,
        list: &ResourceList<'_>,
        advertised: &str,
        port: u16,
        reaching: &[Reaching<'_>],
    ) -> Result<Option<FunctionResult>, ReadError> {
        let judgement = match Address::parse(advertised) {
            Ok(address) => address::judge(list, self, &address, port, reaching)?,
            Err(error) => {
                let message =
                    ConfigLocation::of(&self.runner.config).refused_address(advertised, error);
                return Ok(Some(self.in_config(message)));
            }
        };
        let (severity, reason) = match judgement {
            Judgement::Right => return Ok(None),
            Judgement::Doubtful(reason) => (Severity::Warning, reason),
            Judgement::Wrong(reason) => (Severity::Error, reason),
        };
        let message = format!("advertise_address {advertised:?}: {reason}");
        Ok(Some(
            self.about_config(FunctionResult::new(severity, message)),
        ))
    }

    /// Reports that the session server is off.
    fn off(
        &self,
        config: &ConfigFile,
        owned: &[&Resource],
        require_address: bool,
    ) -> FunctionResult {
        let message = match owned.first() {
            Some(service) => format!(
                "has no terminals yet: {} is there, and config.toml has no listen_address. Once the \
                 Service has an address, run the function AdvertiseAddress, and build and apply again",
                service.identity
            ),
            None if text(config, ADVERTISE_ADDRESS).is_some() => format!(
                "has no terminals: {} has an advertise_address and no listen_address, so the session \
                 server is off",
                self.runner.config.object.identity
            ),
            None => "has no terminals: config.toml has no session server. Run the function \
                     SessionServer on it, or leave this runner out by spec.runner"
                .to_owned(),
        };
        let severity = if require_address {
            Severity::Error
        } else {
            Severity::Warning
        };
        FunctionResult::new(severity, message).about(&self.runner.workload.resource.identity)
    }

    /// Reports that nothing is wrong.
    fn right(&self, advertised: &str, port: u16, reaching: &[Reaching<'_>]) -> FunctionResult {
        let names: Vec<String> = reaching
            .iter()
            .map(|one| one.service.identity.to_string())
            .collect();
        let through = if names.is_empty() {
            "the node's own network".to_owned()
        } else {
            names.join(" and ")
        };
        FunctionResult::info(format!(
            "terminals are reached at {advertised}; {through} leads to port {port} of its pod"
        ))
        .about(&self.runner.workload.resource.identity)
    }

    fn in_config(&self, message: String) -> FunctionResult {
        self.about_config(FunctionResult::error(message))
    }

    fn about_config(&self, result: FunctionResult) -> FunctionResult {
        if self.runner.start.is_some() {
            let workload = &self.runner.workload;
            let place = field_path(&workload.pod_pointer("/spec/initContainers"));
            return result.about(&workload.resource.identity).at(place);
        }
        let config = &self.runner.config;
        result.about(&config.object.identity).at(config.field())
    }
}

/// The address that a runner advertises, in lower case; `None` where it advertises none.
pub(super) fn advertised(runner: &Runner) -> Option<String> {
    if runner.start.is_some() {
        let start = StartContainer::find(&runner.workload)?;
        return match start.source()? {
            StartSource::Known(address) => Some(address.to_ascii_lowercase()),
            _ => None,
        };
    }
    let config = open_config(&runner.config).ok()?;
    text(&config, LISTEN_ADDRESS)?;
    let address = text(&config, ADVERTISE_ADDRESS)?;
    (address != CHART_PLACEHOLDER).then(|| address.to_ascii_lowercase())
}

/// The value of a key of `[session_server]`, if it is set.
fn text(config: &ConfigFile, key: &str) -> Option<String> {
    let value = config.get(key)?;
    let text = value.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The port of a `listen_address` that a Service can reach.
fn listen_port(listen: &str) -> Result<u16, &'static str> {
    let Some(port) = port_of(listen) else {
        return Err(
            "has no port that a Service can lead to: write 0.0.0.0:PORT, with a port from 1 to 65535",
        );
    };
    let host = listen.rsplit_once(':').map_or("", |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.to_canonical().is_loopback());
    if is_loopback {
        return Err("is inside the pod alone, where no Service reaches it: write 0.0.0.0:PORT");
    }
    Ok(port)
}

/// The governing Service of a StatefulSet, below which its pods have their names.
pub(super) fn governing_service(runner: &Runner) -> Option<&str> {
    let resource = &runner.workload.resource;
    if resource.identity.kind != "StatefulSet" {
        return None;
    }
    resource.value.at("/spec/serviceName")?.as_str()
}

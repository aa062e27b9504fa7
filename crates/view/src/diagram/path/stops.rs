//! The stops of a path, and the state of each.

use super::known::Known;
use super::{ENTRIES, READERS, Scene, stop};
use crate::diagram::route::{self, Edge};
use crate::diagram::said::Said;
use crate::diagram::service::{self, Port};
use crate::diagram::{State, Stop, StopKind};
use krm::resource::Identity;
use runner_terminal::address::Address;
use runner_terminal::observed::{Observation, ServiceName};
use runner_terminal::runner;
use runner_terminal::session_server;
use runner_terminal::session_server::config_file::ADVERTISE_ADDRESS;
use serde_json::Value;
use yaml_splice::pointer::At as _;

impl Known {
    /// The browser, which shows the Debug button where the runner has a session server.
    pub(super) fn browser(&self) -> Stop {
        let mut stop = stop(StopKind::Browser, "Browser");
        stop.detail = "Debug button of a job".to_owned();
        if !self.listens() {
            stop.state = self.not_configured();
        }
        stop
    }

    /// GitLab's Workhorse, which gets the address.
    pub(super) fn gitlab(&self, scene: &Scene<'_>) -> Stop {
        let mut stop = stop(StopKind::Gitlab, "GitLab (Workhorse)");
        let Some(address) = self.address().filter(|_| self.listens()) else {
            if let Some(found) = self.found_at_start() {
                stop.detail = format!("learns {found}");
                return stop;
            }
            stop.detail = if self.is_pending() {
                "waits for an address".to_owned()
            } else {
                "has no address yet".to_owned()
            };
            stop.state = self.not_configured();
            return stop;
        };
        stop.detail = format!("wss://{address}");
        let problem = match Address::parse(address) {
            Ok(address) if address.port.is_some() => return stop,
            Ok(_) => "has no port, so the runner makes its certificate for the wrong host: write \
                      host:port"
                .to_owned(),
            Err(error) => error.to_string(),
        };
        let told = scene.said.iter().rev().find(|said| {
            let object = self.config_object.as_ref();
            object.is_some_and(|object| said.is_about(object)) && is_about_advertised(said)
        });
        let explanation = match told {
            Some(said) => said.message.clone(),
            None => format!("advertise_address {address:?}: {problem}"),
        };
        stop.because(State::Broken, explanation)
    }

    /// The stop that accepts GitLab's connections before the Service.
    pub(super) fn edge(&self, scene: &Scene<'_>) -> Option<Stop> {
        let edge = self.route.edge.as_ref()?;
        let mut stop = stop(edge.kind, edge.title);
        let (host, port) = self.host_and_port();
        let address = self.address().unwrap_or_default();
        (stop.name, stop.detail) = match edge.kind {
            StopKind::LoadBalancer | StopKind::Node => (
                host,
                port.map(|port| format!("port {port}")).unwrap_or_default(),
            ),
            _ if edge.name.is_empty() => (host, "beside GitLab".to_owned()),
            _ => (edge.name.clone(), address.to_owned()),
        };
        if edge.kind != StopKind::Relay && edge.name.is_empty() && stop.name.is_empty() {
            stop.detail.clear();
        }
        if let Some(found) = self.found_at_start().filter(|_| edge.name.is_empty()) {
            stop.detail = found;
        }
        Some(self.judge_edge(scene, edge, stop))
    }

    /// The relay that finds pods by name below a domain, and the stop in front of it.
    pub(super) fn relay_by_name(&self, scene: &Scene<'_>, domain: &str) -> Vec<Stop> {
        let Some(front) = &self.by_name else {
            let explanation = format!(
                "no relay of these manifests has a route from *.{domain} to this runner: run the \
                 SessionServer in the outermost kustomization"
            );
            let stop = stop(StopKind::Relay, "Relay");
            return vec![stop.because(State::Broken, explanation)];
        };
        let edges = front.entry.iter().chain([&front.relay]);
        edges
            .map(|edge| {
                let mut stop = stop(edge.kind, edge.title);
                stop.name.clone_from(&edge.name);
                stop.detail = match edge.kind {
                    StopKind::Relay => "by the name of the pod".to_owned(),
                    _ => format!("*.{domain}"),
                };
                if !edge.broken.is_empty() {
                    return stop.because(State::Broken, edge.broken.clone());
                }
                let object = edge.object.as_ref();
                let errors = object.map(|object| self.errors(scene, &[object], false));
                stop.refused(&errors.unwrap_or_default())
            })
            .collect()
    }

    pub(super) fn judge_edge(&self, scene: &Scene<'_>, edge: &Edge, mut stop: Stop) -> Stop {
        let service = self.service_identity();
        let mut errors = self.errors(scene, &[&service], true);
        if let Some(object) = &edge.object {
            errors.extend(self.errors(scene, &[object], false));
        } else if scene.has_failed() {
            errors.extend(errors_of_kinds(scene, &service, ENTRIES));
        }
        if !errors.is_empty() {
            return stop.refused(&errors);
        }
        if !edge.broken.is_empty() {
            return stop.because(State::Broken, edge.broken.clone());
        }
        if self.service.is_none() {
            let otherwise = "comes with the Service";
            let explanation = if self.is_behind_relay() {
                self.why_off(scene, otherwise)
            } else {
                otherwise.to_owned()
            };
            return stop.because(State::Off, explanation);
        }
        if self.is_pending() {
            if let Some(seen) = &self.seen_address {
                stop.detail = format!("has {seen}");
            }
            let explanation = self.why_pending(scene);
            return stop.because(State::Pending, explanation);
        }
        if self.is_live(scene, edge.kind) {
            stop.state = State::Ready;
        }
        stop
    }

    /// True if the observed live Service has the address that GitLab gets: at a load balancer, or
    /// as its port on the nodes.
    pub(super) fn is_live(&self, scene: &Scene<'_>, edge: StopKind) -> bool {
        let identity = self.service_identity();
        let name = ServiceName {
            namespace: identity.namespace,
            name: identity.name,
        };
        let Some(Observation::Live { service, .. }) = scene.observed.service(&name) else {
            return false;
        };
        let each = |pointer: &str| {
            let values = service.value.at(pointer).and_then(Value::as_array);
            values.into_iter().flatten()
        };
        let (host, port) = self.host_and_port();
        let is_its = |value: Option<&Value>| {
            let shown = value.and_then(Value::as_str).map(Address::parse);
            shown.is_some_and(|shown| shown.is_ok_and(|shown| shown.host.to_string() == host))
        };
        let has_port = |field: &str| {
            each("/spec/ports").any(|entry| {
                let number = entry.get(field).and_then(Value::as_u64);
                number.is_some() && number == port.map(u64::from)
            })
        };
        match edge {
            StopKind::LoadBalancer => {
                has_port("port")
                    && each("/status/loadBalancer/ingress")
                        .any(|entry| is_its(entry.get("ip")) || is_its(entry.get("hostname")))
            }
            StopKind::Node => has_port("nodePort"),
            _ => false,
        }
    }

    pub(super) fn why_pending(&self, scene: &Scene<'_>) -> String {
        let service = self.service_identity();
        let mut said = scene.said.iter().rev();
        let told = said.find(|said| said.is_about(&service) && is_of_address(said));
        match told {
            Some(said) => said.message.clone(),
            None if scene.has_failed() => "gets no address while there is an error".to_owned(),
            None => "no address is known yet: apply these manifests, and let the function \
                     AdvertiseAddress fill it in, or set spec.advertiseAddress"
                .to_owned(),
        }
    }

    pub(super) fn service_identity(&self) -> Identity {
        match &self.service {
            Some(service) => service.identity.clone(),
            None => session_server::service::identity(&self.workload),
        }
    }

    /// The Service in front of the runner.
    pub(super) fn front(&self, scene: &Scene<'_>) -> Stop {
        let title = if self.route.is_headless {
            "Service (headless)"
        } else {
            "Service"
        };
        let mut stop = stop(StopKind::Service, title);
        let identity = self.service_identity();
        stop.name = route::name(&identity.name, &identity.namespace);
        let mut errors = self.errors(scene, &[&identity], false);
        errors.extend(errors_of_kinds(scene, &identity, READERS));
        if self.route.edge.is_none() {
            errors.extend(self.errors(scene, &[&identity], true));
        }
        let Some(service) = &self.service else {
            let explanation = self.why_off(scene, "is not among these manifests");
            return stop.because(State::Off, explanation).refused(&errors);
        };
        let port = self.service_port();
        if let Some(Port { number, target, .. }) = &port {
            stop.detail = if self.route.is_headless {
                "a name in DNS for the pod".to_owned()
            } else {
                format!("{number} to {target}")
            };
        }
        if !errors.is_empty() {
            return stop.refused(&errors);
        }
        let listens = self.configured().and_then(|config| config.port);
        if let Some(problem) = service::problem(service, port.as_ref(), &self.workload, listens) {
            return stop.because(State::Broken, problem);
        }
        if self.route.edge.is_none() && self.is_pending() {
            let explanation = self.why_pending(scene);
            return stop.because(State::Pending, explanation);
        }
        stop
    }

    /// The runner itself.
    pub(super) fn pod(&self, scene: &Scene<'_>) -> Stop {
        let identity = &self.workload.resource.identity;
        let mut stop = stop(StopKind::Pod, "Runner pod");
        stop.name = route::name(&identity.name, &identity.namespace);
        let port = self.configured().and_then(|config| config.port);
        if let Some(port) = port {
            stop.detail = format!("session server at {port}");
        }
        if self.is_configured_at_start() {
            stop.detail.push_str(", configured at the pod's start");
        }
        let errors = self.pod_errors(scene);
        if !errors.is_empty() {
            return stop.refused(&errors);
        }
        let config = match &self.config {
            Ok(config) => config,
            Err(problem) => return stop.because(State::Broken, problem.clone()),
        };
        if (config.listens || self.service.is_some()) && !self.is_reached_by_pod() {
            let single = runner::check_single_process(scene.list, &self.workload);
            if let Err(refusal) = single {
                return stop.because(State::Broken, refusal.message);
            }
        }
        if self.is_pending() {
            let explanation = match (config.is_filled_in, config.listens) {
                (true, _) => "the chart's scripts put the address in when the pod starts",
                (_, true) => {
                    "config.toml has a listen_address and no advertise_address, so the Debug \
                     button is there and broken until then"
                }
                _ => "config.toml gets its session_server once the address is known",
            };
            return stop.because(State::Pending, explanation);
        }
        if let Some(problem) = self.reads_another_service() {
            return stop.because(State::Broken, problem);
        }
        if config.listens && config.advertised.is_none() && config.at_start.is_none() {
            let explanation = "config.toml has a listen_address and no advertise_address, so the \
                               Debug button is there and broken";
            return stop.because(State::Broken, explanation);
        }
        if !config.listens {
            let explanation = self.why_off(
                scene,
                "config.toml has no listen_address, so there is no Debug button",
            );
            return stop.because(State::Off, explanation);
        }
        stop
    }

    /// Errors about the workload, its configuration, or the shards to be created from it.
    pub(super) fn pod_errors(&self, scene: &Scene<'_>) -> Vec<String> {
        let workload = &self.workload.resource.identity;
        let is_gitlabs = self
            .address()
            .is_some_and(|address| Address::parse(address).is_err() && self.listens());
        let mut errors = self.errors(scene, &[workload], false);
        for said in scene.said.iter().filter(|said| said.is_error()) {
            let is_of_config = self
                .config_object
                .as_ref()
                .is_some_and(|object| said.is_about(object));
            if is_of_config && !(is_gitlabs && is_about_advertised(said)) {
                errors.push(format!("{}: {}", said.place(), said.message));
            } else if said.is_about_shard_of(workload) {
                errors.push(format!("{} {}", said.name, said.message));
            }
        }
        errors
    }

    /// Why there is no session server.
    pub(super) fn why_off(&self, scene: &Scene<'_>, otherwise: &str) -> String {
        if scene.has_failed() {
            return "nothing was changed, because of the error".to_owned();
        }
        let config = scene.list.function_config();
        let enabled = config.and_then(|config| config.pointer("/spec/enabled"));
        if enabled == Some(&Value::Bool(false)) {
            return "spec.enabled of the functionConfig is false".to_owned();
        }
        otherwise.to_owned()
    }
}

pub(super) fn errors_of_kinds(
    scene: &Scene<'_>,
    service: &Identity,
    kinds: &[&str],
) -> Vec<String> {
    let told = scene.said.iter().filter(|said| {
        said.is_error()
            && kinds.contains(&said.kind.as_str())
            && said.name.contains(&service.name)
            && (said.namespace.is_empty() || said.namespace == service.namespace)
    });
    told.map(|said| format!("{}: {}", said.place(), said.message))
        .collect()
}

/// True for a result about the Service's address.
pub(super) fn is_of_address(said: &Said) -> bool {
    [
        "status.loadBalancer",
        "spec.ports[0].nodePort",
        "spec.clusterIP",
    ]
    .contains(&said.field.as_str())
}

pub(super) fn is_about_advertised(said: &Said) -> bool {
    said.message.starts_with(ADVERTISE_ADDRESS)
}

//! The path to one runner, with the state of each stop.

mod known;
mod stops;

use super::said::Said;
use super::{State, Stop, StopKind, TerminalPath};
use known::{Configured, Known};
use krm::resource_list::ResourceList;
use runner_terminal::observed::Observed;
use runner_terminal::runner::Workload;
use serde_json::Value;

/// The inputs for the paths of a list.
pub(super) struct Scene<'a> {
    /// The output list.
    pub(super) list: &'a ResourceList<'a>,
    /// The results of the functions.
    pub(super) said: &'a [Said],
    /// The live Services and nodes among the items.
    pub(super) observed: Observed,
}

impl Scene<'_> {
    /// True if a function refused, so that nothing was changed.
    fn has_failed(&self) -> bool {
        self.said.iter().any(Said::is_error)
    }

    /// True if a Service of the user's may be in front of a runner with this configuration: one
    /// that listens, or will listen.
    fn may_adopt(&self, config: Option<&Configured>) -> bool {
        let enabled = self.list.function_config();
        let enabled = enabled.and_then(|config| config.pointer("/spec/enabled"));
        config.is_some_and(|config| config.listens)
            || self.asks_for("AdvertiseAddress")
            || self.asks_for("SessionServer")
                && enabled != Some(&Value::Bool(false))
                && !self.has_failed()
    }

    fn asks_for(&self, kind: &str) -> bool {
        let config = self.list.function_config();
        let asked = config.and_then(|config| config.get("kind"));
        asked.and_then(Value::as_str) == Some(kind)
    }
}

/// The path to a runner.
pub(super) fn of(scene: &Scene<'_>, workload: Workload, container: Option<&str>) -> TerminalPath {
    let known = Known::new(scene, workload, container);
    let mut stops = vec![known.browser(), known.gitlab(scene)];
    if !known.is_reached_by_pod() {
        stops.extend(known.edge(scene));
        if !known.is_behind_relay() {
            stops.push(known.front(scene));
        }
    }
    if let Some(domain) = known.domain() {
        stops.extend(known.relay_by_name(scene, domain));
    }
    stops.push(known.pod(scene));
    TerminalPath {
        runner: known.workload.resource.identity.to_string(),
        links: known.links(&stops),
        stops,
    }
}

fn stop(kind: StopKind, title: &str) -> Stop {
    Stop {
        kind,
        title: title.to_owned(),
        name: String::new(),
        detail: String::new(),
        state: State::Configured,
        explanation: String::new(),
    }
}

impl Stop {
    /// The same stop in another state, with the reason.
    fn because(mut self, state: State, explanation: impl Into<String>) -> Self {
        self.state = state;
        self.explanation = explanation.into();
        self
    }

    /// Broken because of the functions' errors, if there are any.
    fn refused(self, errors: &[String]) -> Self {
        if errors.is_empty() {
            return self;
        }
        self.because(State::Broken, errors.join("\n"))
    }
}

impl Known {
    /// The connections between consecutive stops.
    fn links(&self, stops: &[Stop]) -> Vec<String> {
        let numbered = |what: &str, port: Option<u16>| match port {
            Some(port) => format!("{what}TCP {port}"),
            None => format!("{what}TCP"),
        };
        let (_, advertised) = self.host_and_port();
        let service = self.service_port().map(|port| port.number);
        let listens = self.configured().and_then(|config| config.port);
        let pairs = stops.iter().zip(stops.iter().skip(1));
        let link = |(from, to): (&Stop, &Stop)| match (from.kind, to.kind) {
            (StopKind::Browser, _) => "HTTPS, WebSocket".to_owned(),
            (StopKind::Gitlab, _) => numbered("TLS, ", advertised),
            (StopKind::Relay, _) if self.by_name.as_ref().is_some_and(|front| front.dials_pods) => {
                numbered("TLS as it is, ", listens)
            }
            (StopKind::Relay, _) => numbered("Kubernetes API, ", listens),
            (_, StopKind::Relay) => numbered("TLS as it is, ", None),
            (StopKind::Ingress | StopKind::Gateway, _) => numbered("TLS as it is, ", service),
            (StopKind::Service, _) => numbered("", listens),
            _ => numbered("", service),
        };
        pairs.map(link).collect()
    }
}

/// The kinds that admit connections, beside a Service and with its name.
const ENTRIES: &[&str] = &[
    "Ingress",
    "IngressRouteTCP",
    "HTTPProxy",
    "Route",
    "TLSRoute",
    "Gateway",
];

/// The kinds that permit reading its address, or that restrict who connects; named after it.
const READERS: &[&str] = &[
    "Role",
    "RoleBinding",
    "ClusterRole",
    "ClusterRoleBinding",
    "NetworkPolicy",
    "ServiceAccount",
    "Secret",
];

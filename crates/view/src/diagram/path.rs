//! The path to one runner, and what is pending, broken or off on it.

use serde_json::Value;

use super::said::Said;
use super::service::{self, Adopted, Port};
use super::way::{self, Edge, Way};
use super::{State, Stop, StopKind, TerminalPath};
use krm::resource::{Identity, Resource};
use krm::resource_list::ResourceList;
use runner_terminal::address::Address;
use runner_terminal::fields::ConfigReference;
use runner_terminal::function_config::{AdvertiseAddressSpec, FunctionConfig};
use runner_terminal::observed::{Observation, Observed, ServiceName};
use runner_terminal::runner::{self, ConfigToml, Runner, Workload};
use runner_terminal::session_server::config_file::{
    ADVERTISE_ADDRESS, ConfigFile, LISTEN_ADDRESS, port_of,
};
use runner_terminal::session_server::port;
use runner_terminal::session_server::settings::{CHART_PLACEHOLDER, shown_address};
use runner_terminal::session_server::{self, Advertised};
use yaml_splice::pointer::At as _;

/// What the paths of a list are made of.
pub(super) struct Scene<'a> {
    /// What came out.
    pub(super) list: &'a ResourceList<'a>,
    /// What the functions had to say.
    pub(super) said: &'a [Said],
    /// The live Services and nodes among the items.
    pub(super) observed: Observed,
}

impl Scene<'_> {
    /// A function refused: nothing was changed.
    fn has_failed(&self) -> bool {
        self.said.iter().any(Said::is_error)
    }

    /// A Service of the user's may stand in front of a runner of this configuration: one that
    /// listens, or that is going to.
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

/// What is known of a runner.
struct Known {
    workload: Workload,
    service: Option<Resource>,
    way: Way,
    /// The runner's configuration, or why it cannot be read.
    config: Result<Configured, String>,
    /// The object that it stands in.
    config_object: Option<Identity>,
    /// host:port of a live Service that no configuration has yet.
    seen_address: Option<String>,
    /// The port of the pod that the session server listens on, or is going to.
    listen_port: Option<u16>,
}

/// What a configuration says of the session server.
#[derive(Default)]
struct Configured {
    /// It listens at all.
    listens: bool,
    port: Option<u16>,
    /// Where the chart's scripts put an address when the pod starts.
    is_filled_in: bool,
    /// `advertise_address`, as messages quote it
    advertised: Option<String>,
}

impl Configured {
    fn read(config: &ConfigFile, place: &ConfigToml) -> Self {
        let text = |key: &str| config.get(key)?.as_str().map(str::to_owned);
        let listen = text(LISTEN_ADDRESS).filter(|text| !text.is_empty());
        let advertised = text(ADVERTISE_ADDRESS).filter(|text| !text.is_empty());
        let is_filled_in = advertised.as_deref() == Some(CHART_PLACEHOLDER);
        Self {
            listens: listen.is_some(),
            port: listen.as_deref().and_then(port_of),
            is_filled_in,
            advertised: advertised
                .filter(|_| !is_filled_in)
                .map(|address| shown_address(&address, place)),
        }
    }
}

/// The path to a runner.
pub(super) fn of(scene: &Scene<'_>, workload: Workload, container: Option<&str>) -> TerminalPath {
    let known = Known::new(scene, workload, container);
    let mut stops = vec![known.browser(), known.gitlab(scene)];
    stops.extend(known.edge(scene));
    if !known.is_behind_relay() {
        stops.push(known.front(scene));
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
    /// The same in another state, and why.
    fn because(mut self, state: State, explanation: impl Into<String>) -> Self {
        self.state = state;
        self.explanation = explanation.into();
        self
    }

    /// Broken by what the functions say, where they say anything.
    fn refused(self, errors: &[String]) -> Self {
        if errors.is_empty() {
            return self;
        }
        self.because(State::Broken, errors.join("\n"))
    }
}

/// The object that the functionConfig names for this runner.
fn named_config(
    list: &ResourceList<'_>,
    workload: &Workload,
    container: Option<&str>,
) -> Option<ConfigReference> {
    let (selector, named) = match FunctionConfig::parse(list.function_config()?).ok()? {
        FunctionConfig::SessionServer(config) => (config.spec.runner, config.spec.config?),
        FunctionConfig::AdvertiseAddress(config) => (config.spec.runner, config.spec.config?),
        FunctionConfig::VerifyTerminals(config) => (config.spec.runner, config.spec.config?),
    };
    let selected = runner::find_workloads(list, &selector, container).ok()?;
    let is_selected = |one: &Workload| one.resource.item == workload.resource.item;
    selected.iter().any(is_selected).then_some(named)
}

impl Known {
    fn new(scene: &Scene<'_>, workload: Workload, container: Option<&str>) -> Self {
        let list = scene.list;
        let named = named_config(list, &workload, container);
        let runner = runner::complete(list, workload.clone(), container, named.as_ref());
        let mut config_object = None;
        let mut seen_address = None;
        let mut listen_port = None;
        let config = runner
            .map_err(|refusal| refusal.message)
            .and_then(|runner| {
                config_object = Some(runner.config.object.identity.clone());
                let config = ConfigFile::parse(&runner.config.text)
                    .map_err(|error| format!("{} {error}", runner.config.key))?;
                seen_address = seen(scene, &runner, &config);
                let config = Configured::read(&config, &runner.config);
                listen_port = Some(port::of_container(config.port, &runner));
                Ok(config)
            });
        let configured = config.as_ref().ok();
        let may_adopt = scene.may_adopt(configured);
        let adopted = listen_port
            .filter(|_| may_adopt)
            .map(|listen_port| Adopted {
                listen_port,
                address: configured.and_then(|config| config.advertised.as_deref()),
            });
        let service = service::in_front_of(list, &workload, adopted);
        // What was asked for and refused is not in the list.
        let is_as_asked = scene.asks_for("SessionServer") && scene.has_failed();
        let way = match &service {
            Some(service) if !is_as_asked => Way::to(list, service),
            _ => Way::asked(list.function_config()),
        };
        Self {
            workload,
            service,
            way,
            config,
            config_object,
            seen_address,
            listen_port,
        }
    }

    /// The session server's port of the Service.
    fn service_port(&self) -> Option<Port> {
        let service = self.service.as_ref()?;
        service::port(service, &self.workload, self.listen_port)
    }

    fn configured(&self) -> Option<&Configured> {
        self.config.as_ref().ok()
    }

    fn is_behind_relay(&self) -> bool {
        let kind = self.way.edge.as_ref().map(|edge| edge.kind);
        kind == Some(StopKind::Relay)
    }

    /// The address that GitLab is told.
    fn address(&self) -> Option<&str> {
        self.configured()?.advertised.as_deref()
    }

    /// The host and the port of it.
    fn host_and_port(&self) -> (String, Option<u16>) {
        match self.address().map(Address::parse) {
            Some(Ok(address)) => (address.host.to_string(), address.port),
            _ => (String::new(), None),
        }
    }

    fn listens(&self) -> bool {
        self.configured().is_some_and(|config| config.listens)
    }

    /// There is to be an address, and none is known yet.
    fn is_pending(&self) -> bool {
        let is_unknown = self
            .configured()
            .is_some_and(|config| config.advertised.is_none());
        self.service.is_some() && is_unknown
    }

    /// Errors about these resources, those about the address among them or not.
    fn errors(&self, scene: &Scene<'_>, about: &[&Identity], of_address: bool) -> Vec<String> {
        let told = scene.said.iter().filter(|said| {
            said.is_error()
                && about.iter().any(|identity| said.is_about(identity))
                && is_of_address(said) == of_address
        });
        told.map(|said| said.message.clone()).collect()
    }

    /// What stands before the runner while it has no session server.
    fn not_configured(&self) -> State {
        if self.is_pending() {
            State::Pending
        } else {
            State::Off
        }
    }

    /// The browser, which shows the Debug button where the runner has a session server.
    fn browser(&self) -> Stop {
        let mut stop = stop(StopKind::Browser, "Browser");
        stop.detail = "Debug button of a job".to_owned();
        if !self.listens() {
            stop.state = self.not_configured();
        }
        stop
    }

    /// GitLab's Workhorse, which is told an address.
    fn gitlab(&self, scene: &Scene<'_>) -> Stop {
        let mut stop = stop(StopKind::Gitlab, "GitLab (Workhorse)");
        let Some(address) = self.address().filter(|_| self.listens()) else {
            stop.detail = if self.is_pending() {
                "waits for an address".to_owned()
            } else {
                "is told no address".to_owned()
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

    /// What takes GitLab's connections before the Service does.
    fn edge(&self, scene: &Scene<'_>) -> Option<Stop> {
        let edge = self.way.edge.as_ref()?;
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
        Some(self.judge_edge(scene, edge, stop))
    }

    fn judge_edge(&self, scene: &Scene<'_>, edge: &Edge, mut stop: Stop) -> Stop {
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

    /// True where the live Service, as it was observed, has the address that GitLab is told: at a
    /// load balancer, or the port of it at the nodes.
    fn is_live(&self, scene: &Scene<'_>, edge: StopKind) -> bool {
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

    fn why_pending(&self, scene: &Scene<'_>) -> String {
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

    fn service_identity(&self) -> Identity {
        match &self.service {
            Some(service) => service.identity.clone(),
            None => session_server::service::identity(&self.workload),
        }
    }

    /// The Service in front of the runner.
    fn front(&self, scene: &Scene<'_>) -> Stop {
        let title = if self.way.is_headless {
            "Service (headless)"
        } else {
            "Service"
        };
        let mut stop = stop(StopKind::Service, title);
        let identity = self.service_identity();
        stop.name = way::name(&identity.name, &identity.namespace);
        let mut errors = self.errors(scene, &[&identity], false);
        errors.extend(errors_of_kinds(scene, &identity, READERS));
        if self.way.edge.is_none() {
            errors.extend(self.errors(scene, &[&identity], true));
        }
        let Some(service) = &self.service else {
            let explanation = self.why_off(scene, "is not among these manifests");
            return stop.because(State::Off, explanation).refused(&errors);
        };
        let port = self.service_port();
        if let Some(Port { number, target, .. }) = &port {
            stop.detail = if self.way.is_headless {
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
        if self.way.edge.is_none() && self.is_pending() {
            let explanation = self.why_pending(scene);
            return stop.because(State::Pending, explanation);
        }
        stop
    }

    /// The runner itself.
    fn pod(&self, scene: &Scene<'_>) -> Stop {
        let identity = &self.workload.resource.identity;
        let mut stop = stop(StopKind::Pod, "Runner pod");
        stop.name = way::name(&identity.name, &identity.namespace);
        let port = self.configured().and_then(|config| config.port);
        if let Some(port) = port {
            stop.detail = format!("session server at {port}");
        }
        let errors = self.pod_errors(scene);
        if !errors.is_empty() {
            return stop.refused(&errors);
        }
        let config = match &self.config {
            Ok(config) => config,
            Err(problem) => return stop.because(State::Broken, problem.clone()),
        };
        if config.listens || self.service.is_some() {
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
                _ => {
                    "config.toml gets its session_server once the address is known; jobs run as ever"
                }
            };
            return stop.because(State::Pending, explanation);
        }
        if config.listens && config.advertised.is_none() {
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

    /// Errors about the workload, its configuration, or shards that were to be made of it.
    fn pod_errors(&self, scene: &Scene<'_>) -> Vec<String> {
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

    /// Why there is nothing.
    fn why_off(&self, scene: &Scene<'_>, otherwise: &str) -> String {
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

    /// What goes from each stop to the next.
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
            (StopKind::Relay, _) => numbered("Kubernetes API, ", listens),
            (StopKind::Ingress | StopKind::Gateway, _) => numbered("TLS as it is, ", service),
            (StopKind::Service, _) => numbered("", listens),
            _ => numbered("", service),
        };
        pairs.map(link).collect()
    }
}

/// What lets connections in, beside a Service and of its name.
const ENTRIES: &[&str] = &[
    "Ingress",
    "IngressRouteTCP",
    "HTTPProxy",
    "TLSRoute",
    "Gateway",
];
/// What lets its address be read, and who may connect; named after it.
const READERS: &[&str] = &[
    "Role",
    "RoleBinding",
    "ClusterRole",
    "ClusterRoleBinding",
    "NetworkPolicy",
    "ServiceAccount",
    "Secret",
];

fn errors_of_kinds(scene: &Scene<'_>, service: &Identity, kinds: &[&str]) -> Vec<String> {
    let told = scene.said.iter().filter(|said| {
        said.is_error()
            && kinds.contains(&said.kind.as_str())
            && said.name.contains(&service.name)
            && (said.namespace.is_empty() || said.namespace == service.namespace)
    });
    told.map(|said| format!("{}: {}", said.place(), said.message))
        .collect()
}

/// It is about the address that the Service is to have.
fn is_of_address(said: &Said) -> bool {
    ["status.loadBalancer", "spec.ports[0].nodePort"].contains(&said.field.as_str())
}

fn is_about_advertised(said: &Said) -> bool {
    said.message.starts_with(ADVERTISE_ADDRESS)
}

/// The address that a live Service among the items has.
fn seen(scene: &Scene<'_>, runner: &Runner, config: &ConfigFile) -> Option<String> {
    let spec = AdvertiseAddressSpec::default();
    let found = session_server::resolve_address(scene.list, &spec, runner, &scene.observed, config).ok()?;
    match found {
        Advertised {
            state: session_server::State::Known(address),
            ..
        } => Some(address),
        _ => None,
    }
}

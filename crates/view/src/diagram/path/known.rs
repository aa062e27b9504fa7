//! What is known of a runner and its address.

use super::Scene;
use super::stops::is_of_address;
use crate::diagram::route::{ByName, Route};
use crate::diagram::service::{self, Adopted, Port};
use crate::diagram::{State, StopKind};
use krm::resource::{Identity, Resource};
use krm::resource_list::ResourceList;
use runner_terminal::address::Address;
use runner_terminal::fields::ConfigReference;
use runner_terminal::function_config::{AdvertiseAddressSpec, FunctionConfig};
use runner_terminal::runner::start_container::{StartContainer, StartSource};
use runner_terminal::runner::{self, ConfigToml, Runner, Workload};
use runner_terminal::session_server::ConfigLocation;
use runner_terminal::session_server::config_file::{
    ADVERTISE_ADDRESS, ConfigFile, LISTEN_ADDRESS, port_of,
};
use runner_terminal::session_server::settings::CHART_PLACEHOLDER;
use runner_terminal::session_server::{self, Advertised, port};

/// What is known of a runner.
pub(super) struct Known {
    pub(super) workload: Workload,
    pub(super) service: Option<Resource>,
    pub(super) route: Route,
    /// The runner's configuration, or why it cannot be read.
    pub(super) config: Result<Configured, String>,
    /// The object that holds the configuration.
    pub(super) config_object: Option<Identity>,
    /// What is in front of the pods, if they are reached by name.
    pub(super) by_name: Option<ByName>,
    /// host:port of a live Service that is not in any configuration yet.
    pub(super) seen_address: Option<String>,
    /// The port of the pod that the session server listens on, or will listen on.
    pub(super) listen_port: Option<u16>,
}

/// What a configuration says of the session server.
#[derive(Default)]
pub(super) struct Configured {
    /// It has a `listen_address`.
    pub(super) listens: bool,
    pub(super) port: Option<u16>,
    /// The chart's scripts fill in an address when the pod starts.
    pub(super) is_filled_in: bool,
    /// `advertise_address`, as quoted in messages
    pub(super) advertised: Option<String>,
    /// An init container writes it when the pod starts.
    pub(super) at_start: Option<AtStart>,
}

/// How a starting pod finds its address.
pub(super) enum AtStart {
    /// The manifests have it.
    Known,
    /// It is a port of the pod's own IP address.
    Pod(String),
    /// It is the pod's own name, below a domain.
    PodName { domain: String, port: String },
    /// It is a port of the pod's node.
    Node(String),
    /// The live Service of this name has it.
    Service(String),
}

impl Configured {
    pub(super) fn read(config: &ConfigFile, place: &ConfigToml) -> Self {
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
                .map(|address| ConfigLocation::of(place).shown_address(&address)),
            at_start: None,
        }
    }

    /// What the init container of a workload writes when a pod starts.
    fn written_at_start(start: &StartContainer<'_>) -> Self {
        let mut written = Self {
            listens: true,
            port: start.listen_port(),
            ..Self::default()
        };
        written.at_start = start.source().map(|source| match source {
            StartSource::Known(address) => {
                written.advertised = Some(address.to_owned());
                AtStart::Known
            }
            StartSource::Pod(port) => AtStart::Pod(port.to_owned()),
            StartSource::PodName { domain, port } => AtStart::PodName {
                domain: domain.to_owned(),
                port: port.to_owned(),
            },
            StartSource::Node(port) => AtStart::Node(port.to_owned()),
            StartSource::Service(name) => AtStart::Service(name.to_owned()),
        });
        written
    }
}

/// The object that the functionConfig names for this runner.
pub(super) fn named_config(
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
    pub(super) fn new(scene: &Scene<'_>, workload: Workload, container: Option<&str>) -> Self {
        let list = scene.list;
        let named = named_config(list, &workload, container);
        let start = StartContainer::find(&workload);
        let start = start.map(|start| Configured::written_at_start(&start));
        let mut config_object = None;
        let mut seen_address = None;
        let mut listen_port = None;
        let mut read = || {
            let runner = runner::complete(list, workload.clone(), container, named.as_ref());
            let runner = runner.map_err(|refusal| refusal.message)?;
            config_object = Some(runner.config.object.identity.clone());
            let config = ConfigFile::parse(&runner.config.text)
                .map_err(|error| format!("{} {error}", runner.config.key))?;
            seen_address = seen(scene, &runner, &config);
            let config = Configured::read(&config, &runner.config);
            listen_port = Some(port::of_container(config.port, &runner));
            Ok(config)
        };
        let config = match start {
            Some(start) => {
                listen_port = start.port;
                Ok(start)
            }
            None => read(),
        };
        let configured = config.as_ref().ok();
        let may_adopt = scene.may_adopt(configured);
        let adopted = listen_port
            .filter(|_| may_adopt)
            .map(|listen_port| Adopted {
                listen_port,
                address: configured.and_then(|config| config.advertised.as_deref()),
            });
        let service = service::in_front_of(list, &workload, adopted);
        // A Service that was refused is not in the list.
        let is_as_asked = scene.asks_for("SessionServer") && scene.has_failed();
        let route = match &service {
            Some(service) if !is_as_asked => Route::to(list, service),
            _ => Route::asked(list.function_config()),
        };
        let mut known = Self {
            workload,
            service,
            route,
            by_name: None,
            config,
            config_object,
            seen_address,
            listen_port,
        };
        known.by_name = known
            .domain()
            .and_then(|domain| ByName::find(list, &known.workload, domain));
        known
    }

    /// The Service's port for the session server.
    pub(super) fn service_port(&self) -> Option<Port> {
        let service = self.service.as_ref()?;
        service::port(service, &self.workload, self.listen_port)
    }

    pub(super) fn configured(&self) -> Option<&Configured> {
        self.config.as_ref().ok()
    }

    pub(super) fn is_behind_relay(&self) -> bool {
        let kind = self.route.edge.as_ref().map(|edge| edge.kind);
        kind == Some(StopKind::Relay)
    }

    /// The address that GitLab gets.
    pub(super) fn address(&self) -> Option<&str> {
        self.configured()?.advertised.as_deref()
    }

    /// The host and the port of that address.
    pub(super) fn host_and_port(&self) -> (String, Option<u16>) {
        match self.address().map(Address::parse) {
            Some(Ok(address)) => (address.host.to_string(), address.port),
            _ => (String::new(), None),
        }
    }

    /// True if an init container writes the configuration when a pod starts.
    pub(super) fn is_configured_at_start(&self) -> bool {
        self.configured()
            .is_some_and(|config| config.at_start.is_some())
    }

    /// True if each pod has its own address, without a Service.
    pub(super) fn is_reached_by_pod(&self) -> bool {
        let at_start = self
            .configured()
            .and_then(|config| config.at_start.as_ref());
        match at_start {
            Some(AtStart::Pod(_) | AtStart::PodName { .. }) => true,
            Some(AtStart::Node(_)) => self.service.is_none(),
            Some(AtStart::Known | AtStart::Service(_)) | None => false,
        }
    }

    /// The domain below which a relay finds the pods by name.
    pub(super) fn domain(&self) -> Option<&str> {
        match self.configured()?.at_start.as_ref()? {
            AtStart::PodName { domain, .. } => Some(domain),
            _ => None,
        }
    }

    /// How a starting pod finds an address that is not in the manifests.
    pub(super) fn found_at_start(&self) -> Option<String> {
        match self.configured()?.at_start.as_ref()? {
            AtStart::Known => None,
            AtStart::Pod(port) => Some(format!("port {port} of the pod's own address")),
            AtStart::PodName { domain, port } => Some(format!("{{pod}}.{domain}:{port}")),
            AtStart::Node(port) => Some(format!("port {port} of the pod's node")),
            AtStart::Service(_) => Some("the Service's address at the pod's start".to_owned()),
        }
    }

    /// Why the init container does not find the address of the Service in front of the runner.
    pub(super) fn reads_another_service(&self) -> Option<String> {
        let AtStart::Service(name) = self.configured()?.at_start.as_ref()? else {
            return None;
        };
        let service = self.service.as_ref().map(|service| &service.identity);
        let is_its = service.is_some_and(|service| service.name == *name);
        (!is_its).then(|| {
            format!(
                "its init container reads the address of the Service {name}, which is not in front of \
                 it: run the SessionServer in the outermost kustomization"
            )
        })
    }

    pub(super) fn listens(&self) -> bool {
        self.configured().is_some_and(|config| config.listens)
    }

    /// True if there should be an address, but none is known yet.
    pub(super) fn is_pending(&self) -> bool {
        let is_unknown = self
            .configured()
            .is_some_and(|config| config.advertised.is_none() && config.at_start.is_none());
        self.service.is_some() && is_unknown
    }

    /// Errors about these resources: those about the address, or the others.
    pub(super) fn errors(
        &self,
        scene: &Scene<'_>,
        about: &[&Identity],
        of_address: bool,
    ) -> Vec<String> {
        let told = scene.said.iter().filter(|said| {
            said.is_error()
                && about.iter().any(|identity| said.is_about(identity))
                && is_of_address(said) == of_address
        });
        told.map(|said| said.message.clone()).collect()
    }

    /// The state of the stops before the runner while it has no session server.
    pub(super) fn not_configured(&self) -> State {
        if self.is_pending() {
            State::Pending
        } else {
            State::Off
        }
    }
}

/// The address that a live Service among the items has.
pub(super) fn seen(scene: &Scene<'_>, runner: &Runner, config: &ConfigFile) -> Option<String> {
    let spec = AdvertiseAddressSpec::default();
    let found =
        session_server::resolve_address(scene.list, &spec, runner, &scene.observed, config).ok()?;
    match found {
        Advertised {
            state: session_server::State::Known(address),
            ..
        } => Some(address),
        _ => None,
    }
}

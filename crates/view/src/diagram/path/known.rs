//! What is known of a runner and its address.

use super::Scene;
use super::stops::is_of_address;
use crate::diagram::route::Route;
use crate::diagram::service::{self, Adopted, Port};
use crate::diagram::{State, StopKind};
use krm::resource::{Identity, Resource};
use krm::resource_list::ResourceList;
use runner_terminal::address::Address;
use runner_terminal::fields::ConfigReference;
use runner_terminal::function_config::{AdvertiseAddressSpec, FunctionConfig};
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
    /// The object that it stands in.
    pub(super) config_object: Option<Identity>,
    /// host:port of a live Service that no configuration has yet.
    pub(super) seen_address: Option<String>,
    /// The port of the pod that the session server listens on, or is going to.
    pub(super) listen_port: Option<u16>,
}

/// What a configuration says of the session server.
#[derive(Default)]
pub(super) struct Configured {
    /// It listens at all.
    pub(super) listens: bool,
    pub(super) port: Option<u16>,
    /// Where the chart's scripts put an address when the pod starts.
    pub(super) is_filled_in: bool,
    /// `advertise_address`, as messages quote it
    pub(super) advertised: Option<String>,
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
        }
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
        // A Service that was refused is not in the list.
        let is_as_asked = scene.asks_for("SessionServer") && scene.has_failed();
        let route = match &service {
            Some(service) if !is_as_asked => Route::to(list, service),
            _ => Route::asked(list.function_config()),
        };
        Self {
            workload,
            service,
            route,
            config,
            config_object,
            seen_address,
            listen_port,
        }
    }

    /// The session server's port of the Service.
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

    /// The address that GitLab is told.
    pub(super) fn address(&self) -> Option<&str> {
        self.configured()?.advertised.as_deref()
    }

    /// The host and the port of it.
    pub(super) fn host_and_port(&self) -> (String, Option<u16>) {
        match self.address().map(Address::parse) {
            Some(Ok(address)) => (address.host.to_string(), address.port),
            _ => (String::new(), None),
        }
    }

    pub(super) fn listens(&self) -> bool {
        self.configured().is_some_and(|config| config.listens)
    }

    /// There is to be an address, and none is known yet.
    pub(super) fn is_pending(&self) -> bool {
        let is_unknown = self
            .configured()
            .is_some_and(|config| config.advertised.is_none());
        self.service.is_some() && is_unknown
    }

    /// Errors about these resources, those about the address among them or not.
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

    /// What stands before the runner while it has no session server.
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

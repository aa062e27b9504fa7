//! Plans an AdvertiseAddress: the address that the cluster has given to the live Service.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::adopt::{self, Adoptable, Services};
use super::config_file::{ADVERTISE_ADDRESS, ConfigFile};
use super::config_plan::{ConfigDraft, ConfigLocation, ConfigPlan};
use super::config_types;
use super::live_service::{self, Resolution};
use super::pod_start::PodStartPlan;
use super::record::Record;
use super::runner_plan::Planned;
use super::service::{self, Existing};
use super::{
    ADDRESS_FROM, RunnerPlan, checksum, companions, limits, parse_address, port, require_name,
    rollout, settings,
};
use crate::exposure::{NODE_ADDRESS, SERVICE_PORT};
use crate::function_config::{AdvertiseAddressSpec, Source, WhenPending};
use crate::observed::{
    ASKED, Forbidden, Look, NodesSeen, Observation, Observed, Request, ServiceName, Subject,
    node_address,
};
use crate::ownership::{OWNER, is_ours};
use crate::runner::start_container::{StartContainer, StartSource};
use crate::runner::{Runner, Workload};
use krm::bookkeeping::OWNED_BY;
use krm::resource::{Identity, Resource};
use krm::resource_list::ResourceList;
use krm::results::{FunctionResult, Refusal};

/// The field that an address comes from.
const STATUS: &str = "status.loadBalancer";
/// The fields that select among addresses.
const FIELDS: &str = "spec.prefer and spec.ipFamily";
/// The same, where an init container looks for the address.
const FIELDS_OF_START: &str = "spec.configure.prefer and spec.configure.ipFamily";

/// Why the node port has no address.
const NO_NODE: &str = "has no node that is ready and has an address";

/// A runner, the Service in front of it, and what is known of its address.
#[derive(Debug)]
pub struct Advertised {
    /// The Service.
    pub service: Identity,
    /// `advertise_address` in the runner's configuration, as messages may show it: passwords are masked, and
    /// so is anything in a Secret that is not an address.
    pub configured: Option<String>,
    /// The API server that was asked, and the source of its URL.
    pub asked: Option<String>,
    /// The Service is only in the cluster, and not among the manifests.
    pub is_only_live: bool,
    /// The address that it should have.
    pub state: State,
    /// The pods find the address when they start, so it is in no manifest.
    pub is_at_start: bool,
}

/// What is known of a runner's address.
#[derive(Debug)]
pub enum State {
    /// host:port
    Known(String),
    /// There is none yet.
    Pending {
        /// Why: a clause about the Service.
        reason: String,
        /// The host should wait for a change.
        wait: Option<Request>,
    },
    /// The host has to read something from the cluster first.
    Unknown(Request),
}

impl State {
    /// There is no address, and nothing to wait for.
    fn pending(reason: impl Into<String>) -> Self {
        Self::Pending {
            reason: reason.into(),
            wait: None,
        }
    }
}

/// Finds the address of one runner.
///
/// # Errors
/// Why it cannot have one.
pub fn resolve_address(
    list: &ResourceList<'_>,
    spec: &AdvertiseAddressSpec,
    runner: &Runner,
    observed: &Observed,
    file: &ConfigFile,
) -> Result<Advertised, Refusal> {
    require_name(&runner.workload)?;
    let before = Record::read(&runner.config);
    let of_chart = settings::is_of_chart(file, before.as_ref());
    let own = settings::own_address(file, before.as_ref());
    let declared = service::find(list, &runner.workload)?;
    let adopted = adopted(list, runner, file, &declared, of_chart, own.as_deref())?;
    let service = match &adopted {
        Some(adopted) => adopted.service.identity.clone(),
        None => service_of(&declared, of_chart)?,
    };
    let configured = file.get(ADVERTISE_ADDRESS);
    let configured = configured.as_ref().and_then(Value::as_str);
    let is_known =
        matches!(&declared, Existing::Ours(service) if service.annotation(ADDRESS_FROM).is_some());
    let adopted_port = adopted.as_ref().map(|adopted| adopted.port);
    let mut is_only_live = false;
    let state = match spec.address.as_deref().and_then(parse_address) {
        Some(address) => {
            let port = adopted_port.unwrap_or_else(|| port_of(&declared));
            State::Known(address.with_default_port(port))
        }
        None if is_known => of_exposure(configured),
        // Both the address and the Service are the user's own.
        None if adopted.is_some() && own.is_some() => of_exposure(own.as_deref()),
        None => {
            is_only_live = matches!(declared, Existing::None(_)) && adopted.is_none();
            let question = Question {
                list,
                spec,
                selectors: FIELDS,
                observed,
                adopted_port,
                of_chart,
                configured,
                nodes: match &declared {
                    Existing::Ours(service) => service.annotation(NODE_ADDRESS),
                    Existing::None(_) | Existing::Foreign(_) => None,
                },
            };
            observe(&question, &service)?
        }
    };
    let asked = observed.asked(&service);
    Ok(Advertised {
        service,
        asked,
        configured: configured.map(|text| ConfigLocation::of(&runner.config).shown_address(text)),
        state,
        is_only_live,
        is_at_start: false,
    })
}

/// Finds the address that a workload's pods find at startup: through the same live Service, with
/// the arguments of their init container. `None` if each pod has an address of its own.
///
/// # Errors
/// The reason why there is none.
pub fn resolve_at_start(
    list: &ResourceList<'_>,
    spec: &AdvertiseAddressSpec,
    workload: &Workload,
    observed: &Observed,
) -> Result<Option<Advertised>, Refusal> {
    require_name(workload)?;
    let start = StartContainer::find(workload);
    let start = start.and_then(|start| Some((start, start.source()?)));
    let declared = service::find(list, workload)?;
    match start {
        Some((_, StartSource::Known(address))) => Ok(Some(Advertised {
            service: service_of(&declared, true)?,
            configured: Some(address.to_owned()),
            asked: None,
            state: State::Known(address.to_owned()),
            is_only_live: false,
            is_at_start: true,
        })),
        Some((start, StartSource::Service(name)))
            if start
                .argument("node-address")
                .is_none_or(|host| !host.starts_with('$')) =>
        {
            let question = Question {
                list,
                spec: &asked_by(&start, spec),
                selectors: FIELDS_OF_START,
                observed,
                adopted_port: start
                    .argument("service-port")
                    .and_then(|port| port.parse().ok()),
                of_chart: false,
                configured: None,
                nodes: start.argument("node-address"),
            };
            let service = Identity {
                api_version: "v1".to_owned(),
                kind: "Service".to_owned(),
                name: name.to_owned(),
                namespace: workload.resource.identity.namespace.clone(),
                ..Identity::default()
            };
            let state = observe(&question, &service)?;
            Ok(Some(Advertised {
                asked: observed.asked(&service),
                service,
                configured: None,
                state,
                is_only_live: false,
                is_at_start: true,
            }))
        }
        _ => Ok(None),
    }
}

/// The settings by which an init container chooses among the addresses of a Service. Without
/// `--prefer`, it takes the default, as `configure` does.
fn asked_by(start: &StartContainer<'_>, spec: &AdvertiseAddressSpec) -> AdvertiseAddressSpec {
    let prefer = match start.argument("prefer") {
        Some(kinds) => kinds.split(',').filter_map(named).collect(),
        None => AdvertiseAddressSpec::default().prefer,
    };
    AdvertiseAddressSpec {
        prefer,
        ip_family: start.argument("ip-family").and_then(named),
        ..spec.clone()
    }
}

/// Parses the name of an enum value as manifests spell it.
fn named<T: DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(Value::from(name)).ok()
}

/// The user's Service that leads to the session server, where no earlier run has made ours.
fn adopted(
    list: &ResourceList<'_>,
    runner: &Runner,
    file: &ConfigFile,
    declared: &Existing,
    of_chart: bool,
    own: Option<&str>,
) -> Result<Option<Adoptable>, Refusal> {
    let port = || port::of_container(settings::configured_port(file), runner);
    let workload = &runner.workload;
    match declared {
        Existing::Ours(_) => Ok(None),
        Existing::Foreign(service) if of_chart => Ok(Adoptable::of(service, workload, port(), own)),
        Existing::None(_) | Existing::Foreign(_) => {
            let services = Services::of(list, std::slice::from_ref(runner))?;
            adopt::find(&services, workload, port(), own, own.is_some())
        }
    }
}

/// Plans the address of one runner.
pub fn plan(
    list: &ResourceList<'_>,
    spec: &AdvertiseAddressSpec,
    runner: Runner,
    observed: &Observed,
) -> RunnerPlan {
    let mut results = Vec::new();
    let planned = plan_config(list, spec, &runner, observed, &mut results);
    let planned = planned.map(|config| Planned {
        network: None,
        config,
        start: PodStartPlan::default(),
    });
    RunnerPlan::of(runner, planned, results)
}

fn plan_config(
    list: &ResourceList<'_>,
    spec: &AdvertiseAddressSpec,
    runner: &Runner,
    observed: &Observed,
    results: &mut Vec<FunctionResult>,
) -> Result<ConfigPlan, Refusal> {
    let mut draft = ConfigDraft::open(&runner.config)?;
    let found = resolve_address(list, spec, runner, observed, &draft.file)?;
    let Advertised {
        service,
        state,
        is_only_live,
        ..
    } = found;
    if is_only_live && matches!(state, State::Known(_)) {
        results.push(only_live(&runner.workload, &service));
    }
    match state {
        State::Known(address) => {
            let configured = settings::configured_port(&draft.file);
            let wanted = settings::Wanted {
                listen_port: port::of_container(configured, runner),
                listen_port_is_asked: false,
                address: &address,
                address_is_asked: true,
                timeout: settings::asked_timeout(&runner.workload),
            };
            settings::set(&wanted, &mut draft, results)?;
            results.extend(limits(&address, &draft.location));
        }
        State::Pending { reason, wait: None } if spec.when_pending != WhenPending::Fail => {
            results.push(switch_off(&service, &mut draft, &reason));
        }
        State::Pending { reason, wait } => {
            return Err(Box::new(pending(&service, &reason, wait.as_ref())));
        }
        State::Unknown(request) => return Err(Box::new(unknown(&service, &request))),
    }
    config_types::check(&draft.file, &draft.location, &[])?;
    let config = draft.finish();
    let pointer = checksum(&runner.workload);
    results.extend(rollout::restart(
        runner,
        &pointer,
        config.checksum.as_deref(),
    ));
    Ok(config)
}

/// The warning for manifests without the Service that has the address: whoever prunes what is not
/// among them, as Helm and Argo CD do, would delete it.
fn only_live(workload: &Workload, service: &Identity) -> FunctionResult {
    let message = format!(
        "{service}, which has its address, is in the cluster but not among these manifests, and an \
         apply that prunes deletes it: run the function SessionServer before this one"
    );
    FunctionResult::warning(message).about(&workload.resource.identity)
}

/// The Service in front of a runner: the one of the list, else the one that would be made.
fn service_of(declared: &Existing, of_chart: bool) -> Result<Identity, Refusal> {
    match declared {
        Existing::Ours(service) => Ok(service.identity.clone()),
        Existing::Foreign(service) if of_chart => Ok(service.identity.clone()),
        Existing::Foreign(service) => Err(not_ours(&service.identity)),
        Existing::None(identity) => Ok(identity.clone()),
    }
}

/// The address of the exposure, which the SessionServer has written.
fn of_exposure(configured: Option<&str>) -> State {
    match configured {
        Some(address) => State::Known(address.to_owned()),
        None => State::pending(
            "has an address that its exposure says, and config.toml has none: run the \
             SessionServer before this function",
        ),
    }
}

/// The port of a runner's Service.
fn port_of(declared: &Existing) -> u16 {
    let port = match declared {
        Existing::Ours(service) | Existing::Foreign(service) => service::own_port(&service.value),
        Existing::None(_) => None,
    };
    let port = port.and_then(|entry| entry.get("port")?.as_u64()?.try_into().ok());
    port.unwrap_or(SERVICE_PORT)
}

/// The inputs for finding an address.
struct Question<'a, 'list> {
    list: &'a ResourceList<'list>,
    spec: &'a AdvertiseAddressSpec,
    /// The fields that select among addresses, for messages.
    selectors: &'static str,
    observed: &'a Observed,
    /// The port of a Service of the user's that leads to the session server.
    adopted_port: Option<u16>,
    of_chart: bool,
    /// `advertise_address`
    configured: Option<&'a str>,
    /// The address of the nodes in our manifest.
    nodes: Option<&'a str>,
}

/// What the observed Service says of the address.
fn observe(question: &Question<'_, '_>, identity: &Identity) -> Result<State, Refusal> {
    let spec = question.spec;
    let (live, by_host) = match live(question, identity)? {
        Ok(live) => live,
        Err(state) => return Ok(state),
    };
    if !is_ours(live) && !question.of_chart && question.adopted_port.is_none() {
        return Err(not_ours(&live.identity));
    }
    let at_node;
    let nodes = match question.nodes {
        None if live_service::is_at_nodes(live) => {
            match host_of_a_node(question, &live.identity)? {
                Ok(host) => {
                    at_node = host;
                    Some(at_node.as_str())
                }
                Err(state) => return Ok(state),
            }
        }
        nodes => nodes,
    };
    let known = live_service::Known {
        configured: question.configured,
        nodes,
        port: question.adopted_port,
    };
    let request = |look| service_request(question, identity, look);
    match live_service::resolve(live, spec, known) {
        Resolution::Address(address) => Ok(State::Known(address)),
        Resolution::Pending(_) if waits(spec) && !by_host => Ok(State::Unknown(request(Look::Now))),
        Resolution::Pending(pending) => Ok(State::Pending {
            reason: at_server(pending.reason(question.selectors), live.annotation(ASKED)),
            wait: waits(spec).then(|| request(Look::Change(spec.timeout()))),
        }),
        Resolution::Refused(reason) => Err(refused(reason, live)),
        Resolution::BeingDeleted { since } => Err(refused(
            format!(
                "is being deleted since {since}: wait until it is gone, apply it again, and build \
                 again"
            ),
            live,
        )),
    }
}

/// The Service can never be used.
fn refused(reason: String, live: &Resource) -> Refusal {
    let message = at_server(reason, live.annotation(ASKED));
    Box::new(FunctionResult::error(message).about(&live.identity))
}

/// The live Service, and whether the host has read it for this run; else what is known instead.
fn live<'a>(
    question: &Question<'a, '_>,
    identity: &Identity,
) -> Result<Result<(&'a Resource, bool), State>, Refusal> {
    let Question { spec, observed, .. } = *question;
    let from_items = spec.source == Source::Items;
    let state = match observed.service(&service_name(identity)) {
        Some(Observation::Live { service, by_host })
            if *by_host || spec.source != Source::Cluster =>
        {
            return Ok(Ok((service, *by_host)));
        }
        _ if from_items => State::pending("is not among the items with its status"),
        Some(Observation::Absent { looked_in, asked }) => {
            let reason = match looked_in {
                Some(namespace) => format!(
                    "is not in the namespace {namespace} yet, which was looked in because its \
                     manifest names none (a namespace that is set after this function is not seen)"
                ),
                None => "is not in the cluster yet".to_owned(),
            };
            State::pending(at_server(reason, asked.as_deref()))
        }
        Some(Observation::Forbidden(_)) if companions::have(question.list, "Role", identity) => {
            State::pending(
                "may not be read yet (403 Forbidden): these manifests have the Role that allows it",
            )
        }
        Some(Observation::Forbidden(Forbidden { reason, rule })) => {
            let refusal = FunctionResult::error(reason.as_str()).with_manifests(rule);
            return Err(Box::new(refusal.about(identity)));
        }
        Some(Observation::Failed(reason)) => {
            return Err(Box::new(
                FunctionResult::error(reason.as_str()).about(identity),
            ));
        }
        _ => State::Unknown(service_request(question, identity, Look::Now)),
    };
    Ok(Err(state))
}

fn service_name(identity: &Identity) -> ServiceName {
    ServiceName {
        namespace: identity.namespace.clone(),
        name: identity.name.clone(),
    }
}

fn service_request(question: &Question<'_, '_>, identity: &Identity, look: Look) -> Request {
    Request::new(
        Subject::Service(service_name(identity)),
        look,
        question.spec,
    )
}

/// A clause about a Service, with the API server that it comes from.
fn at_server(reason: String, asked: Option<&str>) -> String {
    match asked {
        Some(asked) => format!("{reason}, as the API server {asked} says"),
        None => reason,
    }
}

/// The host of a node, or what is needed to find it out.
fn host_of_a_node(
    question: &Question<'_, '_>,
    service: &Identity,
) -> Result<Result<String, State>, Refusal> {
    let Question { spec, observed, .. } = *question;
    let nodes = match observed.nodes() {
        Some(NodesSeen::Live(nodes)) => nodes,
        Some(NodesSeen::Forbidden(_))
            if companions::have(question.list, "ClusterRole", service) =>
        {
            let reason = "needs the address of a node, and the nodes may not be read yet (403 \
                          Forbidden): these manifests have the ClusterRole that allows it";
            return Ok(Err(State::pending(reason)));
        }
        Some(NodesSeen::Forbidden(Forbidden { reason, rule })) => {
            let refusal = nodes_unread(reason).with_manifests(rule);
            return Err(Box::new(refusal.about(service)));
        }
        Some(NodesSeen::Failed(reason)) => {
            return Err(Box::new(nodes_unread(reason).about(service)));
        }
        None if spec.source == Source::Items => {
            let reason = "needs the address of a node, and no node is among the items: set \
                          spec.exposure.nodeAddress of the SessionServer";
            return Ok(Err(State::pending(reason)));
        }
        None => {
            let request = Request::new(Subject::Nodes, Look::Now, spec);
            return Ok(Err(State::Unknown(request)));
        }
    };
    let configured = question.configured.and_then(parse_address);
    let current = configured.map(|address| address.host);
    Ok(
        match node_address::choose(nodes, spec.ip_family, current.as_ref()) {
            Some(host) => Ok(host.to_string()),
            None => Err(State::pending(NO_NODE)),
        },
    )
}

fn nodes_unread(reason: &str) -> FunctionResult {
    FunctionResult::error(format!(
        "needs the address of a node, and the nodes {reason}"
    ))
}

fn waits(spec: &AdvertiseAddressSpec) -> bool {
    spec.when_pending == WhenPending::Wait
}

fn not_ours(service: &Identity) -> Refusal {
    Box::new(
        FunctionResult::error(format!(
            "was not made by this function, so its address may lead elsewhere: annotate it with \
             {OWNED_BY}: {OWNER} to hand it over"
        ))
        .about(service)
        .at("metadata.annotations"),
    )
}

/// Asks the host to read the Service. A host without a cluster shows this to the user.
fn unknown(service: &Identity, request: &Request) -> FunctionResult {
    let (what, look) = match request.subject {
        Subject::Service(_) => ("its address has", service::kubectl(service)),
        Subject::Nodes => ("the address of a node has", "kubectl get nodes".to_owned()),
    };
    let result = FunctionResult::error(format!(
        "{what} to be read from the cluster, and this host has not done that: run the function by \
         the runner-terminal command, which can, or put the output of `{look} -o yaml` among the \
         items, with the annotation config.kubernetes.io/local-config: 'true' so that it is not \
         applied"
    ));
    request.tag(result.about(service).at(STATUS))
}

/// Reports an error because there is no address.
fn pending(service: &Identity, reason: &str, wait: Option<&Request>) -> FunctionResult {
    let look = service::kubectl(service);
    let message = match wait {
        Some(Request {
            look: Look::Change(timeout),
            ..
        }) => format!(
            "{reason}, and spec.timeout is {timeout}: see by `{look}` and its events what keeps the \
             load balancer, or wait longer"
        ),
        _ if reason == NO_NODE => {
            format!("{reason}: build again when `kubectl get nodes -o wide` shows one")
        }
        _ => format!(
            "{reason}: apply the manifests, wait until `{look}` shows an address, and build again"
        ),
    };
    let result = FunctionResult::error(message).about(service).at(STATUS);
    match wait {
        Some(request) => request.tag(result),
        None => result,
    }
}

/// Switches the session server off until there is an address.
fn switch_off(service: &Identity, draft: &mut ConfigDraft<'_>, reason: &str) -> FunctionResult {
    let state = if settings::switch_off(draft) {
        "terminals stay off until then"
    } else {
        "config.toml has a listen_address of the user's own, which stays"
    };
    FunctionResult::warning(format!(
        "{reason}; {state}. Apply these manifests, wait until `{}` shows an address, and build and \
         apply again",
        service::kubectl(service)
    ))
    .about(service)
    .at(STATUS)
}

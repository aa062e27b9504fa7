//! The Service in front of a session server: made by this function, or the user's own.

use serde_json::Value;

use super::adopt::{self, Adoptable, Services};
use super::config_file::{ADVERTISE_ADDRESS, LISTEN_ADDRESS};
use super::config_plan::ConfigDraft;
use super::pod_start::{Nodes, StartAddress};
use super::pods::Pods;
use super::port::PortPlan;
use super::service::{self, Existing, ServicePlan};
use super::{ADDRESS_FROM, live_service, settings};
use crate::address::{Address, Host};
use crate::exposure::{
    AddressSource, ExposureContext, ExposureKind, FixedAddress, PodReach, RELAY_NAMESPACE,
};
use crate::function_config::SessionServerSpec;
use crate::runner::{Runner, shard};
use krm::resource::{Identity, Resource};
use krm::results::{FunctionResult, Refusal};
use yaml_splice::pointer::At as _;

/// What the Service in front of a runner means for its address.
#[derive(Clone, Debug)]
pub(super) struct ServiceBinding {
    /// What it is called.
    pub(super) identity: Identity,
    /// The port to advertise; unknown where the cluster chooses it.
    pub(super) port: Option<u16>,
    /// The address, if the exposure determines it.
    pub(super) known: Option<String>,
    /// How the pods are reached, if each is reached individually.
    pub(super) reach: Option<PodReach>,
    /// An earlier run wrote the address of another exposure, which is no longer reachable.
    pub(super) has_lost_address: bool,
    /// The namespace of an earlier run's relay manifests.
    pub(super) relay_before: Option<String>,
    /// The objects that the exposure needs beside it.
    pub(super) objects: Vec<Value>,
    /// Clients outside the cluster connect to the Service itself: it is of type LoadBalancer or NodePort,
    /// without an Ingress, Gateway or relay of ours in front of it.
    pub(super) is_reached_directly: bool,
    /// An address that only this runner can have.
    pub(super) fixed: Option<FixedAddress>,
    of_chart: bool,
    is_node_port: bool,
    /// The number of its port, where it is the user's own.
    adopted_port: Option<u16>,
}

/// What is known of the function that writes the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FollowUp {
    /// Nothing: kustomize and kpt do not say what comes next.
    Unknown,
    /// The live Service among the items has an address.
    Seen,
    /// An AdvertiseAddress comes later in this run.
    SameRun,
}

/// Plans a Service of ours. `existing` is the one that an earlier run added.
///
/// # Errors
/// The runner cannot be reached in the requested way.
pub(super) fn make(
    service: Identity,
    existing: Option<Resource>,
    spec: &SessionServerSpec,
    runner: &Runner,
    port: &PortPlan,
    draft: &ConfigDraft<'_>,
) -> Result<(ServicePlan, ServiceBinding), Refusal> {
    let own = settings::own_address(&draft.file, draft.before.as_ref());
    let context = ExposureContext {
        service: &service,
        workload: &runner.workload,
        listen_port: port.number,
        shard: shard::index(&runner.workload),
        has_given_address: spec.advertise_address.is_some() || own.is_some(),
    };
    let exposure = &spec.exposure;
    let strategy = exposure.strategy();
    let source = strategy.address_source(context)?;
    let before = |name: &str| {
        existing
            .as_ref()
            .and_then(|service| service.annotation(name))
    };
    let has_lost_address = source == AddressSource::LiveService && before(ADDRESS_FROM).is_some();
    let relay_before = before(RELAY_NAMESPACE).map(str::to_owned);
    let plan = ServicePlan::ours(existing, context, exposure, &source, &port.target)?;
    let binding = ServiceBinding {
        identity: plan.identity().clone(),
        port: strategy.advertised_port(context),
        objects: strategy.objects(context),
        relay_before,
        has_lost_address,
        known: match source {
            AddressSource::Known(address) => Some(address),
            AddressSource::Given | AddressSource::LiveService | AddressSource::Pod => None,
        },
        reach: None,
        is_reached_directly: matches!(
            exposure.kind,
            ExposureKind::LoadBalancer(_) | ExposureKind::NodePort(_)
        ),
        fixed: exposure.fixed_address(context),
        of_chart: false,
        is_node_port: matches!(exposure.kind, ExposureKind::NodePort(_)),
        adopted_port: None,
    };
    Ok((plan, binding))
}

/// Plans a runner whose pods are reached one by one. `existing` is the Service of an earlier run.
///
/// # Errors
/// The pods cannot be reached that way.
pub(super) fn per_pod(
    service: Identity,
    existing: Option<Resource>,
    spec: &SessionServerSpec,
    runner: &Runner,
    listen_port: u16,
) -> Result<(ServicePlan, ServiceBinding), Refusal> {
    let context = ExposureContext {
        service: &service,
        workload: &runner.workload,
        listen_port,
        shard: None,
        has_given_address: false,
    };
    let strategy = spec.exposure.strategy();
    strategy.address_source(context)?;
    let before = existing.as_ref();
    let relay_before = before.and_then(|service| service.annotation(RELAY_NAMESPACE));
    let binding = ServiceBinding {
        identity: service.clone(),
        port: None,
        known: None,
        reach: strategy.pod_reach(context),
        has_lost_address: false,
        relay_before: relay_before.map(str::to_owned),
        objects: strategy.objects(context),
        is_reached_directly: false,
        fixed: None,
        of_chart: false,
        is_node_port: false,
        adopted_port: None,
    };
    let plan = match existing {
        Some(existing) => ServicePlan::Removed(existing),
        None => ServicePlan::None(service),
    };
    Ok((plan, binding))
}

/// The user's Service that is used instead of ours: the chart's or, if a load balancer is
/// requested, any that leads to the session server. `None` if an earlier run added ours.
///
/// # Errors
/// Several lead there.
pub(super) fn adoptable(
    services: &Services,
    spec: &SessionServerSpec,
    runner: &Runner,
    listen_port: u16,
    draft: &ConfigDraft<'_>,
    found: &Existing,
) -> Result<Option<Adoptable>, Refusal> {
    let workload = &runner.workload;
    let before = draft.before.as_ref();
    let own = settings::own_address(&draft.file, before);
    let asked = spec.advertise_address.as_deref().or(own.as_deref());
    match found {
        Existing::Ours(_) => return Ok(None),
        Existing::Foreign(service) if settings::is_of_chart(&draft.file, before) => {
            return Ok(Adoptable::of(service, workload, listen_port, asked));
        }
        Existing::None(_) | Existing::Foreign(_) => {}
    }
    if !matches!(spec.exposure.kind, ExposureKind::LoadBalancer(_)) {
        return Ok(None);
    }
    // A user who explicitly requests a load balancer does not mean a Service inside the cluster.
    let inside = asked.is_some() && spec.exposure.is_default();
    adopt::find(services, workload, listen_port, asked, inside)
}

/// Adopts a Service that leads to the session server.
///
/// # Errors
/// It selects other pods too.
pub(super) fn adopt(
    adopted: &Adoptable,
    spec: &SessionServerSpec,
    runner: &Runner,
    draft: &ConfigDraft<'_>,
    pods: &Pods,
    results: &mut Vec<FunctionResult>,
) -> Result<ServiceBinding, Refusal> {
    let Adoptable {
        service,
        port,
        node_port,
    } = adopted;
    let of_chart = settings::is_of_chart(&draft.file, draft.before.as_ref())
        && service.identity.name == service::identity(&runner.workload).name;
    if let Some(selector) = service
        .value
        .at("/spec/selector")
        .and_then(Value::as_object)
    {
        pods.check_service(&service.identity, selector, &runner.workload)?;
    }
    results.extend(adopted_results(adopted, of_chart, spec, runner));
    let text = |pointer: &str| service.value.at(pointer).and_then(Value::as_str);
    let kind = text("/spec/type");
    let reserved =
        text("/spec/loadBalancerIP").filter(|_| !of_chart && kind == Some("LoadBalancer"));
    let reserved = reserved.and_then(|ip| Address::parse(ip).ok());
    let reserved = reserved.filter(|address| matches!(address.host, Host::Ip(_)));
    // A load balancer gets an address of its own.
    let external = live_service::external_ips(&service.value).next();
    let external = external.filter(|_| kind != Some("LoadBalancer"));
    let is_node_port = kind == Some("NodePort") && external.is_none();
    let known = reserved.or(external);
    Ok(ServiceBinding {
        identity: service.identity.clone(),
        port: if is_node_port {
            *node_port
        } else {
            Some(*port)
        },
        known: known.map(|address| address.with_default_port(*port)),
        reach: None,
        has_lost_address: false,
        relay_before: None,
        objects: Vec::new(),
        is_reached_directly: matches!(kind, Some("LoadBalancer" | "NodePort")),
        fixed: None,
        of_chart,
        is_node_port,
        adopted_port: Some(*port),
    })
}

/// Says that a Service is adopted, and that the exposure does not change it.
fn adopted_results(
    adopted: &Adoptable,
    of_chart: bool,
    spec: &SessionServerSpec,
    runner: &Runner,
) -> Vec<FunctionResult> {
    let Adoptable { service, port, .. } = adopted;
    let (said, not_applied) = if of_chart {
        let scripts = match runner.start {
            None => ". The chart's scripts still run at each start",
            Some(_) => "",
        };
        (
            format!(
                "adopted the Service of the chart's own session server; no second one is \
                 added{scripts}"
            ),
            "spec.exposure is not applied to a Service that the chart makes: set the chart's \
             sessionServer values, or its sessionServer.enabled to false",
        )
    } else {
        (
            format!(
                "leads to the session server of {} by its port {port}, so it is adopted and stays as \
                 it is; no second one is added",
                runner.workload.resource.identity
            ),
            "spec.exposure is not applied to a Service of your own: set it there, or remove the \
             Service to have one made",
        )
    };
    let mut results = vec![FunctionResult::info(said).about(&service.identity)];
    if !spec.exposure.is_default() {
        results.push(FunctionResult::warning(not_applied).about(&service.identity));
    }
    results
}

impl ServiceBinding {
    /// Where a pod that starts gets the address of this Service from.
    pub(super) fn start_address(&self, nodes: Option<&str>, listen_port: u16) -> StartAddress {
        match &self.reach {
            Some(PodReach::PodIp) => return StartAddress::Pod { port: listen_port },
            Some(PodReach::HostPort(port)) => {
                return StartAddress::Node {
                    port: *port,
                    is_of_each_pod: true,
                };
            }
            Some(PodReach::Name { domain, port }) => {
                return StartAddress::PodName {
                    domain: domain.clone(),
                    port: *port,
                };
            }
            None => {}
        }
        let service = |nodes| StartAddress::Service {
            name: self.identity.name.clone(),
            port: self.adopted_port,
            nodes,
        };
        match (self.is_node_port, nodes, self.port) {
            (false, ..) => service(None),
            (true, Some(nodes), _) => service(Some(Nodes::At(nodes.to_owned()))),
            (true, None, Some(port)) => StartAddress::Node {
                port,
                is_of_each_pod: false,
            },
            (true, None, None) => service(Some(Nodes::OfPod)),
        }
    }

    /// Reports what must happen before the address is known. `can_start`: returns whether the
    /// address can be found at pod start.
    pub(super) fn pending(
        &self,
        draft: &ConfigDraft<'_>,
        follow_up: FollowUp,
        can_start: impl FnOnce() -> bool,
    ) -> FunctionResult {
        if self.of_chart {
            return self.written_by_scripts();
        }
        let look = service::kubectl(&self.identity);
        let field = if self.is_node_port {
            "spec.ports[0].nodePort"
        } else {
            "status.loadBalancer"
        };
        let result = match follow_up {
            FollowUp::Seen => FunctionResult::info(
                "its live Service among the items has an address, which the function \
                 AdvertiseAddress writes into the configuration",
            ),
            FollowUp::SameRun => FunctionResult::info(
                "its address is looked up by the AdvertiseAddress that comes next in this run",
            ),
            FollowUp::Unknown => {
                let state = state(draft);
                const NODES: &str = "a node's address that `kubectl get nodes -o wide` shows";
                let (needs, instead) = match (self.is_node_port, self.port) {
                    (true, Some(_)) => (
                        "has no address of a node yet",
                        format!("set spec.exposure.nodeAddress to {NODES}"),
                    ),
                    (true, None) => (
                        "has no node port yet, and no address of a node",
                        format!(
                            "set spec.exposure.nodePort, and spec.exposure.nodeAddress to {NODES}"
                        ),
                    ),
                    (false, _) => (
                        "has no address yet",
                        format!("set spec.advertiseAddress to what `{look}` shows"),
                    ),
                };
                // Its RoleBinding names a namespace.
                let in_one_step = match !self.identity.namespace.is_empty() && can_start() {
                    true => ". With spec.configure.at: PodStart, one apply is enough",
                    false => "",
                };
                FunctionResult::warning(format!(
                    "{needs}; {state}. Apply these manifests; then let the function AdvertiseAddress \
                     fill the address in, or {instead}, and build and apply again{in_one_step}"
                ))
            }
        };
        result.about(&self.identity).at(field)
    }

    /// Says which address the chart's scripts write.
    ///
    /// Source: the chart's `_env_vars.tpl` and `configmap.yaml`.
    fn written_by_scripts(&self) -> FunctionResult {
        let look = service::kubectl(&self.identity);
        let (address, field, what) = if self.is_node_port {
            (
                "the address of the pod's node, with the Service's node port",
                "spec.ports[0].nodePort",
                format!(" to a node's address and the node port that `{look}` shows"),
            )
        } else if self.is_reached_directly {
            (
                "a host name or an IPv4 address of the Service, once it has one",
                "status.loadBalancer",
                format!(" to the one that `{look}` shows"),
            )
        } else {
            (
                "the Service's name inside the cluster or, if it is headless, the pod's IP address",
                "spec.clusterIP",
                String::new(),
            )
        };
        FunctionResult::info(format!(
            "the chart's scripts write advertise_address when the runner starts: \
             sessionServer.publicIP, else {address}. To be sure of it, set \
             spec.advertiseAddress{what}"
        ))
        .about(&self.identity)
        .at(field)
    }

    /// Warns of an address at a port that the Service does not have.
    pub(super) fn check_port(&self, address: &str) -> Option<FunctionResult> {
        let advertised = Address::parse(address).ok()?.port?;
        if !self.is_reached_directly || self.port == Some(advertised) {
            return None;
        }
        let serves = match self.port {
            Some(port) => format!("this Service answers at port {port}"),
            None => "the cluster chooses this Service's port on the nodes".to_owned(),
        };
        let field = if self.is_node_port {
            "nodePort"
        } else {
            "port"
        };
        let way = if self.adopted_port.is_some() {
            format!("advertise its own port, or give it port {advertised}")
        } else if self.is_node_port {
            format!("set spec.exposure.{field}: {advertised}")
        } else {
            format!(
                "set spec.exposure.{field}: {advertised}, or advertise {}; with a proxy of your own \
                 in front, spec.exposure.type: ClusterIP makes no load balancer",
                self.port.unwrap_or(advertised)
            )
        };
        Some(
            FunctionResult::warning(format!(
                "advertise_address is {address}, and {serves}: GitLab reaches it only where a proxy \
                 passes TCP through from port {advertised} to it. Otherwise {way}"
            ))
            .about(&self.identity)
            .at("spec.ports"),
        )
    }
}

/// Says how terminals behave until the address is known.
fn state(draft: &ConfigDraft<'_>) -> String {
    let listens = draft.file.get(LISTEN_ADDRESS).is_some();
    if listens && draft.file.get(ADVERTISE_ADDRESS).is_none() {
        format!(
            "{} has a listen_address and no advertise_address, so the Debug button is there and \
             broken",
            draft.location.field()
        )
    } else {
        "terminals stay off until then".to_owned()
    }
}

//! The plan of one runner: what its manifests need so that its terminals work.

use std::borrow::Borrow;
use std::cell::OnceCell;

use serde_json::{Value, json};

use super::adopt::Services;
use super::companions::{self, CompanionPlan, CompanionScope};
use super::config_file::{ADVERTISE_ADDRESS, LISTEN_ADDRESS, SESSION_TIMEOUT};
use super::config_plan::{ConfigDraft, ConfigPlan};
use super::config_types;
use super::pod_start::{self, PodStartPlan, StartAddress, StartTask};
use super::pods::Pods;
use super::port::{self, PortPlan};
use super::service::{self, Existing, ServicePlan};
use super::service_binding::{self, FollowUp, ServiceBinding};
use super::{
    ASKED_TIMEOUT, FOLLOWED_BY, capability, checksum, host_network, limits, listening,
    network_policy, owned, require_name, rollout, settings, shut_out, taken,
};
use crate::exposure::{ExposureKind, PodReach};
use crate::fields::Seconds;
use crate::function_config::{Reader, SessionServerSpec};
use crate::observed::{Observed, ServiceName};
use crate::ownership::is_ours;
use crate::rbac;
use crate::runner::{Runner, Workload, placeholder};
use krm::bookkeeping::annotation;
use krm::patch::Patches;
use krm::resource::Identity;
use krm::resource_list::{ReadError, ResourceList};
use krm::results::{FunctionResult, Refusal};
use yaml_splice::pointer::At as _;

/// The changes for one runner.
#[derive(Debug)]
pub struct RunnerPlan {
    /// The runner.
    pub runner: Runner,
    /// How it is reached; `None` for an AdvertiseAddress, or if the runner is refused.
    pub network: Option<NetworkPlan>,
    /// Its `config.toml`; `None` if the runner is refused.
    pub config: Option<ConfigPlan>,
    /// What its pods do when they start.
    pub start: PodStartPlan,
    /// The messages for the user; if the runner is refused, the last one is the reason.
    pub results: Vec<FunctionResult>,
}

/// How a runner's session server is reached.
#[derive(Clone, Debug)]
pub struct NetworkPlan {
    /// The container port.
    pub port: PortPlan,
    /// The Service in front of it.
    pub service: ServicePlan,
    /// The objects beside the Service.
    pub companions: Vec<CompanionPlan>,
    /// The `sessionTimeout` for the AdvertiseAddress that writes it with the address.
    pub asked_timeout: Option<Seconds>,
}

/// The parts of a plan.
pub(super) struct Planned {
    pub(super) network: Option<NetworkPlan>,
    pub(super) config: ConfigPlan,
    pub(super) start: PodStartPlan,
}

impl Borrow<Workload> for RunnerPlan {
    fn borrow(&self) -> &Workload {
        &self.runner.workload
    }
}

impl RunnerPlan {
    /// A plan, or the reason why there is none.
    pub(super) fn of(
        runner: Runner,
        planned: Result<Planned, Refusal>,
        mut results: Vec<FunctionResult>,
    ) -> Self {
        let (network, config, start) = match planned {
            Ok(planned) => (planned.network, Some(planned.config), planned.start),
            Err(refusal) => {
                results.push(*refusal);
                (None, None, PodStartPlan::default())
            }
        };
        Self {
            runner,
            network,
            config,
            start,
            results,
        }
    }

    /// True if the `config.toml` gets another text.
    pub fn changes_config(&self) -> bool {
        self.config.as_ref().is_some_and(|plan| plan.text.is_some())
    }

    /// True if the workload changes.
    pub fn changes_workload(&self) -> bool {
        let workload = &self.runner.workload;
        let changes_checksum = self.config.as_ref().is_some_and(|plan| {
            let before = workload.resource.value.at(&checksum(workload));
            before.and_then(Value::as_str) != plan.checksum.as_deref()
        });
        let changes_network = self.network.as_ref().is_some_and(|plan| {
            let asked = plan
                .asked_timeout
                .map(|Seconds(timeout)| timeout.to_string());
            plan.port.change != port::PortChange::None
                || workload.resource.annotation(ASKED_TIMEOUT) != asked.as_deref()
        });
        changes_checksum || changes_network || !self.start.edits.is_empty()
    }

    /// Writes what is planned.
    ///
    /// # Errors
    /// A plan does not fit its manifest.
    pub(crate) fn patch(self, patches: &mut Patches) -> Result<(), Refusal> {
        let workload = &self.runner.workload;
        let resource = &workload.resource;
        if let Some(network) = self.network {
            network.port.patch(resource, patches);
            network.service.patch(resource, patches)?;
            for companion in network.companions {
                companion.patch(resource, patches);
            }
            let pointer = annotation(ASKED_TIMEOUT);
            match network.asked_timeout {
                Some(Seconds(timeout)) => {
                    patches.set(resource, &pointer, json!(timeout.to_string()));
                }
                None => patches.remove(resource, &pointer),
            }
        }
        self.start.patch(resource, patches);
        if let Some(config) = self.config {
            set_config_checksum(workload, config.checksum.as_deref(), patches);
            config.patch(&self.runner.config, patches);
        }
        Ok(())
    }
}

/// Writes the checksum into the pod template, so that the pods restart when the configuration changes:
/// the runner reads it only at start.
fn set_config_checksum(workload: &Workload, digest: Option<&str>, patches: &mut Patches) {
    match digest {
        Some(digest) => patches.set(&workload.resource, &checksum(workload), json!(digest)),
        None => patches.remove(&workload.resource, &checksum(workload)),
    }
}

/// What else in a list affects the session servers of its runners.
#[derive(Debug)]
pub struct Surroundings {
    pods: Pods,
    services: Services,
    /// Objects whose configuration an earlier run edited.
    edited: Vec<usize>,
    /// Collected only if a runner has no address yet.
    observed: OnceCell<Observed>,
}

impl Surroundings {
    /// Collects the surroundings of these runners. `has_others`: the list may have other runners.
    ///
    /// # Errors
    /// A resource that matters cannot be parsed.
    pub fn of(
        list: &ResourceList<'_>,
        runners: &[Runner],
        has_others: bool,
    ) -> Result<Self, ReadError> {
        let edited = if has_others || runners.len() > 1 {
            taken::edited(list)
        } else {
            Vec::new()
        };
        Ok(Self {
            pods: Pods::of(list, runners)?,
            services: Services::of(list, runners)?,
            edited,
            observed: OnceCell::new(),
        })
    }

    fn observed(&self, list: &ResourceList<'_>) -> Result<&Observed, ReadError> {
        if let Some(observed) = self.observed.get() {
            return Ok(observed);
        }
        let observed = Observed::collect(list)?;
        Ok(self.observed.get_or_init(|| observed))
    }
}

/// Plans the session server of one runner.
pub fn plan(
    list: &ResourceList<'_>,
    spec: &SessionServerSpec,
    runner: Runner,
    around: &Surroundings,
) -> RunnerPlan {
    let mut planner = Planner {
        list,
        spec,
        runner: &runner,
        around,
        results: Vec::new(),
    };
    let planned = planner.plan();
    let results = planner.results;
    RunnerPlan::of(runner, planned, results)
}

/// The plan of one runner while it is made.
struct Planner<'a, 'list> {
    list: &'a ResourceList<'list>,
    spec: &'a SessionServerSpec,
    runner: &'a Runner,
    around: &'a Surroundings,
    results: Vec<FunctionResult>,
}

impl Planner<'_, '_> {
    fn plan(&mut self) -> Result<Planned, Refusal> {
        let Self { spec, runner, .. } = *self;
        require_name(&runner.workload)?;
        // Without a Service, the labels only select the pods of a NetworkPolicy.
        if !spec.exposure.is_per_pod() || spec.network_policy.is_some() {
            self.around.pods.check_selector(&runner.workload)?;
        }
        let mut draft = open(self.list, runner)?;
        let is_at_start = runner.start.is_some();
        if is_at_start {
            draft.forget();
        }
        self.results
            .extend(listening::check(&draft.file, spec, runner)?);
        let (port, service, mut binding) = self.service(&draft)?;
        let start = match is_at_start {
            true => Some(self.start_address(&draft, &binding, port.number)?),
            false => None,
        };
        let companions = self.companions(&mut binding, &draft, port.number, start.as_ref())?;
        let start = match start {
            Some(address) => self.start(&address, &binding, port.number)?,
            None => {
                if binding.has_lost_address && spec.advertise_address.is_none() {
                    settings::switch_off(&mut draft);
                }
                self.address(&mut draft, &binding, port.number)?;
                PodStartPlan::removal(&runner.workload)
            }
        };
        self.check_types(&draft, is_at_start)?;
        self.warn_of_misplaced_table(&draft);
        let config = draft.finish();
        let pointer = checksum(&runner.workload);
        let digest = config.checksum.as_deref();
        self.results
            .extend(rollout::restart(runner, &pointer, digest));
        let network = NetworkPlan {
            port,
            service,
            companions,
            asked_timeout: spec
                .session_timeout
                .filter(|_| spec.advertise_address.is_none() && !is_at_start),
        };
        Ok(Planned {
            network: Some(network),
            config,
            start,
        })
    }

    /// Refuses a file that the runner cannot decode, unless the offending values are replaced.
    fn check_types(&self, draft: &ConfigDraft<'_>, is_at_start: bool) -> Result<(), Refusal> {
        let spec = self.spec;
        let replaced = [
            (SESSION_TIMEOUT, spec.session_timeout.is_some()),
            (LISTEN_ADDRESS, is_at_start && spec.listen_port.is_some()),
            (ADVERTISE_ADDRESS, is_at_start),
        ];
        let replaced = replaced.into_iter().filter(|(_, is_replaced)| *is_replaced);
        let replaced: Vec<_> = replaced.map(|(key, _)| key).collect();
        config_types::check(&draft.file, &draft.location, &replaced)
    }

    /// Where a starting pod gets its address from.
    fn start_address(
        &mut self,
        draft: &ConfigDraft<'_>,
        binding: &ServiceBinding,
        listen_port: u16,
    ) -> Result<StartAddress, Refusal> {
        let Self { spec, .. } = *self;
        if binding.reach.is_some() {
            return Ok(binding.start_address(None, listen_port));
        }
        let Some(advertise) = settings::address(spec, draft, binding, &mut self.results)? else {
            let nodes = match &spec.exposure.kind {
                ExposureKind::NodePort(exposure) => exposure.node_address.as_ref(),
                _ => None,
            };
            let nodes = nodes.map(ToString::to_string);
            return Ok(binding.start_address(nodes.as_deref(), listen_port));
        };
        let address = advertise.address;
        if spec.advertise_address.is_some() || !advertise.is_asked {
            self.results.extend(binding.check_port(&address));
        }
        self.results.extend(limits(&address, &draft.location));
        Ok(StartAddress::Known {
            address,
            is_asked: spec.advertise_address.is_some(),
        })
    }

    /// What the pods do when they start.
    fn start(
        &mut self,
        address: &StartAddress,
        binding: &ServiceBinding,
        listen_port: u16,
    ) -> Result<PodStartPlan, Refusal> {
        let Self { spec, runner, .. } = *self;
        let task = StartTask {
            configure: &spec.configure,
            address,
            listen_port,
            session_timeout: spec.session_timeout,
        };
        let plan = pod_start::plan(runner, &task)?;
        self.results
            .extend(pod_start::result(runner, &task, &binding.identity));
        Ok(plan)
    }

    /// The container port, and the Service that leads to it.
    fn service(
        &mut self,
        draft: &ConfigDraft<'_>,
    ) -> Result<(PortPlan, ServicePlan, ServiceBinding), Refusal> {
        let Self {
            list,
            spec,
            runner,
            around,
            ..
        } = *self;
        let configured = settings::own_port(&draft.file, draft.before.as_ref());
        let listen_port = port::listen_port(spec, configured, runner);
        let found = service::find(list, &runner.workload)?;
        if spec.exposure.is_per_pod() {
            return self.without_service(draft, listen_port, found);
        }
        let services = &around.services;
        let adopted =
            service_binding::adoptable(services, spec, runner, listen_port, draft, &found)?;
        let ports = port::Ports {
            listen: listen_port,
            host: None,
        };
        let metrics = runner.metrics(draft.file.metrics_port());
        let port = port::plan(runner, ports, metrics)?;
        let make = |identity, existing| {
            service_binding::make(identity, existing, spec, runner, &port, draft)
        };
        let (service, binding) = match (adopted, found) {
            (Some(adopted), _) => {
                let (pods, results) = (&around.pods, &mut self.results);
                let binding = service_binding::adopt(&adopted, spec, runner, draft, pods, results)?;
                (ServicePlan::Adopted(adopted.service.identity), binding)
            }
            (None, Existing::Foreign(service)) => return Err(owned::not_ours(&service)),
            (None, Existing::Ours(service)) => make(service.identity.clone(), Some(service))?,
            (None, Existing::None(identity)) => make(identity, None)?,
        };
        if let Some(address) = &binding.fixed {
            taken::check_fixed(list, address, &binding.identity)?;
        }
        Ok((port, service, binding))
    }

    /// The container port of pods that are reached individually.
    fn without_service(
        &mut self,
        draft: &ConfigDraft<'_>,
        listen_port: u16,
        found: Existing,
    ) -> Result<(PortPlan, ServicePlan, ServiceBinding), Refusal> {
        let Self { spec, runner, .. } = *self;
        let (identity, existing) = match found {
            Existing::Ours(service) => (service.identity.clone(), Some(service)),
            Existing::None(identity) => (identity, None),
            Existing::Foreign(service) => (service.identity, None),
        };
        self.results.extend(existing.as_ref().map(service::removed));
        let (service, binding) =
            service_binding::per_pod(identity, existing, spec, runner, listen_port)?;
        let host_port = match binding.reach {
            Some(PodReach::HostPort(port)) => Some(port),
            _ => None,
        };
        let ports = port::Ports {
            listen: listen_port,
            host: host_port,
        };
        let metrics = runner.metrics(draft.file.metrics_port());
        let port = port::plan(runner, ports, metrics)?;
        Ok((port, service, binding))
    }

    /// The objects beside the Service, and warnings of what blocks GitLab.
    fn companions(
        &mut self,
        binding: &mut ServiceBinding,
        draft: &ConfigDraft<'_>,
        listen_port: u16,
        start: Option<&StartAddress>,
    ) -> Result<Vec<CompanionPlan>, Refusal> {
        let Self {
            list,
            spec,
            runner,
            around,
            ..
        } = *self;
        let workload = &runner.workload;
        let service = &binding.identity;
        let mut desired = std::mem::take(&mut binding.objects);
        let reads_nodes = spec.exposure.strategy().reads_nodes();
        let mut accounts = spec.readers.clone();
        if start.is_some_and(StartAddress::reads_service) {
            accounts.extend(reader_at_start(self.list, workload, &accounts)?);
        }
        desired.extend(readers(&accounts, service, reads_nodes && start.is_none()));
        if let Some(policy) = &spec.network_policy {
            let peers = network_policy::peers(policy, &spec.exposure);
            desired.push(network_policy::object(
                peers.as_deref(),
                service,
                runner,
                listen_port,
            ));
        }
        let results = &mut self.results;
        results.extend(around.services.left_behind(list, workload, service)?);
        results.extend(capability::warnings(runner, &draft.file));
        results.extend(shut_out::warnings(list, spec, runner, listen_port)?);
        results.extend(match binding.reach {
            None | Some(PodReach::PodIp | PodReach::Name { .. })
                if host_network::is_on(workload) =>
            {
                rollout::surge_in_host_network(runner, listen_port)
            }
            None => rollout::surge(runner),
            Some(PodReach::HostPort(_)) => rollout::surge_on_nodes(runner),
            Some(PodReach::PodIp | PodReach::Name { .. }) => None,
        });
        if spec.network_policy.is_some() {
            let metrics = runner.metrics(draft.file.metrics_port());
            results.extend(network_policy::metrics_cut_off(runner, metrics));
        }
        let scope = CompanionScope {
            service,
            relay: binding.relay_before.as_deref(),
        };
        let mut plans = companions::plan(list, &desired, scope, workload)?;
        // Beside a Service of the user's that an earlier run adopted and this one does not.
        for other in around.services.leading_to(workload) {
            if other.identity.name != service.name && !is_ours(other) {
                let left = companions::made(list, CompanionScope::of(other))?;
                plans.extend(left.into_iter().map(CompanionPlan::Removed));
            }
        }
        Ok(plans)
    }

    /// The address in the configuration, or what has to happen before there is one.
    fn address(
        &mut self,
        draft: &mut ConfigDraft<'_>,
        binding: &ServiceBinding,
        listen_port: u16,
    ) -> Result<(), Refusal> {
        let Self {
            list,
            spec,
            runner,
            around,
            ..
        } = *self;
        let Some(advertise) = settings::address(spec, draft, binding, &mut self.results)? else {
            let seen = around.observed(list)?.has_address(&ServiceName {
                namespace: binding.identity.namespace.clone(),
                name: binding.identity.name.clone(),
            });
            let follow_up = match (seen, is_followed(list)) {
                (true, _) => FollowUp::Seen,
                (false, true) => FollowUp::SameRun,
                (false, false) => FollowUp::Unknown,
            };
            let can_start = || runner.can_start(list);
            self.results
                .push(binding.pending(draft, follow_up, can_start));
            return Ok(());
        };
        let address = &advertise.address;
        if advertise.is_asked {
            taken::check_advertised(list, &around.edited, address, runner)?;
        }
        let own = settings::own_address(&draft.file, draft.before.as_ref());
        if spec.advertise_address.is_some() || own.is_some() {
            self.results.extend(binding.check_port(address));
        }
        self.results.extend(limits(address, &draft.location));
        let wanted = settings::Wanted {
            listen_port,
            listen_port_is_asked: spec.listen_port.is_some(),
            address,
            address_is_asked: advertise.is_asked,
            timeout: spec.session_timeout,
        };
        settings::set(&wanted, draft, &mut self.results)
    }

    fn warn_of_misplaced_table(&mut self, draft: &ConfigDraft<'_>) {
        self.results.extend(settings::misplaced_table(draft));
    }
}

/// Reads the configuration of a runner.
///
/// # Errors
/// It is not TOML, or not before a placeholder is filled in.
fn open<'r>(list: &ResourceList<'_>, runner: &'r Runner) -> Result<ConfigDraft<'r>, Refusal> {
    ConfigDraft::open(&runner.config).map_err(|refusal| match placeholder(&runner.config.text) {
        Some(_) => runner.or_at_start(list, refusal),
        None => refusal,
    })
}

/// The service account of the pods, which read the Service at startup, unless it is already a
/// reader.
///
/// # Errors
/// Its namespace is not known.
fn reader_at_start(
    list: &ResourceList<'_>,
    workload: &Workload,
    readers: &[Reader],
) -> Result<Option<Reader>, Refusal> {
    let identity = &workload.resource.identity;
    if identity.namespace.is_empty() {
        return Err(Box::new(
            FunctionResult::error(
                "has no namespace, and the RoleBinding by which its pods read the Service has to \
                 name the one of their service account: set a namespace before this function runs",
            )
            .about(identity)
            .at("metadata.namespace"),
        ));
    }
    let reader = Reader {
        namespace: identity.namespace.clone(),
        service_account: pod_start::service_account(list, workload)?,
    };
    Ok((!readers.contains(&reader)).then_some(reader))
}

/// True if the host has said that an AdvertiseAddress comes after this function.
fn is_followed(list: &ResourceList<'_>) -> bool {
    let config = list.function_config();
    let next = config.and_then(|config| config.at(&annotation(FOLLOWED_BY)));
    next.and_then(Value::as_str) == Some("AdvertiseAddress")
}

/// The Role and RoleBinding for those who may read the Service's address; if the address is a
/// node's, also the ClusterRole and ClusterRoleBinding.
fn readers(readers: &[Reader], service: &Identity, reads_nodes: bool) -> Vec<Value> {
    if readers.is_empty() {
        return Vec::new();
    }
    let subjects: Vec<Value> = readers
        .iter()
        .map(|reader| rbac::service_account(&reader.namespace, &reader.service_account))
        .collect();
    let mut objects = vec![
        rbac::reader_role(service),
        rbac::reader_binding(service, subjects.clone()),
    ];
    if reads_nodes {
        let name = companions::node_reader_name(service);
        objects.push(rbac::node_role(&name));
        objects.push(rbac::node_binding(&name, subjects));
    }
    objects
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::RunnerSelector;
    use crate::function_config::{API_VERSION, FunctionConfig};
    use crate::runner;
    use crate::session_server::{PortChange, check_shared, split};

    /// A ConfigMap, and the Deployment `workload` that reads it.
    fn config_map_and_deployment() -> (&'static str, &'static str) {
        let items = include_str!("../../tests/lists/runner.yaml");
        items.split_at(items.find("- apiVersion: apps/v1").unwrap())
    }

    fn deployment(name: &str, replicas: u8) -> String {
        let (_, deployment) = config_map_and_deployment();
        let deployment = deployment.replace("workload", name);
        deployment.replace("replicas: 1", &format!("replicas: {replicas}"))
    }

    /// Hands a list of these items and its runners to a test.
    fn with_runners(items: &str, test: impl FnOnce(&ResourceList<'_>, Vec<Runner>)) {
        let (config_map, _) = config_map_and_deployment();
        let text = format!(
            "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n{items}{config_map}"
        );
        let list = ResourceList::read(text.as_bytes()).unwrap();
        let selector = RunnerSelector::default();
        let workloads = runner::find_workloads(&list, &selector, None).unwrap();
        let complete = |workload| runner::complete(&list, workload, None, None).unwrap();
        let runners = workloads.into_iter().map(complete).collect();
        test(&list, runners);
    }

    fn spec(fields: Value) -> SessionServerSpec {
        let config = json!({
            "apiVersion": API_VERSION,
            "kind": "SessionServer",
            "metadata": {"name": "session-server"},
            "spec": fields,
        });
        match FunctionConfig::parse(&config) {
            Ok(FunctionConfig::SessionServer(config)) => config.spec,
            other => panic!("{other:?}"),
        }
    }

    fn plans(
        list: &ResourceList<'_>,
        runners: Vec<Runner>,
        spec: &SessionServerSpec,
    ) -> Vec<RunnerPlan> {
        let around = Surroundings::of(list, &runners, false).unwrap();
        let one = |runner| plan(list, spec, runner, &around);
        runners.into_iter().map(one).collect()
    }

    #[test]
    fn a_runner_is_planned_without_a_list_being_written() {
        with_runners(&deployment("runner", 1), |list, runners| {
            let spec = spec(json!({"advertiseAddress": "terminal.example.com"}));
            let [plan] = plans(list, runners, &spec).try_into().unwrap();
            assert_eq!(plan.results, []);
            assert!(plan.changes_config() && plan.changes_workload());
            insta::assert_debug_snapshot!(plan.config, @r#"
            Some(
                ConfigPlan {
                    keys: [
                        (
                            "session_timeout",
                            Number(1800),
                        ),
                        (
                            "listen_address",
                            String("0.0.0.0:8093"),
                        ),
                        (
                            "advertise_address",
                            String("terminal.example.com:9000"),
                        ),
                    ],
                    text: Some(
                        "concurrent = 10\n\n[session_server]\nsession_timeout = 1800\nlisten_address = \"0.0.0.0:8093\"\nadvertise_address = \"terminal.example.com:9000\"\n",
                    ),
                    record: Store(
                        Record(
                            {
                                "session_server": None,
                            },
                        ),
                    ),
                    checksum: Some(
                        "3a10c5a16f73f109318ca66e4045267cc9d11d1a6c3a01a0ed1c66547b2b8b24",
                    ),
                },
            )
            "#);
            let network = plan.network.unwrap();
            insta::assert_debug_snapshot!(network.port, @r#"
            PortPlan {
                number: 8093,
                target: String("session-server"),
                change: Add {
                    ports: "/spec/template/spec/containers/0/ports",
                    entry: Object {
                        "name": String("session-server"),
                        "containerPort": Number(8093),
                        "protocol": String("TCP"),
                    },
                    note: "session-server",
                },
            }
            "#);
            assert!(network.companions.is_empty());
            let ServicePlan::Made { identity, service } = network.service else {
                panic!("{:?}", network.service);
            };
            assert_eq!(identity.to_string(), "Service ci/runner-session-server");
            assert_eq!(
                service.at("/spec/ports/0/targetPort"),
                Some(&json!("session-server"))
            );
        });
    }

    #[test]
    fn what_is_beside_the_service_is_planned_too() {
        with_runners(&deployment("runner", 1), |list, runners| {
            let spec = spec(json!({
                "exposure": {"type": "Ingress", "host": "r.example.com", "controller": "nginx"},
                "networkPolicy": {"from": [{"podSelector": {}}]},
                "sessionTimeout": 60,
            }));
            let [plan] = plans(list, runners, &spec).try_into().unwrap();
            let network = plan.network.unwrap();
            let kinds = network.companions.iter().map(|companion| match companion {
                CompanionPlan::Made(object) => object["kind"].as_str().unwrap(),
                other => panic!("{other:?}"),
            });
            assert_eq!(kinds.collect::<Vec<_>>(), ["Ingress", "NetworkPolicy"]);
            assert_eq!(network.asked_timeout, Some(Seconds(60)));
            let config = plan.config.unwrap();
            let expected = [
                ("session_timeout", json!(60)),
                ("listen_address", json!("0.0.0.0:8093")),
                ("advertise_address", json!("r.example.com:443")),
            ];
            assert_eq!(config.keys, expected);
        });
    }

    #[test]
    fn runners_of_one_file_are_planned_alike_and_refused_together() {
        let items = deployment("one", 1) + &deployment("two", 1);
        with_runners(&items, |list, runners| {
            let plans = plans(list, runners, &spec(json!({"listenPort": 9999})));
            let [one, two] = plans.as_slice() else {
                panic!("{plans:?}");
            };
            // There is no address yet: the file does not change, so both plans are fine.
            assert_eq!(one.config, two.config);
            assert!(!one.changes_config());
            let [result] = check_shared(list, &plans, &[]).try_into().unwrap();
            assert!(
                result
                    .to_string()
                    .starts_with("warning: ConfigMap ci/runner")
            );
        });
        with_runners(&items, |list, runners| {
            let exposure = json!({"exposure": {"type": "ClusterIP"}});
            let plans = plans(list, runners, &spec(exposure));
            assert!(plans.iter().all(RunnerPlan::changes_config));
            let [result] = check_shared(list, &plans, &[]).try_into().unwrap();
            assert!(result.to_string().starts_with("error: ConfigMap ci/runner"));
        });
    }

    #[test]
    fn shards_are_planned_before_they_are_copied() {
        with_runners(&deployment("runner", 2), |list, runners| {
            let [runner] = runners.try_into().unwrap();
            let split = split(list, runner, 0).unwrap();
            let names = split.runners.iter().map(|runner| {
                let workload = &runner.workload.resource.identity.name;
                format!("{workload} {}", runner.config.object.identity.name)
            });
            let names: Vec<_> = names.collect();
            assert_eq!(names, ["runner-0 runner", "runner-1 runner-1"]);
            assert_eq!(split.copies(), 2);
            let spec = spec(json!({"exposure": {"type": "ClusterIP"}}));
            let plans = plans(list, split.runners, &spec);
            let ports = plans
                .into_iter()
                .map(|plan| plan.network.unwrap().port.change);
            assert!(
                ports
                    .into_iter()
                    .all(|change| matches!(change, PortChange::Add { .. }))
            );
        });
    }
}

//! The session server's plan: what a runner's manifests need so that its terminals work.
//!
//! | module | what it plans |
//! |---|---|
//! | [`config_file`] | the root table `[session_server]` of `config.toml` |
//! | [`port`] | the container port |
//! | [`service`] | the Service in front of it |
//! | [`pods`] | whose pods it would select |
//! | [`adopt`] | which Service of the user's leads there already |
//! | [`live_item`] | what becomes of a live Service among the items |
//! | [`front`] | whose Service it is: made, brought up to date, or adopted |
//! | [`objects`] | what stands beside it: an Ingress, a TLSRoute, a NetworkPolicy, Roles |
//! | [`network_policy`] | who may connect, as the network enforces it |
//! | [`owned`] | how what is made is marked and found again |
//! | [`settings`] | which keys of `config.toml` get which values |
//! | [`listening`], [`capability`], [`shut_out`], [`rollout`] | what a person is warned about |
//! | [`taken`] | addresses that another resource has already |
//! | [`record`] | what its keys were before |
//! | [`base64_lines`] | the lines that base64 is broken into |
//! | [`shared`] | what runners with one configuration cannot have |
//! | [`unchangeable`] | what cannot take a change: immutable objects, files encrypted by SOPS |
//! | [`undo`] | `enabled: false`: what was there before |
//! | [`shard`] | many replicas as many workloads, each with what is above |
//! | [`advertise`] | the follow-up: the address that the live Service has been given |
//! | [`live_service`] | the rules by which a Service's status says its address |

pub mod adopt;
mod advertise;
mod base64_lines;
mod capability;
pub mod config_file;
mod front;
mod listening;
mod live_item;
mod live_service;
mod network_policy;
mod objects;
pub mod owned;
mod pods;
pub mod port;
mod record;
mod rollout;
pub mod service;
pub mod settings;
mod shard;
mod shared;
mod shut_out;
mod taken;
mod unchangeable;
mod undo;

use std::cell::OnceCell;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::address::Address;
use crate::function_config::{Reader, SessionServerSpec};
use crate::observed::{Observed, ServiceName};
use crate::plan::Plan;
use crate::rbac;
use crate::runner::{self, Placeholder, Runner, Workload};
use adopt::Services;
pub use advertise::{Advertised, State, advertise, look_up};
use config_file::ConfigFile;
use front::FollowUp;
use krm::bookkeeping::annotation;
use krm::patch::Patches;
use krm::resource::Identity;
use krm::resource_list::{ReadError, ResourceList};
use krm::results::FunctionResult;
use krm::results::Refusal;
use pods::Pods;
use service::Existing;
pub use shard::{shards_alike, split};
pub use shared::{not_selected, refuse_shared};
pub use unchangeable::refuse_unchangeable;
pub use undo::undo;
use yaml_splice::pointer::At as _;

/// On a pod template: the sha256 of `config.toml`, so that pods restart when it changes.
pub const CONFIG_CHECKSUM: &str = "runner-terminal.dev/config-checksum";
/// On a Service of ours: the address is known by the way of exposure, and needs no follow-up.
pub const ADDRESS_FROM: &str = "runner-terminal.dev/address-from";
/// On a workload: the name of the container port that this function added.
pub const ADDED_PORT: &str = "runner-terminal.dev/added-port";
/// On a workload: the `sessionTimeout` that was asked for, in seconds, for the follow-up that writes
/// it with the address.
pub const ASKED_TIMEOUT: &str = "runner-terminal.dev/session-timeout";
/// On a functionConfig, by a host that runs several: the kind of one that comes later.
pub const FOLLOWED_BY: &str = "runner-terminal.dev/followed-by";

/// What else is in a list that bears on the session servers of its runners.
#[derive(Debug)]
pub struct Surroundings {
    pods: Pods,
    services: Services,
    /// Objects with a configuration that an earlier run has edited.
    edited: Vec<usize>,
    /// Needed only where a runner has no address yet.
    observed: OnceCell<Observed>,
}

impl Surroundings {
    /// Looks around these runners, beside which the list may have others.
    ///
    /// # Errors
    /// A resource that bears on one of them and cannot be parsed.
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
///
/// # Errors
/// The reason why this runner cannot have one.
pub fn add(
    list: &ResourceList<'_>,
    spec: &SessionServerSpec,
    runner: &Runner,
    around: &Surroundings,
    plan: &mut Plan,
) -> Result<(), Refusal> {
    let Surroundings { pods, services, .. } = around;
    require_name(&runner.workload)?;
    pods.check_selector(&runner.workload)?;
    let mut config = open_config(runner, &mut plan.patches)?;
    plan.results
        .extend(listening::check(&config, spec, runner)?);
    let configured = settings::configured_port(&config);
    let listen_port = port::listen_port(spec, configured, runner);
    let found = service::find(list, &runner.workload)?;
    let adopted = front::adoptable(services, spec, runner, listen_port, &config, &found)?;
    let target_port = port::ensure(
        runner,
        listen_port,
        config.metrics_port(),
        &mut plan.patches,
    )?;
    let mut front = match (adopted, found) {
        (Some(adopted), _) => front::adopt(&adopted, spec, runner, &config, pods, plan)?,
        (None, Existing::Foreign(service)) => return Err(owned::not_ours(&service)),
        (None, found) => {
            let ports = service::Ports {
                listen: listen_port,
                target: &target_port,
            };
            front::make(found, spec, runner, ports, plan)?
        }
    };
    if let Some(address) = &front.fixed {
        taken::check_fixed(list, address, &front.identity)?;
    }
    let mut beside = std::mem::take(&mut front.objects);
    let reads_nodes = spec.exposure.way().reads_nodes();
    beside.extend(readers(&spec.readers, &front.identity, reads_nodes));
    if let Some(policy) = &spec.network_policy {
        beside.push(network_policy::object(
            policy,
            &front.identity,
            runner,
            listen_port,
        ));
    }
    plan.results
        .extend(services.left_behind(&runner.workload, &front.identity));
    plan.results.extend(capability::warnings(runner, &config));
    plan.results
        .extend(shut_out::warnings(list, spec, runner, listen_port)?);
    plan.results.extend(rollout::surge(runner));
    if spec.network_policy.is_some() {
        let cut_off = network_policy::metrics_cut_off(runner, config.metrics_port());
        plan.results.extend(cut_off);
    }
    let place = objects::Place {
        service: &front.identity,
        relay: front.relay_before.as_deref(),
    };
    objects::ensure(list, &beside, place, &runner.workload, &mut plan.patches)?;
    if front.has_lost_address && spec.advertise_address.is_none() {
        settings::switch_off(&mut config, runner, &mut plan.patches);
    }
    settings::remember_timeout(spec, &runner.workload, &mut plan.patches);
    match settings::address(spec, &config, runner, &front, &mut plan.results)? {
        Some((address, address_is_asked)) => {
            if address_is_asked {
                taken::check_advertised(list, &around.edited, &address, runner)?;
            }
            let own = settings::own_address(&config, runner);
            if spec.advertise_address.is_some() || own.is_some() {
                plan.results.extend(front.check_port(&address));
            }
            plan.results.extend(limits(&address, runner));
            let wanted = settings::Wanted {
                listen_port,
                listen_port_is_asked: spec.listen_port.is_some(),
                address: &address,
                address_is_asked,
                timeout: spec.session_timeout,
            };
            settings::write(&wanted, &mut config, runner, plan);
        }
        None => {
            let seen = around.observed(list)?.has_address(&ServiceName {
                namespace: front.identity.namespace.clone(),
                name: front.identity.name.clone(),
            });
            let follow_up = match (seen, is_followed(list)) {
                (true, _) => FollowUp::Seen,
                (false, true) => FollowUp::SameRun,
                (false, false) => FollowUp::Unknown,
            };
            plan.results.push(front.pending(&config, runner, follow_up));
        }
    }
    if config.has_misplaced_table() {
        plan.results.push(
            FunctionResult::warning(
                "a session_server stands under [[runners]], where the runner ignores it: \
                 [session_server] is a table of the file's root",
            )
            .about(&runner.config.object.identity)
            .at(runner.config.field()),
        );
    }
    roll_pods(runner, &config, plan);
    Ok(())
}

/// Warns of an address that GitLab reaches from few places.
fn limits(address: &str, runner: &Runner) -> Option<FunctionResult> {
    let limits = parse_address(address)?.limits()?;
    Some(
        FunctionResult::warning(format!("advertise_address {address} {limits}"))
            .about(&runner.config.object.identity)
            .at(runner.config.field()),
    )
}

/// Refuses a workload whose name the API server makes up: its Service could be named for no one pod.
///
/// # Errors
/// It has no `metadata.name`.
pub(crate) fn require_name(workload: &Workload) -> Result<(), Refusal> {
    let resource = &workload.resource;
    if !resource.identity.name.is_empty() {
        return Ok(());
    }
    Err(Box::new(
        FunctionResult::error(
            "has a generateName and no name, so that each time it is made it is another, and no \
             Service can be its own: set metadata.name, or run this GitLab Runner as a Deployment",
        )
        .about(&resource.identity)
        .at("metadata.generateName"),
    ))
}

/// True where the host has said that an AdvertiseAddress comes behind this function.
fn is_followed(list: &ResourceList<'_>) -> bool {
    let config = list.function_config();
    let next = config.and_then(|config| config.at(&annotation(FOLLOWED_BY)));
    next.and_then(Value::as_str) == Some("AdvertiseAddress")
}

/// The Role and RoleBinding of those who may read the Service's address, and where that is a node's,
/// the ClusterRole and ClusterRoleBinding.
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
        let name = objects::node_reader_name(service);
        objects.push(rbac::node_role(&name));
        objects.push(rbac::node_binding(&name, subjects));
    }
    objects
}

/// The runner reads its configuration at start: the pod template changes with it.
fn roll_pods(runner: &Runner, config: &ConfigFile, plan: &mut Plan) {
    let digest = config_checksum(config.text());
    let workload = &runner.workload;
    let checksum = checksum(workload);
    plan.patches
        .set(&workload.resource, &checksum, json!(digest));
    plan.results
        .extend(rollout::restart(runner, &checksum, &mut plan.patches));
}

/// The value of [`CONFIG_CHECKSUM`] for a `config.toml`: its sha256 in hexadecimal.
pub(crate) fn config_checksum(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// JSON pointer of the checksum of a workload's configuration.
fn checksum(workload: &Workload) -> String {
    workload.pod_pointer(&annotation(CONFIG_CHECKSUM))
}

/// The runner's configuration as the patches so far have left it: runners may share one.
///
/// # Errors
/// It is not TOML, or has a `session_server` that is no table.
pub fn open_config(runner: &Runner, patches: &mut Patches) -> Result<ConfigFile, Refusal> {
    let config = &runner.config;
    let text = settings::current_text(config, patches);
    ConfigFile::parse(&text).map_err(|error| {
        let message = match runner::placeholder(&text) {
            Some(placeholder) => unfilled(runner, &placeholder),
            None => format!("{} {error}", config.key),
        };
        Box::new(
            FunctionResult::error(message)
                .about(&config.object.identity)
                .at(config.field()),
        )
    })
}

/// Says that a placeholder makes the configuration no TOML.
fn unfilled(runner: &Runner, placeholder: &Placeholder) -> String {
    let Placeholder { text, line } = placeholder;
    let config = &runner.config;
    // A password may look like a placeholder.
    let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || "${}_@%.".contains(c);
    let is_plain =
        text.starts_with("<path:") || text.starts_with("{{") || text.chars().all(is_name);
    let text = if config.object.identity.kind != "Secret" || is_plain {
        text.as_str()
    } else {
        "what stands"
    };
    let way_on = match config.object.identity.kind.as_str() {
        "ConfigMap" | "Secret" => "Run the function after that",
        // What fills in these does it in the cluster.
        _ => "Put it into a string, or write [session_server] into this template yourself",
    };
    format!(
        "{} is not TOML: {text} in line {line} looks like a placeholder that something fills in \
         later. {way_on}",
        config.key
    )
}

/// Reads an address that the functionConfig has been checked to hold.
fn parse_address(text: &str) -> Option<Address> {
    Address::parse(text).ok()
}

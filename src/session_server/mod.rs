//! The session server's plan: what a runner's manifests need so that its terminals work.
//!
//! | module | what it plans |
//! |---|---|
//! | [`config_file`] | the root table `[session_server]` of `config.toml` |
//! | [`port`] | the container port |
//! | [`service`] | the Service in front of it |
//! | [`pods`] | whose pods it would select |
//! | [`front`] | whose Service it is: made, brought up to date, or adopted |
//! | [`objects`] | what stands beside it: an Ingress, a TLSRoute, a NetworkPolicy, Roles |
//! | [`network_policy`] | who may connect, as the network enforces it |
//! | [`owned`] | how what is made is marked and found again |
//! | [`settings`] | which keys of `config.toml` get which values |
//! | [`record`] | what its keys were before |
//! | [`base64_lines`] | the lines that base64 is broken into |
//! | [`shared`] | what runners with one configuration cannot have |
//! | [`unchangeable`] | what cannot take a change: immutable objects, files encrypted by SOPS |
//! | [`undo`] | `enabled: false`: what was there before |
//! | [`shard`] | many replicas as many workloads, each with what is above |
//! | [`isolation`] | policies that keep GitLab out |
//! | [`terminal_support`] | runners that have no terminals whatever their configuration says |
//! | [`advertise`] | the follow-up: the address that the live Service has been given |
//! | [`live_service`] | the rules by which a Service's status says its address |

mod advertise;
mod base64_lines;
pub mod config_file;
mod front;
mod isolation;
mod live_service;
mod network_policy;
mod objects;
pub(crate) mod owned;
mod pods;
mod port;
mod record;
pub(crate) mod service;
pub(crate) mod settings;
mod shard;
mod shared;
mod terminal_support;
mod unchangeable;
mod undo;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::address::Address;
use crate::function_config::{Reader, SessionServerSpec};
use crate::patch::{Patches, Plan, annotation};
use crate::rbac;
use crate::resource::Identity;
use crate::resource_list::ResourceList;
use crate::results::FunctionResult;
use crate::runner::{self, Placeholder, Refusal, Runner, Workload};
pub use advertise::{Advertised, State, advertise, look_up};
use config_file::ConfigFile;
pub use pods::Pods;
use service::Existing;
pub use shard::{name_before, split};
pub use shared::{not_selected, refuse_shared};
pub use unchangeable::refuse_unchangeable;
pub use undo::undo;

/// On a pod template: the sha256 of `config.toml`, so that pods restart when it changes.
pub const CONFIG_CHECKSUM: &str = "runner-terminal.dev/config-checksum";
/// On a Service, a Role or a RoleBinding that this function made.
pub const OWNED_BY: &str = "runner-terminal.dev/owned-by";
/// The value of [`OWNED_BY`].
pub const OWNER: &str = "SessionServer";
/// On a Service of ours: the address is known by the way of exposure, and needs no follow-up.
pub const ADDRESS_FROM: &str = "runner-terminal.dev/address-from";
/// On a workload: the name of the container port that this function added.
pub const ADDED_PORT: &str = "runner-terminal.dev/added-port";
/// On a workload: the `sessionTimeout` that was asked for, in seconds, for the follow-up that writes
/// it with the address.
pub const ASKED_TIMEOUT: &str = "runner-terminal.dev/session-timeout";
/// On the object with `config.toml`: by the name of the file, the TOML text that its keys had before,
/// `null` for none.
pub const CONFIG_BEFORE: &str = "runner-terminal.dev/config-before";

/// Plans the session server of one runner.
///
/// # Errors
/// The reason why this runner cannot have one.
pub fn add(
    list: &ResourceList<'_>,
    spec: &SessionServerSpec,
    runner: &Runner,
    pods: &Pods<'_>,
    plan: &mut Plan,
) -> Result<(), Refusal> {
    pods.check_selector(&runner.workload)?;
    let found = service::find(list, &runner.workload)?;
    let mut config = open_config(runner, &mut plan.patches)?;
    let configured = settings::configured_port(&config);
    let listen_port = port::listen_port(spec, configured, runner);
    let target_port = port::ensure(
        runner,
        listen_port,
        config.metrics_port(),
        &mut plan.patches,
    )?;
    let mut front = match found {
        Existing::Foreign(service) => {
            front::adopt(&service, spec, runner, listen_port, &config, plan)?
        }
        found => {
            let ports = service::Ports {
                listen: listen_port,
                target: &target_port,
            };
            front::make(found, spec, runner, ports, plan)?
        }
    };
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
            let wanted = settings::Wanted {
                listen_port,
                listen_port_is_asked: spec.listen_port.is_some(),
                address: &address,
                address_is_asked,
                timeout: spec.session_timeout,
            };
            settings::write(&wanted, &mut config, runner, plan);
        }
        None => plan.results.push(front.pending(&config, runner)),
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
    plan.results
        .extend(terminal_support::warnings(runner, &config));
    plan.results
        .extend(isolation::warnings(list, spec, runner, listen_port)?);
    roll_pods(runner, &config, &mut plan.patches);
    Ok(())
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
fn roll_pods(runner: &Runner, config: &ConfigFile, patches: &mut Patches) {
    let digest = config_checksum(config.text());
    let workload = &runner.workload;
    patches.set(&workload.resource, &checksum(workload), json!(digest));
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

//! Plans the session server: what a runner's manifests need so that its terminals work.
//!
//! Planning reads the list and gives values ([`RunnerPlan`], [`Sharding`], [`UndoPlan`]); the method
//! `patch` of each turns it into operations, and [`crate::plan::Plan::patch`] calls them all.
//!
//! | module | what it plans |
//! |---|---|
//! | [`runner_plan`] | one runner, by the modules below |
//! | [`port`] | the container port |
//! | [`service`] | the Service in front of it |
//! | [`service_binding`] | whether it is ours or the user's own, and what that means for the address |
//! | [`companions`] | what stands beside it: an Ingress, a TLSRoute, a NetworkPolicy, Roles |
//! | [`network_policy`] | who may connect, as the network enforces it |
//! | [`config_plan`] | the text of `config.toml`, and the record of what it was before |
//! | [`settings`] | which keys of `config.toml` get which values |
//! | [`pod_start`] | `configure.at: PodStart`: the init container that writes `config.toml` |
//! | [`relay`] | the relay in front of all runners that name it |
//! | [`shard`] | one workload per replica |
//! | [`advertise`] | AdvertiseAddress: the address of the live Service |
//! | [`undo`] | `enabled: false`: the state before the first run |
//!
//! | module | what it knows |
//! |---|---|
//! | [`config_file`] | the root table `[session_server]` of `config.toml` |
//! | [`record`] | the values of its keys before the first run |
//! | [`base64_lines`] | how base64 is broken into lines |
//! | [`pods`] | which pods a Service selects |
//! | [`adopt`] | which of the user's Services leads to a session server |
//! | [`live_item`] | live Services among the items, and how one becomes a manifest |
//! | [`live_service`] | the address of a live Service |
//! | [`owned`] | how added resources are marked and found again |
//! | [`config_types`] | whether the runner can decode the table |
//! | [`listening`], [`capability`], [`shut_out`], [`rollout`], [`host_network`] | what the user is warned about |
//! | [`taken`] | addresses that another resource has already |
//! | [`shared`] | runners that read one configuration |
//! | [`unchangeable`] | what cannot be changed: immutable objects, files encrypted by SOPS |

pub mod adopt;
mod advertise;
mod base64_lines;
mod capability;
mod companions;
pub mod config_file;
mod config_plan;
pub(crate) mod config_types;
mod host_network;
pub(crate) mod listening;
mod live_item;
pub(crate) mod live_service;
mod network_policy;
pub mod owned;
mod pod_start;
mod pods;
pub mod port;
mod record;
mod relay;
mod rollout;
mod runner_plan;
pub mod service;
mod service_binding;
pub mod settings;
mod shard;
mod shared;
mod shut_out;
mod taken;
mod unchangeable;
mod undo;

use crate::address::Address;
use crate::digest::sha256;
use crate::runner::{self, ConfigToml, Placeholder, Workload};
pub use adopt::left_without_workload;
pub use advertise::{Advertised, State, plan as plan_address, resolve_address, resolve_at_start};
pub use companions::{CompanionPlan, left_by_sharding};
use config_file::ConfigFile;
pub(crate) use config_plan::ConfigDraft;
pub use config_plan::{ConfigLocation, ConfigPlan, RecordPlan};
pub use host_network::check_host_network;
use krm::bookkeeping::annotation;
use krm::results::{FunctionResult, Refusal};
pub use pod_start::{
    PodEdit, PodStartPlan, addressed_at_start, addressed_by_pods, is_configured_at_start,
    service_account as pod_service_account,
};
pub use port::{PortChange, PortPlan};
pub use record::Record;
pub use relay::{RELAY_SETTINGS, RelaysPlan, keys as relay_keys, plan_relays};
pub use runner_plan::{NetworkPlan, RunnerPlan, Surroundings, plan};
pub use service::ServicePlan;
pub use shard::{Edit, ShardResource, Sharding, Split, shards_alike, split};
pub use shared::{check_file_of_each_pod, check_shared, not_selected};
pub use unchangeable::check_changeable;
pub use undo::{UndoPlan, undo};

/// On a pod template: the sha256 of `config.toml`, so that pods restart when it changes.
pub const CONFIG_CHECKSUM: &str = "runner-terminal.dev/config-checksum";
/// On a Service of ours: the address comes from the exposure, and AdvertiseAddress has nothing to
/// do.
pub const ADDRESS_FROM: &str = "runner-terminal.dev/address-from";
/// On a workload: the name of the container port that this function added.
pub const ADDED_PORT: &str = "runner-terminal.dev/added-port";
/// On a workload: the `sessionTimeout` in seconds, for the AdvertiseAddress that writes it with the
/// address.
pub const ASKED_TIMEOUT: &str = "runner-terminal.dev/session-timeout";
/// On a functionConfig, set by a host that runs several functions: the kind of a later one.
pub const FOLLOWED_BY: &str = "runner-terminal.dev/followed-by";

/// Warns of an address that can be reached only from some places.
pub(crate) fn limits(address: &str, location: &ConfigLocation<'_>) -> Option<FunctionResult> {
    let limits = parse_address(address)?.limits()?;
    let message = format!("advertise_address {address} {limits}");
    Some(location.locate(FunctionResult::warning(message)))
}

/// Refuses a workload without its own name, as its Service is named after it.
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
            "has a generateName and no name, so its name differs each time and no Service can be \
             named after it: set metadata.name, or run this GitLab Runner as a Deployment",
        )
        .about(&resource.identity)
        .at("metadata.generateName"),
    ))
}

/// The value of [`CONFIG_CHECKSUM`] for a `config.toml`: its sha256 in hexadecimal.
pub(crate) fn config_checksum(text: &str) -> String {
    sha256(text)
}

/// JSON pointer of the checksum of a workload's configuration.
fn checksum(workload: &Workload) -> String {
    workload.pod_pointer(&annotation(CONFIG_CHECKSUM))
}

/// Parses a runner's configuration.
///
/// # Errors
/// It is not TOML, or its `session_server` is not a table.
pub fn open_config(config: &ConfigToml) -> Result<ConfigFile, Refusal> {
    ConfigFile::parse(&config.text).map_err(|error| {
        let message = match runner::placeholder(&config.text) {
            Some(placeholder) => unfilled(config, &placeholder),
            None => format!("{} {error}", config.key),
        };
        Box::new(
            FunctionResult::error(message)
                .about(&config.object.identity)
                .at(config.field()),
        )
    })
}

/// Says that the configuration is not TOML because of a placeholder.
fn unfilled(config: &ConfigToml, placeholder: &Placeholder) -> String {
    let Placeholder { text, line } = placeholder;
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
        // These are filled in inside the cluster.
        _ => "Put it into a string, or write [session_server] into this template yourself",
    };
    format!(
        "{} is not TOML: {text} in line {line} looks like a placeholder that something fills in \
         later. {way_on}",
        config.key
    )
}

/// Parses an address that was already checked in the functionConfig.
fn parse_address(text: &str) -> Option<Address> {
    Address::parse(text).ok()
}
